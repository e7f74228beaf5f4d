"""Which columns a caseload may have: known ones, forbidden ones, and the rest (rule 1).

Looks at the header only. A forbidden column stops the import before a row is read; an unknown one is named and never
kept. The lists are words that describe columns, in Dutch and English; they name no group (rule 2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sluis_protocol.errors import ForbiddenData, InputError
from sluis_protocol.normalise import fold

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

_PLACE = "(plaats|land|place|country|gemeente|municipality|stad|city|town|streek|region|provinc)"
_FORBIDDEN_PARTS = re.compile(
    "|".join(
        (
            # origin, descent, nationality
            r"national|staatsburger|citizen|staat(en)?loos|stateless|etni|ethni|herkomst|afkomst|afstamming|ancestr|descent",
            r"origin(?!al|eel|ele)|migra|migrant|vreemdeling|foreign|bevolkingsgroep|minderheid|minorit|huidskleur|skin",
            r"cultur|cultuur|landvan|heritage",
            # birth place or country, in either order
            rf"(geb|birth|born).*{_PLACE}|{_PLACE}.*(geb(?!ruik|ied|ouw)|birth|born)",
            # residence title
            r"verblijf(?!plaats|sadres)|residence(title|permit|status)|residency|asiel|asylum|refugee|vluchteling",
            # religion and belief, language
            r"relig|godsdienst|geloof|kerkgenoot|kerkelijk|levensbeschouw|levensovertuig|faith|belief|church|denominat",
            r"(?<!be)(?<!to)(?<!ver)(?<!me)taal|language|tongue",
            # type of dwelling
            r"woning|woonvorm|woonwagen|standplaats|woontype|typewonen|dwelling|housing|caravan|hometype|housetype",
        )
    )
)
_FORBIDDEN_WORDS = frozenset({"ras", "race", "volk", "stam", "tribe", "clan", "land", "country", "kerk", "vnummer"})


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


def is_forbidden(title: str) -> bool:
    """Whether a column of this name would hold what Sluis must not know, in Dutch or English (rule 1)."""
    words = fold(title.replace("_", " ")).split()
    return bool(_FORBIDDEN_WORDS & set(words) or _FORBIDDEN_PARTS.search("".join(words)))
