"""The directory of partners: every role that exists in practice, and none without a ground (rule 13)."""

from __future__ import annotations

from datetime import date

import pytest
from sluis_protocol.covenant import Purpose
from sluis_protocol.errors import ApproachError, ConfigError, LegalGroundMissing
from sluis_protocol.partners import Group, load_roles, role, roles

PURPOSE = Purpose(
    id="jeugd",
    title="Youth",
    legal_bases=("jeugdwet", "wmo"),
    valid_from=date(2026, 1, 1),
    valid_until=date(2026, 12, 31),
)
WITH_JUSTICE = PURPOSE.model_copy(update={"criminal_justice_bases": ("wams",)})
CRIMINAL_JUSTICE = {
    "jeugdreclassering",
    "reclassering-nederland",
    "verslavingsreclassering",
    "reclassering-leger-des-heils",
    "politie",
    "openbaar-ministerie",
    "riec",
    "zorg-en-veiligheidshuis",
}


def test_codes_stay() -> None:
    """A code is never reused and never goes: contracts name them."""
    assert list(roles()) == [
        "gemeente-veiligheid",
        "gemeente-werk-en-inkomen",
        "gemeente-jeugd",
        "gemeente-zorg",
        "leerplicht",
        "school",
        "zorgcoordinator",
        "huisarts",
        "ggz",
        "opvang-en-behandeling",
        "jongerenwerk",
        "vrijwillige-jeugdhulp",
        "wijkteam",
        "woningcorporatie",
        "jeugdbescherming",
        "veilig-thuis",
        "raad-voor-de-kinderbescherming",
        "jeugdreclassering",
        "reclassering-nederland",
        "verslavingsreclassering",
        "reclassering-leger-des-heils",
        "politie",
        "openbaar-ministerie",
        "riec",
        "zorg-en-veiligheidshuis",
        "comensha",
        "steun-aan-professionals",
    ]
    assert {code for code, one in roles().items() if one.criminal_justice} == CRIMINAL_JUSTICE
    assert {code for code, one in roles().items() if one.needs_criteria} == {"zorg-en-veiligheidshuis"}
    assert {one.group for one in roles().values()} == set(Group)
    assert all(one.nl and one.en for one in roles().values())
    assert (role("politie").named("nl"), role("politie").named("en")) == ("Politie", "Police")


@pytest.mark.parametrize("code", list(roles()))
def test_a_ground_for_every_partner_from_the_right_list(code: str) -> None:
    one, justice = role(code), code in CRIMINAL_JUSTICE
    allowed = {"wams"} if justice else {"jeugdwet", "wmo"}
    assert set(one.bases(WITH_JUSTICE)) == allowed
    for basis in allowed:
        one.require(basis, WITH_JUSTICE)
    for basis in {"jeugdwet", "wmo", "wams", "", "Jeugdwet"} - allowed:
        with pytest.raises(LegalGroundMissing, match="needs a legal basis"):
            one.require(basis, WITH_JUSTICE)


@pytest.mark.parametrize("code", sorted(CRIMINAL_JUSTICE))
def test_criminal_justice_is_off_unless_the_covenant_has_a_basis(code: str) -> None:
    assert role(code).bases(PURPOSE) == ()
    for basis in ("jeugdwet", "wams", ""):
        with pytest.raises(LegalGroundMissing, match="no legal basis for partners of criminal justice"):
            role(code).require(basis, PURPOSE)


def test_an_unknown_role() -> None:
    with pytest.raises(ApproachError, match="no such role"):
        role("buurman")


ONE = '[[role]]\ncode = "school"\nnl = "School"\nen = "School"\ngroup = "education"\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("version = ", "no TOML"),
        ("version = 1\n" + ONE + ONE, "twice"),
        ("version = 1\n" + ONE.replace('"school"', '"School 1"'), "lower-case"),
        ("version = 1\n" + ONE.replace("education", "neighbours"), "group"),
        ("version = 1\n" + ONE.replace("education", "criminal justice"), "criminal justice only"),
        ("version = 1\n" + ONE + "colour = 1\n", "colour"),
        (ONE, "version"),
    ],
)
def test_a_directory_that_is_wrong(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        load_roles(text.encode())
