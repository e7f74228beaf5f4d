"""Which columns a caseload may have: known ones, forbidden ones, and the rest (rule 1).

Looks at the header only. A forbidden column stops the import before a row is read; an unknown one is named and never
kept. Which words are forbidden is in `sluis_protocol.wording`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sluis_protocol.errors import ForbiddenData, InputError
from sluis_protocol.wording import is_forbidden as is_forbidden

LINE = "regel"  # what stands for the field where a whole line is at fault
OPTIONAL = frozenset({"herzieningsdatum", "geheimhouding", "onderzoek"})
# Each column with the other names that it goes by; spaces, underscores and capitals don't matter.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "gezin": ("gezinsnummer", "gezinsid", "gezinid"),
    "persoon": ("persoonsnummer", "persoonsid", "persoonid"),
    "burgerservicenummer": ("bsn",),
    "voornamen": ("voornaam",),
    "voorvoegsel": ("voorvoegsels", "voorvoegselgeslachtsnaam", "tussenvoegsel", "tussenvoegsels"),
    "geslachtsnaam": ("achternaam",),
    "geboortedatum": ("gebdatum", "gebdat"),
    "postcode": (),
    "huisnummer": ("huisnr",),
    "zaak": ("zaaknummer", "zaakid", "zaakreferentie"),
    "grondslag": ("wettelijkegrondslag",),
    "startdatum": ("begindatum", "ingangsdatum"),
    "einddatum": (),
    "behandelaar": ("professional", "verantwoordelijkprofessional"),
    "herzieningsdatum": ("evaluatiedatum",),
    "geheimhouding": ("geheim", "indicatiegeheim", "indicatiegeheimhouding"),
    "onderzoek": ("inonderzoek", "indicatieonderzoek", "aanduidinginonderzoek", "aanduidinggegevensinonderzoek"),
}
_KNOWN = {alias: column for column, aliases in COLUMNS.items() for alias in (column, *aliases)}


def find_columns(header: Sequence[str], name: str) -> tuple[dict[str, int], tuple[str, ...]]:
    """Where each known column is, and the names of the columns that aren't kept; `name` is the file's.

    Raises `ForbiddenData` for a column that Sluis must not hold, and `InputError` for one that is missing or there
    twice.
    """
    found: dict[str, int] = {}
    unknown = []
    twice = []
    for at, title in enumerate(header):
        column = _KNOWN.get(re.sub(r"[^a-z0-9]", "", title.casefold()))
        if column is None:
            unknown.append(" ".join(title.split()) or f"column {at + 1}, which has no name")
        elif column in found:
            twice.append(column)
        else:
            found[column] = at
    if not found:  # before any title is repeated in a message: it may be a person
        what = f"the first line is not a header; it has to name {', '.join(c for c in COLUMNS if c not in OPTIONAL)}"
        raise InputError(what, do="Export the caseload with its header, separated by semicolons or commas.", file=name)
    if forbidden := [title for title in unknown if is_forbidden(title)]:
        what = f"the file has columns that Sluis must not hold: {', '.join(forbidden)}"
        raise ForbiddenData(what, do="Export without them. Nothing of this file was kept.", file=name)
    if twice:
        raise InputError(f"a column is there twice: {', '.join(twice)}", do="Remove one of the two.", file=name)
    if missing := [column for column in COLUMNS if column not in found and column not in OPTIONAL]:
        what = f"columns are missing: {', '.join(missing)}"
        raise InputError(what, do="Add them; a column may be empty where a person needs no value.", file=name)
    return found, tuple(unknown)
