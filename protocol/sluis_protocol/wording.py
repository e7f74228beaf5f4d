"""Words that name what Sluis must not know, in Dutch and English (rule 1): for column titles and for labels.

The lists are words that describe kinds of data; they name no group (rule 2). Pure. What a match of these words leads to
is the caller's business: an import with such a column is refused, and so is a purpose or a case with such a label.
"""

from __future__ import annotations

import re

from .normalise import fold

_PLACE = "(plaats|land|place|country|gemeente|municipality|stad|city|town|streek|region|provinc)"
_PARTS = re.compile(
    "|".join(
        (
            # origin, descent, nationality
            r"national|staatsburger|citizen|staat(en)?loos|stateless|etni|ethni|herkomst|afkomst|afstamming|ancestr|descent",
            r"origin(?!al|eel|ele)|migra|migrant|vreemdeling|foreign|bevolkingsgroep|minderheid|minorit|huidskleur|(?<!ma)skin",
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
_WORDS = frozenset({"ras", "race", "volk", "stam", "tribe", "clan", "land", "country", "kerk", "vnummer"})
_FINE = frozenset({"national", "nationaal", "nationale"})  # in a sentence these say how far a plan reaches


def is_forbidden(title: str) -> bool:
    """Whether a column or field of this name would hold what Sluis must not know."""
    words = fold(title.replace("_", " ")).split()
    return bool(_WORDS & set(words) or _PARTS.search("".join(words)))


def forbidden_word(label: str) -> str:
    """The first word of a label that says what Sluis must not know, or "".

    A label is a sentence, so words count one by one, and short ones that are parts of other things don't.
    """
    words = fold(re.sub(r"[-_/.]", " ", label)).split()
    return next((word for word in words if word not in _FINE and _PARTS.search(word)), "")
