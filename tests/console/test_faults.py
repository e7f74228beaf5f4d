"""What people do wrong, what comes too late, and what is away: nothing is lost or done twice, and the page says what
happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from sluis_node.handshake.desk import Desk
from sluis_node.handshake.model import Phase, What
from sluis_node.handshake.review import Answer, Reason, Stage

from ..node.handshake.rig import FIRST, SECOND, Two
from ..node.people import family
from .rig import Running, hidden, running, visitor
from .stage import ANNA, JUSTICE, SUPPORT_ACT, YOUTH_ACT, stage_world

pytestmark = pytest.mark.slow

LOGINS = {
    name: {"name": name.title(), "password": "geheim genoeg", "roles": [role]}
    for name, role in (("anna", "coordinator"), ("els", "coordinator"), ("bilal", "reviewer"), ("carla", "privacy"))
}


@asynccontextmanager
async def opened(two: Two, **settings: Any) -> AsyncIterator[Running]:
    async with running(two.a.node, clock=two.clock, local=LOGINS, **settings) as console:
        yield console


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with Two(tmp_path, stage_world("demo-grondslag")) as both:
        yield both


async def post(client: httpx2.AsyncClient, path: str, fields: dict[str, Any], *, page: str = "") -> httpx2.Response:
    """Fill in the form that a page has, and send it; then follow to where it leads."""
    shown = await client.get(page or path)
    action = path if page else ""
    return await client.post(path, data=hidden(shown, action) | fields, follow_redirects=True)


# Four eyes.


async def test_of_two_who_decide_at_the_same_time_one_is_told(two: Two) -> None:
    async with opened(two) as console, visitor(console, "anna") as anna, visitor(console, "els") as els:
        path = f"/match/{two.a.match}/decide"
        forms = [(client, hidden(await client.get(path)) | {"answer": "yes"}) for client in (anna, els)]
        answers = await asyncio.gather(
            *(client.post(path, data=fields, follow_redirects=True) for client, fields in forms)
        )
        said = [one.text for one in answers]
        assert sum("Uw oordeel is vastgelegd." in one for one in said) == 1
        assert sum("Iemand was u voor" in one for one in said) == 1
        assert two.a.case().review.stage is Stage.SECOND


async def test_nobody_is_both_eyes(two: Two) -> None:
    """Rule 12."""
    async with opened(two) as console, visitor(console, "anna") as anna, visitor(console, "els") as els:
        path = f"/match/{two.a.match}/decide"
        await post(anna, path, {"answer": "yes"})
        shown = await anna.get(path)
        assert "U gaf het eerste oordeel" in shown.text
        assert "answer-yes" not in shown.text
        # Not with a colleague's form either, nor with one that was open before.
        fields = hidden(await els.get(path)) | {"answer": "yes"}
        (session,) = (one for one in console.console.sessions.all() if one.person and one.person.id == "demo:anna")
        forged = fields | {"token": session.form_token(fields["form"])}
        refused = await anna.post(path, data=forged, follow_redirects=True)
        assert "Er is een tweede persoon nodig" in refused.text
        assert two.a.case().review.stage is Stage.SECOND
        assert two.a.phase is Phase.REVIEWING


async def test_a_match_by_name_asks_for_the_statement_that_it_was_verified(tmp_path: Path) -> None:
    """Rule 9."""
    caseloads = [[family("A1", 1, members=3), family("A4", 4)], [family("B1", 1, members=3, bsn=False)]]
    async with Two(tmp_path, caseloads=caseloads) as two, opened(two) as console, visitor(console, "anna") as anna:
        path = f"/match/{two.a.match}/decide"
        assert "Ga eerst na of het hetzelfde gezin is" in (await anna.get(f"/match/{two.a.match}")).text
        refused = await post(anna, path, {"answer": "yes"})
        assert refused.status_code == 422
        assert "Ga eerst na of het hetzelfde gezin is, en vink dat aan." in refused.text
        assert not two.a.case().review.opinions
        assert (await post(anna, path, {"answer": "yes", "identity_verified": "yes"})).status_code == 200
        assert two.a.case().review.opinions[0].identity_verified


async def test_a_decision_after_the_deadline_changes_nothing(two: Two) -> None:
    async with opened(two, idle_minutes=60, session_hours=12) as console, visitor(console, "anna") as anna:
        path = f"/match/{two.a.match}/decide"
        fields = hidden(await anna.get(path)) | {"answer": "yes"}
        two.later(days=15)
        ended = await anna.post(path, data=fields)
        assert ended.headers["location"] == "/login?ended"  # a session doesn't last that long
        async with visitor(console, "anna") as again:
            shown = await again.get(path)
            assert "Er valt hier nu niets te besluiten." in shown.text
        assert not two.a.case().review.opinions


async def test_a_form_that_is_sent_at_the_deadline_s_end_is_told_so(two: Two) -> None:
    async with opened(two) as console:
        deadline = two.a.case().deadline
        assert deadline
        two.clock.ahead += deadline - two.clock() - timedelta(minutes=5)
        async with visitor(console, "anna") as anna:
            path = f"/match/{two.a.match}/decide"
            fields = hidden(await anna.get(path)) | {"answer": "yes"}
            two.later(minutes=6)
            for _ in range(2):
                late = await anna.post(path, data=fields, follow_redirects=True)
                assert "Te laat. De termijn is voorbij. Er is niets veranderd." in late.text
                assert "Dit was al gedaan" not in late.text
            assert not two.a.case().review.opinions


async def test_a_session_that_ended_while_a_form_was_filled_in_does_nothing(two: Two) -> None:
    async with opened(two) as console, visitor(console, "anna") as anna:
        path = f"/match/{two.a.match}/decide"
        fields = hidden(await anna.get(path)) | {"answer": "yes"}
        two.later(minutes=21)
        answer = await anna.post(path, data=fields, follow_redirects=True)
        assert "Uw sessie is voorbij. Log opnieuw in." in answer.text
        assert not two.a.case().review.opinions


async def test_what_was_seen_before_a_change_can_t_be_decided_on(two: Two) -> None:
    async with opened(two) as console, visitor(console, "anna") as anna:
        path = f"/match/{two.a.match}/decide"
        fields = hidden(await anna.get(path)) | {"answer": "yes"}
        two.a.desk.decide(two.a.match, by=FIRST, answer=Answer.NO, reason=Reason.NO_NEED)
        told = await anna.post(path, data=fields, follow_redirects=True)
        assert "Iemand was u voor" in told.text
        assert len(two.a.case().review.opinions) == 1


async def test_a_decision_can_be_taken_up_again_until_the_deadline(two: Two) -> None:
    two.a.say(Answer.NO, reason=Reason.NO_NEED)
    async with opened(two) as console, visitor(console, "bilal") as bilal:
        page = f"/match/{two.a.match}"
        done = await post(bilal, f"{page}/reconsider", {}, page=page)
        assert "Het besluit is heropend." in done.text
        assert two.a.phase is Phase.REVIEWING


# The plan.


def plan(two: Two, **changes: Any) -> dict[str, Any]:
    today = two.clock().date()
    return {
        "lead": two.a.oin,
        "start": today.isoformat(),
        "end": (today + timedelta(days=90)).isoformat(),
        "role": ["school"],
        "basis": [YOUTH_ACT],
        "organisation": [""],
        "since": [""],
        **changes,
    }


WRONG_PLANS: list[tuple[dict[str, Any], str]] = [
    ({"basis": [""]}, "Kies de grondslag waarop deze partner meedoet."),
    ({"basis": ["Something else"]}, "Kies de grondslag waarop deze partner meedoet."),
    ({"role": ["politie"], "basis": [YOUTH_ACT]}, "Kies de grondslag waarop deze partner meedoet."),
    ({"role": ["made-up"]}, "Deze partner kan niet meedoen"),
    ({"role": ["zorg-en-veiligheidshuis"], "basis": [JUSTICE]}, "alleen aan als alle drie gelden"),
    ({"lead": "00000099000000009999"}, "Kies wie de regie heeft."),
    ({"end": "2020-01-01"}, "De laatste dag ligt na de eerste en na vandaag."),
    ({"end": "9999-12-31"}, "Een aanpak duurt ten hoogste 365 dagen."),
    ({"start": "vandaag"}, "Vul de eerste dag in."),
    ({"since": ["2020-01-01"]}, "Een partner doet mee binnen de periode van de aanpak."),
    ({"organisation": ["x" * 201]}, "Schrijf de naam van de organisatie op één korte regel."),
]


async def test_a_plan_that_can_t_be_is_refused_by_field(two: Two) -> None:
    """Rule 13, and the criteria of a Zorg- en Veiligheidshuis."""
    await two.agree()
    async with opened(two) as console, visitor(console, "anna") as anna:
        for changes, told in WRONG_PLANS:
            answer = await post(anna, f"/approach/{two.a.match}/plan", plan(two, **changes))
            assert answer.status_code == 422, changes
            assert told in answer.text, changes
        assert two.a.phase is Phase.AGREED
        assert not two.a.case().sending


async def test_a_zorg_en_veiligheidshuis_takes_part_when_its_criteria_hold(two: Two) -> None:
    await two.agree()
    criteria = {
        "role": ["zorg-en-veiligheidshuis", "wijkteam"],
        "basis": [JUSTICE, SUPPORT_ACT],
        "organisation": ["", ""],
        "since": ["", ""],
        "several_areas": "yes",
        "crime_or_nuisance": "yes",
        "several_chains": "yes",
    }
    async with opened(two) as console, visitor(console, "anna") as anna:
        path = f"/approach/{two.a.match}/plan"
        short = await post(anna, path, plan(two, **criteria, why="te kort"))
        assert "waarom de gewone keten er niet uitkomt" in short.text
        why = "De gewone keten kan de dreiging niet wegnemen."
        done = await post(anna, path, plan(two, **criteria, why=why))
        assert "Het plan is voorgesteld." in done.text
        await two.exchange()
        draft = two.b.case().draft
        assert draft
        assert draft.approach.criteria
        assert draft.approach.criteria.hold


async def test_a_plan_that_changed_meanwhile_isn_t_signed_unread(two: Two) -> None:
    await two.agree()
    async with opened(two) as console, visitor(console, "anna") as anna:
        page = f"/approach/{two.a.match}"
        assert (await post(anna, f"{page}/plan", plan(two))).status_code == 200
        await two.exchange()
        two.a.informed()
        shown = await anna.get(page)
        fields = hidden(shown, f"{page}/sign")
        two.b.desk.amend(two.b.match, by=FIRST, plan=two.b.plan(partners=()))
        await two.exchange()
        told = await anna.post(f"{page}/sign", data=fields, follow_redirects=True)
        assert "Iemand was u voor" in told.text
        assert not two.a.case().sending


# What accompanies it.


async def test_a_dilemma_with_something_personal_in_it_goes_nowhere(two: Two) -> None:
    await two.agree()
    async with opened(two) as console, visitor(console, "anna") as anna:
        path = f"/approach/{two.a.match}/dilemma"
        surname = two.municipalities[0].families[0].members[0].person.surname
        for question, found in (
            (f"Mag {surname} dit weten?", "een naam uit het gezin"),
            ("Geboren op 3-4-2012, mag dat?", "een datum"),
            ("Bel 06 12 34 56 78 of niet?", "een telefoonnummer"),
        ):
            answer = await post(anna, path, {"question": question, "without": "yes"})
            assert answer.status_code == 422
            assert found in answer.text
        unread = await post(anna, path, {"question": "Iemand is verdachte en slachtoffer. Wie beslist?"})
        assert "vink aan dat niemand is te herkennen" in unread.text
        assert What.ASKED not in {step.what for step in two.a.case().history}
        asked = {"question": "Iemand is verdachte en slachtoffer. Wie beslist?", "without": "yes"}
        assert "De vraag is verstuurd." in (await post(anna, path, asked)).text
        assert "Het strategisch beraad" in (await anna.get(path)).text


WRONGLY_INFORMED: list[tuple[dict[str, str], str]] = [
    ({"how": "informed"}, "Vul in wanneer de ouders zijn geïnformeerd"),
    ({"how": "postponed"}, "Kies een reden."),
    ({"how": "postponed", "postponed": "childs-safety"}, "Uitstel eindigt na vandaag"),
    ({"how": "postponed", "postponed": "childs-safety", "until": "2099-01-01"}, "Uitstel eindigt na vandaag"),
    ({"how": "informed", "parents": "2099-01-01"}, "niet in de toekomst"),
    ({}, "Kies één van de twee."),
]


async def test_informing_is_done_or_postponed_with_a_reason_and_an_end(two: Two) -> None:
    """Rule 14."""
    await two.agree()
    async with opened(two) as console, visitor(console, "anna") as anna:
        for fields, told in WRONGLY_INFORMED:
            answer = await post(anna, f"/approach/{two.a.match}/inform", fields)
            assert answer.status_code == 422, fields
            assert told in answer.text, fields
        assert two.a.case().informing is None


async def test_withdrawing_takes_a_reason_and_ends_it_for_both(two: Two) -> None:
    await two.agree()
    async with opened(two) as console, visitor(console, "anna") as anna:
        path = f"/approach/{two.a.match}/end"
        assert "Kies een reden." in (await post(anna, path, {"how": "withdraw"})).text
        assert "U trok zich terug" in (await post(anna, path, {"how": "withdraw", "why": "no-agreement"})).text
        await two.exchange()
        assert two.b.phase is Phase.WITHDRAWN
        # What has ended can't be worked on any more: the pages lead back to it.
        for page in ("plan", "card", "inform", "dilemma", "end"):
            response = await anna.get(f"/approach/{two.a.match}/{page}")
            assert response.status_code == 303


# Who is away.


async def test_what_is_decided_while_the_coordinator_is_away_arrives_later(two: Two) -> None:
    two.a.desk.decide(two.a.match, by=SECOND, answer=Answer.YES)
    await two.stop()
    async with opened(two) as console, visitor(console, "anna") as anna:
        done = await post(anna, f"/match/{two.a.match}/decide", {"answer": "yes"})
        assert "Uw oordeel is vastgelegd." in done.text
        assert "wacht op de andere gemeente" in done.text
    await two.restart()
    two.b.say()
    await two.exchange(3)
    assert two.a.phase is two.b.phase is Phase.AGREED


async def test_a_match_that_doesn_t_exist_is_a_page_that_doesn_t(two: Two) -> None:
    async with opened(two) as console, visitor(console, "anna") as anna:
        for path in ("/match/0123", "/match/0123/decide", "/approach/0123", "/approach/%00/plan"):
            answer = await anna.get(path)
            assert answer.status_code == 404
            assert "Deze pagina bestaat niet" in answer.text


async def test_a_bug_is_told_briefly_and_logged_without_its_text(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 17: what an exception says may be personal."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Sanne Jansen, 999990019")

    monkeypatch.setattr(Desk, "cases", broken)
    with structlog.testing.capture_logs() as logged:
        async with opened(two) as console, visitor(console, "anna") as anna:
            answer = await anna.get("/inbox")
    assert answer.status_code == 500
    assert "Er ging iets mis" in answer.text
    assert "Jansen" not in answer.text + str(logged)
    assert any(one.get("error") == "RuntimeError" for one in logged)


# Rights and logs.


async def test_a_privacy_officer_carries_out_rights_and_reads_what_was_done(two: Two) -> None:
    """Rules 15 and 17: access is a file, erasing asks twice, and everything stands in the log."""
    person = two.municipalities[0].families[0].members[0].person.person_id
    async with opened(two) as console, visitor(console, "carla") as carla:
        given = await post(carla, "/rights", {"person": person, "right": "access"})
        assert given.headers["content-disposition"].startswith("attachment")
        assert given.headers["content-type"].startswith("text/plain")
        assert given.text.startswith(f"Wat Sluis over persoon {person} bewaart")
        assert "dat u het zeker weet" in (await post(carla, "/rights", {"person": person, "right": "erasure"})).text
        assert "Kies een recht." in (await post(carla, "/rights", {"person": person})).text
        done = await post(carla, "/rights", {"person": person, "right": "objection", "file": "Z/2026-1"})
        assert "Vastgelegd." in done.text
        assert "van kracht" in done.text
        lifted = await post(carla, "/rights/lift", {"number": "2"}, page="/rights")
        assert "mag weer meedoen" in lifted.text
        log = await post(carla, "/log", {"activity": "rights", "person": person})
        assert log.text.count("Carla") >= 3
        assert person not in log.text.replace(f'value="{person}"', "")
        whole = await post(carla, "/log/verify", {}, page="/log")
        assert "Het logboek is compleet" in whole.text
        # A view of a case stands in it, too.
        two.a.desk.case(two.a.match, by=ANNA)
        assert "een zaak bekijken" in (await carla.get("/log")).text


async def test_nothing_personal_is_logged_by_the_console(two: Two) -> None:
    """Rule 17: a canary over all pages."""
    with structlog.testing.capture_logs() as logged:
        async with opened(two) as console, visitor(console, "anna") as anna:
            for path in ("/inbox", "/matches", f"/match/{two.a.match}", f"/match/{two.a.match}/decide", "/nowhere"):
                await anna.get(path)
            await post(anna, f"/match/{two.a.match}/decide", {"answer": "no"})
    assert logged
    for one in two.municipalities[0].families:
        for record in one.members:
            for text in (record.person.bsn, record.person.surname, record.person.person_id, one.family_id):
                assert f"'{text}'" not in str(logged)
    assert "demo:anna" not in str(logged)
