"""Brings the Dutch catalogue up to date with the messages in code and templates: `python extract.py`.

New messages come in untranslated, those that nobody uses any more go. A test says whether anything is missing.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

FOLDER = Path(__file__).parent
# Functions that take a message, and where it stands among their arguments.
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "N_": None,
    "text": None,
    "count": (1, 2),
    "go": (2,),
    "act": (4,),
}
_HEADER = r"""msgid ""
msgstr ""
"Project-Id-Version: Sluis\n"
"Language: nl\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

"""
METHODS = [("**.py", "python"), ("**.html", "jinja2")]


def extract() -> Catalog:
    """All messages, without translations."""
    found = Catalog(charset="utf-8")
    extracted = extract_from_dir(FOLDER.parent, METHODS, {"**.html": {"silent": "false"}}, KEYWORDS)
    for _file, _line, message, _comments, context in extracted:
        if message:
            found.add(message, context=context)
    return found


def updated() -> Catalog:
    """The Dutch catalogue as it should be."""
    with (FOLDER / "nl.po").open("rb") as file:
        catalogue = read_po(file, locale="nl")
    catalogue.update(extract(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def write(catalogue: Catalog) -> None:
    """Write it, with a header that says no more than what readers of catalogues need."""
    content = io.BytesIO()
    write_po(content, catalogue, width=120, omit_header=True, sort_output=True, ignore_obsolete=True)
    (FOLDER / "nl.po").write_text(_HEADER + content.getvalue().decode(), "utf-8")


if __name__ == "__main__":
    write(updated())
