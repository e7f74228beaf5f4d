"""Names, dates and addresses in a form that two clerks would both arrive at (protocol.md, 2).

Pure functions on text: no locale, no tables from outside, and no judgement whether two persons are the same. None of
them raises on a valid `Person`, whatever the script. What a form is worth is in the rule set, not here.

A name goes through: Unicode NFKD, ASCII by `anyascii` (any script), lower case; prefix words ("van der", "El") are
left out wherever the clerk put them; a surname of several words gives its first and its last.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from anyascii import anyascii

from sluis_protocol.record import Person

# Prefix words, one at a time: those of the population register's table 36, and Arabic ones that clerks treat alike.
_PREFIX_WORDS = """
    a aan af al am an auf aus bei ben bij bin bint boven d da dal dalla das de deca degli dei del della dem den der des
    di die do don dos du e ed el en gen het i ibn im in l la las le les lo los met of onder op over s t te ten ter tho
    thoe thor to toe tot uijt uit und unter van vande vanden vander vd ver vom von voor voorin vor y z ze zu zum zur v
"""
# Titles and predicates (table 38), and words between one's own name and a partner's; no part of a name.
_TITLE_WORDS = """
    barones burggraaf burggravin dr drs echtgenote echtgenoot ev geb geboren gehuwd gescheiden gravin hertogin ing ir
    jhr jkvr jonkheer jonkvrouw markiezin mevr mr prinses prof wed weduwe weduwnaar wv
"""
# Those that are surnames as well: a title only where a prefix word follows, as in "baron van Heemstra".
_TITLES_OR_NAMES = frozenset({"baron", "graaf", "hertog", "markies", "prins", "ridder"})
PREFIXES = frozenset(_PREFIX_WORDS.split())
TITLES = frozenset(_TITLE_WORDS.split())
# What people write in a field when they don't know the name. Only where it is the whole field.
PLACEHOLDERS = frozenset({"", "geen", "nb", "nn", "niet bekend", "nvt", "onbekend", "unknown", "x", "xx", "xxx"})
# Prefixes written with the name, where enough is left; "al" and "el" only before a consonant or "ou" (not Alaoui).
_GLUED = re.compile(r"^(?:vand(?:en|er|e)(?=.{3})|be[ln](?=.{4})|[ae]l(?=[^aeiouy].{3}|ou.{3}))")
LONGEST = 64  # characters of a folded name; a tag needs no more


def fold(text: str) -> str:
    """Lower-case ASCII words, one space apart: "Ş. d'Ångström-Ünal" gives "s d angstrom unal"."""
    # The Serbo-Croatian đ is written "dj" by those who lack the letter; anyascii would make it a d.
    text = text.casefold().replace("đ", "dj").replace("’", "'").replace("‘", "'")
    # Arabic script writes the article with the name, and the letter ayn is an a to those who write it in Latin.
    text = re.sub(r"(?<!\w)\u0627\u0644(?=\w{2})", "al ", text).replace("\u0639", "a")
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    ascii_text = anyascii(bare).lower()
    ascii_text = re.sub(r"\b([dlst])'(?=\w)", r"\1 ", ascii_text)  # d'Angelo, 't Hart: a prefix
    ascii_text = re.sub(r"['`]", "", ascii_text)  # O'Brien, Sa'id: one word
    return " ".join(re.findall(r"[a-z]+", ascii_text))


def surname_parts(prefix: str, surname: str) -> tuple[str, ...]:
    """The one or two words that a surname is recognised by, without prefix words; () if it is unknown.

    "Ven, v.d." gives ("ven",); "Jansen-de Vries" gives ("jansen", "vries"); of three words or more the first and the
    last count. A name that consists of prefix words only ("Van", "El") is a name: its words are joined. The prefix
    field counts only then, because clerks fill it, leave it out, or write it in the surname.
    """
    words = _untitled(_known(fold(surname)).split())
    bare = [_unglued(word) for word in words if word not in PREFIXES]
    if not bare:
        joined = "".join(words) or _known(fold(prefix)).replace(" ", "")
        bare = [joined] if joined else []
    parts = dict.fromkeys(word[:LONGEST] for word in (bare[:1] + bare[-1:]))
    return tuple(parts)


def _untitled(words: list[str]) -> list[str]:
    """Without titles and "geb.", "wed.", "mr."; all the words where nothing else is left."""
    if len(words) > 2 and words[0] in _TITLES_OR_NAMES and words[1] in PREFIXES:
        words = words[1:]
    kept = [word for word in words if word not in TITLES]
    return kept if any(word not in PREFIXES for word in kept) else words


def _unglued(word: str) -> str:
    """Vandenberg, Bensaid, Alkhatib, Essaidi: the same names as Van den Berg, Ben Said, Al Khatib, Es Saidi.

    Where the prefix isn't one (Elbers), both clerks' forms lose it alike.
    """
    word = _GLUED.sub("", word)
    # The article takes the sound after it: "Annajjar", "Ettaibi"; Anna, who may be in the wrong field, keeps hers.
    return re.sub(r"^[ae]([dnrstz])\1(?=.{4})", r"\1", word)


def first_given_name(given_names: str) -> tuple[str, str]:
    """(first given name, its first letter); the name is "" where only an initial is known, both are "" for none."""
    return (given_name_parts(given_names) or (("", ""),))[0]


def given_name_parts(given_names: str) -> tuple[tuple[str, str], ...]:
    """The first and the last given name, each with its first letter, as in `first_given_name`; () for none.

    Of one name, or one twice, there is one; the same with initials: "J.P." gives (("", "j"), ("", "p")). A hyphenated
    name that comes last counts in whole, because others write it as one word: "Mei-Ling" gives mei and meiling.
    """
    folded = fold(given_names)
    words = (folded if folded == "x" and "." in given_names else _known(folded)).split()  # "X." is an initial
    if not words:
        return ()
    if _is_initials(given_names, words[0]):
        last = words[-1] if len(words[-1]) > 1 and words[-1] != words[0] else ""
        return tuple(dict.fromkeys((("", words[0][0]), (last[:LONGEST], words[-1][0]))))
    known = [word[:LONGEST] for word in words if len(word) > 1]  # "Anna M." has one name
    last = anyascii(given_names.split()[-1])
    if "-" in last and len(parts := fold(last).split()) > 1 and len(parts[-1]) > 1:
        known.append("".join(parts)[:LONGEST])
    return tuple(dict.fromkeys((name, name[0]) for name in (known[0], known[-1])))


def _is_initials(written: str, first: str) -> bool:
    """Whether the first of the given names is an initial: "J.P.", "J", "JP", "Chr.", "IJ."."""
    if len(first) == 1:
        return True
    token = (written.split() or [""])[0]
    if "." in token:
        return len(first) <= 3
    # All consonants and all capitals, such as "JP"; but JAN is a name in capitals.
    return token.isupper() and len(first) <= 4 and not re.search("[aeiouy]", first)


def _known(folded: str) -> str:
    return "" if folded in PLACEHOLDERS else folded


# Spellings of one sound across languages, in this order. Which letter stands for a class has no meaning. A letter that
# sounds differently in two languages (j, x, c) is told by the letters around it; where they don't tell, it is left.
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"[jq](?=i[aou])", "sh"),  # Jiang, Qian: Chiang, Chien
        (r"^ou(?=[ae])|(?<=a)ou(?=[aeiy])|(?<=[aeiou][^aeiou])ou(?=a)", "w"),  # Ouafa, Alaoui, Marouane; not Louise
        (r"^c(?=a(?:a|bd))", ""),  # a letter ayn: Caasha, Cabdi
        (r"(?<=abd)[aeiou]*l(?=[dnrstz])", ""),  # Abdelrahim: Abderrahim, Abdirahim
        (r"c(?=v)", "s"),  # Cvetan: Tsvetan
        (r"itsch$|itch$|itj$|ich$|ic$", "is"),
        (r"dj|ij", "i"),
        (r"ch(?=[lr])", "k"),
        (r"tsch|tch|sch|sh|sj|ch|tj|dzh|zh|zj", "s"),
        (r"ph", "f"),
        (r"ck|q", "k"),
        (r"^(?:x|hs|ks(?=[aeiou]))|x(?=[bdfgjlmnr])|(?<=a)x(?=a)|(?<=aa)x$", ""),  # a breath: Xasan, Xin, Axmed
        (r"x", "ks"),
        (r"c(?=[eiy])", "s"),
        (r"c", "k"),
        (r"h", ""),
        (r"[jy]|ei|ie", "i"),
        (r"oe|ou|u", "o"),
        (r"ae|e", "a"),
        (r"[vw]", "f"),
        (r"d", "t"),
        (r"ts|tz|z", "s"),
        (r"b", "p"),
        (r"g", "k"),
        (r"(.)\1+", r"\1"),
    )
)


def canon(name: str) -> str:
    """A folded name in which spellings of one sound are one: Djamila and Jamila, Mohammed and Muhamed."""
    for pattern, sound in _SOUNDS:
        name = pattern.sub(sound, name)
    return name


def skeleton(name: str) -> str:
    """The consonants of `canon`, at most five; a leading vowel is "a"."""
    sounds = canon(name)
    if not sounds:
        return ""
    lead = "a" if sounds[0] in "aio" else sounds[0]
    return re.sub(r"(.)\1+", r"\1", lead + re.sub("[aio]", "", sounds[1:]))[:5]


def postcode(text: str) -> str:
    """A Dutch postcode as 1234AB, or "" if it is none."""
    bare = re.sub(r"[^0-9A-Z]", "", text.upper())
    return bare if 3 <= len(bare) <= 10 and sum(map(str.isdigit, bare)) >= 3 else ""


def house_number(text: str) -> str:
    """A house number with its addition: "12-A", "12 a" and "012A" give "12-a", "12 bis" gives "12-bis"; "" for none."""
    found = re.match(r"\s*0*([1-9][0-9]{0,4})(?![0-9])(.*)", text, re.ASCII | re.DOTALL)
    if not found:
        return ""
    addition = "".join(re.findall(r"[a-z0-9]+", anyascii(found[2]).lower()))[:8]
    return f"{found[1]}-{addition}" if addition else found[1]


def home(person: Person) -> str:
    """Postcode and house number, "" unless both are known."""
    code, number = postcode(person.postcode), house_number(person.house_number)
    return f"{code} {number}" if code and number else ""


_ATOM_NAMES = "bsn g gi g3 gz gf gc gk named s sc s3 sz sk sw3 swk y y3 m d ysw one pc hn"
ATOMS = frozenset(_ATOM_NAMES.split())  # what `atoms` can yield
DATE_ATOMS = frozenset({"y", "y3", "m", "d", "ysw"})


def atoms(person: Person) -> tuple[Mapping[str, str], ...]:
    """What linkage keys are made of, in one or two variants; an atom that isn't known is absent.

    The first variant has the first given name and the first part of the surname; the second, if there is one, the
    last of each: people are known by their second name or by half of their surname. Of the given name: g itself, gi
    its first letter, g3 and gz its first and last three letters, gf its first and last letter, gc its canon, gk its
    skeleton, named "1" if it is known in full; s, s3, sz, sc, sk likewise of the surname; sw3 and swk g3 with s3 and gk
    with sk, sorted, so that swapped fields agree; y, m, d, and y3 the year's first three digits; ysw the year with day
    and month sorted, so that swapped ones agree; pc and hn with their characters sorted, for the same reason; one the
    whole name of somebody who has one name; bsn.
    """
    given = given_name_parts(person.given_names)
    parts = surname_parts(person.prefix, person.surname)
    one = ""
    if not given or not parts:  # somebody's only name counts as either, whichever field it is in
        names = tuple(name for name, _ in given if name) or parts
        one = " ".join(names)
        given, parts = tuple((name, "") for name in names), parts or names
    common = {
        "bsn": person.bsn or "",
        "one": one,
        "pc": _in_order(postcode(person.postcode)),
        "hn": _in_order(house_number(person.house_number)),
        **_date_atoms(person),
    }
    pairs = dict.fromkeys(((given or (("", ""),))[at], (parts or ("",))[at]) for at in (0, -1))
    return tuple(_present(common | _name_atoms(name, initial, part)) for (name, initial), part in pairs)


def _name_atoms(given: str, initial: str, part: str) -> dict[str, str]:
    given_sounds, sounds = skeleton(given), skeleton(part)
    return {
        "g": given,
        "gi": initial,
        "g3": given[:3],
        "gz": given[-3:],
        "gf": given[:1] + given[-1:],
        "gc": canon(given),
        "gk": given_sounds,
        "named": "1" if given and initial else "",
        "s": part,
        "s3": part[:3],
        "sz": part[-3:],
        "sc": canon(part),
        "sk": sounds,
        "sw3": _sorted_pair(given[:3], part[:3]),
        "swk": _sorted_pair(given_sounds, sounds),
    }


def _date_atoms(person: Person) -> dict[str, str]:
    born = person.birth_date
    if born is None:
        return {}
    year = f"{born.year:04d}" if born.year else ""
    month, day = (f"{part:02d}" if part else "" for part in (born.month, born.day))
    swapped = year + _sorted_pair(month, day) if year and month and day else ""
    return {"y": year, "y3": year[:3], "m": month, "d": day, "ysw": swapped}


def _in_order(text: str) -> str:
    """Sorted characters, so that swapped ones agree: two digits in the wrong order are a frequent typing error."""
    return "".join(sorted(text))


def _sorted_pair(one: str, other: str) -> str:
    return " ".join(sorted((one, other))) if one and other else ""


def _present(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
