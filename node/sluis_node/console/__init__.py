"""The console: web pages for the people who decide about matches. It uses the node's own interface and no table.

    settings               what `[console]` in node.toml says
    serve → app            the program, and the table of pages
    guard                  host, size, rate and headers, for every request
    doorway, sessions      whose browser this is
    login, oidc, local     who somebody is
    people                 what they may see and do
    visit → pages/         one request, and what each page makes of it
    views, language        templates/, static/ and locale/: what it looks like, in which words
    drawing                families and timelines as pictures
    trouble                errors as a page tells them

Nothing here decides anything about a match: `handshake.desk` does.
"""
