"""Make the vectors of normalisation and keys: `python -m tests.vectors.generate_normalise [--check]`.

Each has a person as entered and the keys by kind. Regenerating leaves an empty diff while the rules are what they were;
a change of the rules shows there, and needs a new version of the rule set once there are nodes that use it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sluis_protocol.keys import linkage_keys
from sluis_protocol.normalise import canon, fold, given_name_parts, house_number, postcode, skeleton, surname_parts
from sluis_protocol.notation import read_birth_date, read_bsn
from sluis_protocol.record import BirthDate, Person
from sluis_protocol.rules import load_rules

HERE = Path(__file__).resolve().parent
NAMES = HERE / "normalise_names.json"
KEYS = HERE / "normalise_keys.json"
VALUES = HERE / "normalise_values.json"

WORDS = """
    van der Ven|Ven, v.d.|Đorđević|Djordjevic|Şimşek|Shimshek|İnönü|IĞDIR|O'Brien|O’Brien|d’Angelo|'t Hart
    El-Khatib|Größmann|Jansen - de Vries|Jansen–de Vries|Ångström|Łukasz|Αλέξανδρος|Владимир|Юлія|محمد
    عبد الرحمن|יוסף|Nguyễn|王小明|김민수|Müller|Muller|Mu\u0308ller|Škorić|S\u030cko\u0301ric\u0301|Ø|ß
    IJsbrand|ĳsbrand|Æneas|Jean-Pierre|Anna\u00a0Maria|Ana\u200dMaria|—|baron van Heemstra|jonkheer De Wit
    Jansen e/v de Boer|de Boer-Jansen|Bakker geb. Smit|Mohammed|Muhamed|Moehammed|Yusuf|Joessoef
"""
PERSONS = [
    ("Anna Maria", "", "Jansen", (1980, 3, 12), "2511 CA", "12-A", None),
    ("A.M.", "van der", "Ven", (1980, 3, 0), "", "", None),
    ("Djamila", "", "Đorđević-de Vries", (2001, 12, 3), "", "", "999990019"),
    ("", "", "Suharto", (1970, 0, 0), "1234ab", "012", None),
    ("Suharto", "", "", (1970, 1, 1), "", "", None),
    ("Володимир", "", "Шевченко", (1991, 8, 24), "9999ZZ", "7 bis", None),
    ("Thị Ánh Nguyệt", "", "Nguyễn", (1988, 4, 24), "", "", None),
    ("محمد", "", "الحسن", (1985, 7, 9), "", "", None),
    ("onbekend", "", ".", None, "", "", "999991644"),
]

SURNAMES = [
    ("van der", "Ven"), ("", "Ven, v.d."), ("", "Vanderven"), ("", "Jansen-de Vries"), ("", "Jansen e/v de Boer"),
    ("", "Bakker geb. Smit"), ("", "baron van Heemstra"), ("", "de Graaf"), ("", "García Márquez"), ("", "O’Brien"),
    ("", "El Khatib"), ("", "ben Abdallah"), ("", "Van"), ("", "onbekend"), ("van", ""),
]  # fmt: skip
GIVEN_NAMES = ["Anna Maria", "Anna-Maria", "A.M.", "JP", "JAN", "Chr.", "IJ.", "X.", "Anna M.", "Thị Ánh", "nb", ""]
DATES = [
    "19800312", "19800300", "19800000", "00000000", "1980-03-12", "1980-03", "1980", "12-3-1980", "0-3-1980",
    "00-00-1980", "3-1980", "12.03.1980", "12 maart 1980", "mrt. 1980",
]  # fmt: skip
NUMBERS = ["999990019", "9999.90.019", "12345672"]
POSTCODES = ["2511 CA", "2511ca", " 2511-CA ", "B-1000", "onbekend", ""]
HOUSE_NUMBERS = ["12", "012", "12-A", "12 a", "12 bis", "12-14", "12, 2e", "t/o 12", "0", ""]


def values() -> dict[str, object]:
    """Parts of names, dates, numbers and addresses as written, with what they come to."""
    dates = ((text, read_birth_date(text)) for text in DATES)
    return {
        "surname": [[prefix, text, list(surname_parts(prefix, text))] for prefix, text in SURNAMES],
        "given_names": [[text, [list(part) for part in given_name_parts(text)]] for text in GIVEN_NAMES],
        "birth_date": [[text, [born.year, born.month, born.day] if born else None] for text, born in dates],
        "bsn": [[text, read_bsn(text)] for text in NUMBERS],
        "postcode": [[text, postcode(text)] for text in POSTCODES],
        "house_number": [[text, house_number(text)] for text in HOUSE_NUMBERS],
    }


def names() -> list[dict[str, str | list[str]]]:
    """Names as written, folded, and each word's canon and skeleton."""
    made: list[dict[str, str | list[str]]] = []
    for text in dict.fromkeys(word.strip() for word in WORDS.replace("\n", "|").split("|")):
        words = fold(text).split()
        made.append(
            {
                "written": text,
                "folded": fold(text),
                "canon": [canon(word) for word in words],
                "skeleton": [skeleton(word) for word in words],
            }
        )
    return made


def keys() -> dict[str, object]:
    """Persons with their keys under the packaged rule set."""
    rules = load_rules()
    vectors = []
    for given, prefix, surname, born, code, number, bsn in PERSONS:
        date = BirthDate(*born) if born else None
        person = Person("p", bsn, given, prefix, surname, date, code, number)
        entered = {
            "given_names": given,
            "prefix": prefix,
            "surname": surname,
            "birth_date": born,
            "postcode": code,
            "house_number": number,
            "bsn": bsn,
        }
        vectors.append({"person": entered, "keys": [[key.kind, key.value] for key in linkage_keys(person, rules)]})
    return {"rule_set": rules.identity, "sha256": rules.sha256, "vectors": vectors}


def written(content: object) -> str:
    """As it stands in the file."""
    return json.dumps(content, ensure_ascii=True, indent=1) + "\n"


def main() -> int:
    """Write the files, or with --check say whether they are current."""
    made = {NAMES: written(names()), KEYS: written(keys()), VALUES: written(values())}
    if sys.argv[1:] == ["--check"]:
        return int(any(path.read_text("utf-8") != content for path, content in made.items()))
    for path, content in made.items():
        path.write_text(content, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
