"""A caseload: the file that is read, what is refused of it, and how well it will match."""
