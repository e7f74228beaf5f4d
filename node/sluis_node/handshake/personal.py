"""What would make a question personal: numbers, dates, addresses and the family's own names and ids.

A dilemma goes to people who have nothing to do with the family, so it is asked without anything of theirs. This finds
what a machine can find; the form asks people for the rest. A finding never repeats the text (rule 17).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sluis_protocol.errors import DecisionRefused
from stdnum.nl import bsn as eleven_test

from ..round.own_family import NAME_BYTES, Shown, words

LONGEST_QUESTION = 2_000
_SHORTEST_ID = 3
_MONTHS = "jan|feb|mrt|maart|mar|apr|mei|may|jun|jul|aug|sep|okt|oct|nov|dec"  # with whatever follows: januari, january
_DIGITS = re.compile(r"(?<![0-9])[0-9](?:[ .\-]?[0-9]){7,8}(?![0-9])")
_DATES = re.compile(
    r"(?<![0-9])(?:[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}|(?:19|20)[0-9]{6}|[0-9]{8}"
    rf"|[0-9]{{1,2}}\s*(?:{_MONTHS})[a-z]*\.?\s*(?:19|20)?[0-9]{{2}})(?![0-9])",
    re.IGNORECASE,
)
_POSTCODE = re.compile(r"(?<![0-9])[1-9][0-9]{3}\s?[A-Z]{2}(?![A-Za-z0-9])")
_MAILBOX = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"(?<![0-9])(?:\+31|0031|0)[ \-]?[1-9](?:[ \-]?[0-9]){7,8}(?![0-9])")


def check_question(text: str, family: Shown, look_up: Callable[[str], bytes]) -> str:
    """The question, tidied; DecisionRefused naming what in it is personal. `look_up` is `vault.look_up_name`."""
    tidied = " ".join(text.split())
    if not tidied:
        raise DecisionRefused("the question is empty", do="say what you can't solve together", field="question")
    if len(tidied) > LONGEST_QUESTION:
        raise DecisionRefused(
            f"the question is longer than {LONGEST_QUESTION} characters", do="ask it shorter", field="question"
        )
    if found := list(dict.fromkeys(_findings(tidied, family, look_up))):
        raise DecisionRefused(
            f"the question is about persons: it has {', '.join(found)}",
            do="ask it without anything by which a person can be recognised",
            field="question",
        )
    return tidied


def _findings(text: str, family: Shown, look_up: Callable[[str], bytes]) -> Iterator[str]:
    """What kinds of personal data stand in it."""
    if any(eleven_test.is_valid(re.sub(r"[^0-9]", "", found).zfill(9)) for found in _DIGITS.findall(text)):
        yield "a BSN"
    if _DATES.search(text):
        yield "a date"
    if _POSTCODE.search(text):
        yield "a postcode"
    if _MAILBOX.search(text):
        yield "a mail address"
    if _PHONE.search(text):
        yield "a telephone number"
    names = {name for member in family.members for name in member.names}
    if any(look_up(word)[:NAME_BYTES] in names for word in dict.fromkeys(words(text))):
        yield "a name of the family's"
    lowered = text.casefold()
    ids = (family.family, *family.cases, *family.persons, *(member.case for member in family.members))
    if any(len(one) >= _SHORTEST_ID and one.casefold() in lowered for one in ids):
        yield "a number of the family's file"
