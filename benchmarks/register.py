"""A synthetic Dutch register, entered twice: what the rule set and other tools are measured on at scale.

`register(size, seed)` gives two files of households. Part of the households is in both, entered the second time as
another clerk would: initials, another spelling of the same sound, a typing error, a prefix moved or left out, half of
a double surname, day and month swapped, parts of a date unknown, another address. There are twins, siblings, and
fathers whose sons have their name. Same seed, same register, on every machine. Names of many languages stand in one
list; nothing says which is which (rule 1). How often each change happens was set beforehand, below, and is the same
for every name. What it isn't: a sample of real persons, or a measurement of single naming traditions (docs/parity.md).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sluis_protocol.record import BirthDate, CaseGround, Family, Person, Record

GROUND = CaseGround("Z-1", "demo-grondslag", date(2026, 1, 1), None, None, "iemand@example.org")

_GIVEN = """
    Johannes Maria Jan Anna Cornelis Willem Hendrik Elisabeth Petrus Cornelia Pieter Jacob Gerrit Dirk Adriana Klaas
    Hendrika Catharina Martinus Theodorus Antonius Wilhelmina Margaretha Geertruida Johanna Lambertus Franciscus Jeroen
    Marloes Sanne Daan Emma Sem Julia Lucas Tess Bram Sophie Thijs Lotte Lars Fleur Stijn Eva Ruben Noa Jesse Lieke
    Finn Roos Niels Femke Jelle Sietske Wiebe Tjitske Douwe Hylke Froukje Sjoerd Maaike Joost Mirjam Gijs Nienke Teun
    Bas Marijke Koen Ingrid Wouter Esther Frank Monique Erik Saskia Peter Linda Marcel Petra Robert Angela Michael
    Christina Stefan Natalie Dennis Samantha Kevin Priscilla Jeffrey Naomi Winston Shanti Radjesh Sunita Anil Indra
    Soerdjpersad Chandra Ryan Melvin Rowena Glenn Mehmet Fatma Mustafa Ayse Ahmet Emine Ali Hatice Hüseyin Zeynep Hasan
    Elif Murat Merve Yusuf Büsra Ömer Özlem Ibrahim Gülsen Mohammed Fatima Youssef Khadija Hamza Aicha Bilal Samira
    Rachid Naima Abdelkader Yasmina Said Houda Karim Malika Omar Latifa Ismail Soumaya Ahmad Noor Khaled Rania Bashar
    Hala Yasser Reem Nour Abdullah Zahra Piotr Agnieszka Krzysztof Katarzyna Tomasz Malgorzata Pawel Magdalena Marcin
    Joanna Jakub Zuzanna Ionut Andreea Alexandru Elena Cristian Ioana Georgi Desislava Dimitar Ivanka Hristo Tsvetelina
    Dragan Jelena Goran Snezana Nemanja Milica Djordje Zorica Emir Lejla Senad Amela Oleksandr Olha Serhii Oksana Yurii
    Iryna Andrii Kateryna Nguyen Linh Minh Thuy Quang Huong Wei Xiaoming Jing Chunhua Bo Mei Agus Dewi Bambang Sri Budi
    Siti Kwame Akosua Kofi Abena Yaw Adwoa Tesfay Selam Haben Mehret Filmon Luwam Joao Mariana Paulo Beatriz Carlos
    Lucia Miguel Carmen Istvan Zsofia Laszlo Eszter Balazs Giuseppe Chiara Marco Francesca Nikolaos Eleni Abdirahman
    Hodan Mohamud Ifrah Farhad Shirin Reza Parisa Jawad Zarghuna Amir Leila Viktor Svetlana
"""
_SURNAMES = """
    Jong Jansen Vries Berg Dijk Bakker Janssen Visser Smit Meijer Boer Mulder Groot Bos Vos Peters Hendriks Leeuwen
    Dekker Brouwer Wit Dijkstra Smits Graaf Meer Linden Kok Jacobs Haan Vermeulen Heuvel Veen Broek Bruijn Schouten
    Beek Willems Vliet Hoekstra Maas Verhoeven Koster Dam Wal Prins Blom Huisman Peeters Kuijpers Veenstra Kramer
    Postma Martens Gerritsen Scholten Wiersma Evers Molenaar Zijlstra Boersma Sanders Hermans Timmermans Yilmaz Kaya
    Demir Sahin Celik Yildiz Öztürk Aydin Arslan Dogan Kilic Aslan Çetin Koç Kurt Özdemir Polat Erdogan Alaoui Bouzid
    Haddad Benali Idrissi Amrani Chaoui Khalfi Bouali Azzouzi Yahiaoui Mansouri Tahiri Hassan Ibrahim Khalil Darwish
    Saleh Nasser Awad Hamdan Kowalski Nowak Wisniewski Wojcik Kaminski Lewandowski Zielinski Szymanski Wozniak Popescu
    Ionescu Dumitru Stoica Gheorghe Radu Ivanov Petrov Dimitrov Georgiev Todorov Stoyanov Jovanovic Petrovic Nikolic
    Markovic Djordjevic Stojanovic Kovacevic Hadzic Begovic Shevchenko Kovalenko Bondarenko Tkachenko Kravchuk Nguyen
    Tran Pham Huynh Wang Zhang Chen Liu Huang Wijaya Santoso Setiawan Mensah Owusu Boateng Asante Appiah Tesfamariam
    Gebremedhin Habte Ghebreyesus Silva Santos Ferreira Pereira Oliveira Costa Nagy Kovacs Toth Szabo Horvath Ramdin
    Sardjoe Mahabir Ramcharan Jagessar Pinas Amatmohamed Doest Kartosen Wirjosoemarto Rossi Ferrari Papadopoulos Garcia
    Rodriguez Fernandez Warsame Abdi Rahimi Hosseini Karimi Ahmadi Sediqi
"""
_STEMS = """
    Aal Ach Ber Bloem Bol Bonk Braam Brand Brui Dek Den Dof Dorn Eek Eik Elzen Flier Gan Geer Goor Gras Groen Haar Hage
    Hazel Heem Hes Hol Hoog Hulst Kal Kamer Kers Kleij Kool Korte Kras Kroon Laan Lang Leem Lich Lin Loo Meul Mierlo
    Mole Nieuw Noor Oost Over Pauw Pol Raven Riet Roel Rooi Schip Slag Sloot Sprang Steen Stok Swart Tim Tol Uiter Val
    Veer Ven Vlas Vrede Wal Water Weer Wester Wind Zand Zeel Zui
"""
_ENDINGS = """
    aar beek berg bos broek burg dijk donk eveld hof horst huis huizen inga ink kamp laar ma man meijer mans molen oord
    sma ster stra veen veld voort wijk
"""
GIVEN, SURNAMES, STEMS, ENDINGS = (text.split() for text in (_GIVEN, _SURNAMES, _STEMS, _ENDINGS))
PREFIXES = ["van", "van de", "van der", "van den", "de", "den", "ter", "te", "van 't"]
SPELLINGS = [
    ("dj", "j"), ("ch", "sh"), ("sh", "sj"), ("ou", "oe"), ("oe", "u"), ("u", "oe"), ("ij", "y"), ("y", "i"),
    ("ei", "ij"), ("c", "k"), ("k", "c"), ("ph", "f"), ("f", "v"), ("v", "w"), ("z", "s"), ("s", "z"), ("aa", "a"),
    ("ee", "e"),
    ("oo", "o"), ("kh", "ch"), ("ks", "x"), ("th", "t"), ("h", ""), ("ss", "s"), ("s", "ss"), ("n", "nn"), ("l", "ll"),
    ("t", "tt"), ("ie", "i"), ("i", "ie"), ("e", "a"), ("ic", "itch"), ("ts", "tz"), ("tz", "ts"),
]  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyz"

# The chance of each change when a person is entered again.
SECOND_ENTRY = {
    "initials only": 0.06, "another spelling, given name": 0.08, "typing error, given name": 0.06,
    "no given name": 0.01, "no second given name": 0.5,
    "another spelling, surname": 0.06, "typing error, surname": 0.07, "prefix left out": 0.25,
    "prefix in the surname": 0.15, "half of a double surname": 0.4, "fields swapped": 0.01,
    "day and month swapped": 0.03, "day unknown": 0.02, "date unknown": 0.01, "typing error, date": 0.04,
    "moved": 0.4, "address unknown": 0.05, "typing error, address": 0.05,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Register:
    """Two files, and the pairs of person ids (one of each file) that are one person."""

    first: tuple[Family, ...]
    second: tuple[Family, ...]
    same: frozenset[tuple[str, str]]


def register(size: int, seed: int) -> Register:
    """About `size` persons in the first file and 8 in 10 of that in the second; six in ten of those are in both."""
    chance = random.Random(seed)
    first: list[list[Person]] = []
    second: list[list[Person]] = []
    same: list[tuple[str, str]] = []
    persons = 0
    while persons < size:
        household = _household(chance, f"a{len(first)}")
        persons += len(household)
        first.append(household)
        if chance.random() < 0.48:
            again = [person for person in household if chance.random() < 0.95] or household[:1]
            street = _address(chance) if chance.random() < SECOND_ENTRY["moved"] else None
            entered = [_again(person, chance, street) for person in again]
            same += [(person.person_id, other.person_id) for person, other in zip(again, entered, strict=True)]
            second.append(entered)
        elif chance.random() < 0.62:
            second.append(_household(chance, f"b{len(second)}"))
    chance.shuffle(second)
    return Register(_families(first, "a"), _families(second, "b"), frozenset(same))


def _families(households: Sequence[Sequence[Person]], side: str) -> tuple[Family, ...]:
    return tuple(
        Family(f"{side}f{at}", tuple(Record(person, GROUND) for person in household))
        for at, household in enumerate(households)
    )


def _household(chance: random.Random, name: str) -> list[Person]:
    """One or two adults and up to four children; children share a parent's surname, seldom both parents'."""
    adults = [_adult(chance) for _ in range(1 + (chance.random() < 0.6))]
    born = max(adult.birth_date.year for adult in adults if adult.birth_date) + chance.randint(20, 38)
    members = list(adults)
    day = None
    for _ in range(chance.choice((0, 0, 1, 1, 2, 2, 3, 4)) if born < 2025 else 0):
        twin = day is not None and chance.random() < 0.03
        day = day if twin else _day(chance, min(born, 2025))
        born += 0 if twin else chance.randint(1, 4)
        surname, prefix = adults[0].surname, adults[0].prefix
        if len(adults) == 2 and chance.random() < 0.08:
            surname, prefix = f"{surname} {adults[1].surname}", prefix
        given = _given(chance)
        if chance.random() < 0.015:
            given = adults[0].given_names
        members.append(replace(adults[0], given_names=given, surname=surname, prefix=prefix, birth_date=day))
    postcode, number = _address(chance)
    return [
        replace(member, person_id=f"{name}-{at}", postcode=postcode, house_number=number)
        for at, member in enumerate(members)
    ]


def _adult(chance: random.Random) -> Person:
    surname, prefix = _surname(chance), ""
    if chance.random() < 0.3:
        prefix = chance.choice(PREFIXES)
    if chance.random() < 0.05:
        surname = f"{surname}-{_surname(chance)}"
    born = _day(chance, chance.randint(1935, 2004))
    return Person("", None, _given(chance), prefix, surname, born)


def _given(chance: random.Random) -> str:
    names = [GIVEN[min(int(chance.expovariate(1 / 90)), len(GIVEN) - 1)] if chance.random() < 0.5 else _any(chance)]
    while chance.random() < 0.3 and len(names) < 3:
        names.append(_any(chance))
    return " ".join(names)


def _any(chance: random.Random) -> str:
    return chance.choice(GIVEN)


def _surname(chance: random.Random) -> str:
    if chance.random() < 0.45:
        return chance.choice(SURNAMES)
    return chance.choice(STEMS) + chance.choice(ENDINGS)


def _day(chance: random.Random, year: int) -> BirthDate:
    day = date(year, 1, 1) + timedelta(days=chance.randrange(365))
    return BirthDate(day.year, day.month, day.day)


def _address(chance: random.Random) -> tuple[str, str]:
    letters = "".join(chance.choice("ABCDEGHJKLMNPRSTVWXZ") for _ in range(2))
    return f"{chance.randint(1000, 9999)}{letters}", str(int(chance.expovariate(1 / 60)) + 1)


# The second clerk.


def _again(person: Person, chance: random.Random, moved: tuple[str, str] | None) -> Person:
    def happens(what: str) -> bool:
        return chance.random() < SECOND_ENTRY[what]

    given, surname, prefix = person.given_names, person.surname, person.prefix
    if happens("no second given name"):
        given = given.split()[0]
    if happens("another spelling, given name"):
        given = _spelled(given, chance)
    if happens("typing error, given name"):
        given = _mistyped(given, chance)
    if happens("initials only"):
        given = " ".join(f"{name[0]}." for name in given.split() if name)
    if happens("no given name"):
        given = ""
    if happens("half of a double surname"):
        surname = chance.choice(surname.replace("-", " ").split())
    if happens("another spelling, surname"):
        surname = _spelled(surname, chance)
    if happens("typing error, surname"):
        surname = _mistyped(surname, chance)
    if happens("prefix left out"):
        prefix = ""
    elif prefix and happens("prefix in the surname"):
        surname, prefix = chance.choice((f"{prefix} {surname}", f"{surname}, {prefix}")), ""
    if happens("fields swapped"):
        given, surname = surname, given
    postcode, number = moved or (person.postcode, person.house_number)
    if happens("typing error, address"):
        number = _digit(number, chance)
    if happens("address unknown"):
        postcode = number = ""
    return Person(f"b{person.person_id}", None, given, prefix, surname, _born(person, chance), postcode, number)


def _born(person: Person, chance: random.Random) -> BirthDate | None:
    born = person.birth_date
    if born is None or chance.random() < SECOND_ENTRY["date unknown"]:
        return None
    year, month, day = born.year, born.month, born.day
    if chance.random() < SECOND_ENTRY["day and month swapped"] and day <= 12:
        month, day = day, month
    if chance.random() < SECOND_ENTRY["typing error, date"]:
        which = chance.randrange(3)
        year += chance.choice((-10, -1, 1, 10)) if which == 0 else 0
        month = chance.randint(1, 12) if which == 1 else month
        day = chance.randint(1, 28) if which == 2 else min(day, 28)
    if chance.random() < SECOND_ENTRY["day unknown"]:
        day = 0
        month = chance.choice((month, 0))
    return BirthDate(year, month, min(day, 28) if month == 2 else min(day, 30) if month else day)


def _spelled(name: str, chance: random.Random) -> str:
    lower = name.lower()
    fitting = [(old, new) for old, new in SPELLINGS if old in lower[1:]]
    if not fitting:
        return name
    old, new = chance.choice(fitting)
    return (lower[0] + lower[1:].replace(old, new, 1)).title()


def _mistyped(name: str, chance: random.Random) -> str:
    if len(name) < 3:
        return name
    at = chance.randrange(len(name) - 1)
    edits: tuple[Callable[[], str], ...] = (
        lambda: name[:at] + name[at + 1 :],
        lambda: name[:at] + chance.choice(LETTERS) + name[at + 1 :],
        lambda: name[:at] + chance.choice(LETTERS) + name[at:],
        lambda: name[:at] + name[at + 1] + name[at] + name[at + 2 :],
    )
    return chance.choice(edits)()


def _digit(number: str, chance: random.Random) -> str:
    at = chance.randrange(len(number))
    return number[:at] + chance.choice("123456789") + number[at + 1 :]
