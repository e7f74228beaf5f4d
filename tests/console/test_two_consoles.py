"""From a notification to an active approach, and to a refusal: two municipalities, each with its console, its people in
its own language, and a real coordinator between them."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Self

import pytest
from aiosmtpd.controller import Controller
from playwright.async_api import Browser, Locator, Page, expect
from sluis_node.console.language import Language, load_languages
from sluis_node.handshake.model import Phase
from sluis_node.handshake.review import Answer
from sluis_node.round.participation import Report

from ..node.handshake.rig import Two
from ..node.notify.rig import Mailbox
from .rig import DESKTOP, PHONE, Running, free_port, log_in, running
from .stage import NAMES, SUPPORT_ACT, YOUTH_ACT, household, stage_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

LANGUAGES = load_languages()


class Towns(Two):
    """Two municipalities that both help one family, with a mail server for their notices."""

    def __init__(self, folder: Path) -> None:
        caseloads = [[household("G-1041", 1, (38, 16, 9))], [household("B701", 1, (38, 16, 9))]]
        super().__init__(folder, stage_world(), caseloads)
        self.mailbox = Mailbox()
        self.ports = (free_port(), free_port())
        self.consoles: list[Running] = []
        self._smtp = Controller(self.mailbox, hostname="127.0.0.1", port=free_port())
        self._guests = AsyncExitStack()

    async def whole_round(self) -> list[Report]:
        self._smtp.start()
        self._guests.callback(self._smtp.stop)
        for one, port, language in zip(self.municipalities, self.ports, LANGUAGES, strict=True):
            with one.config.open("a") as file:
                file.write(
                    f'[notify]\nlanguage = "{language}"\nconsole = "http://127.0.0.1:{port}"\n'
                    f'[notify.mail]\nhost = "127.0.0.1"\nport = {self._smtp.port}\nsecurity = "none"\n'
                    f'sender = "sluis@a.example"\nto = {{coordinators = ["team{port}@a.example"]}}\n'
                )
        return await super().whole_round()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        for side, port in zip((self.a, self.b), self.ports, strict=True):
            serving = running(side.node, clock=self.clock, carries=True, port=port, fetch_seconds=1)
            self.consoles.append(await self._guests.enter_async_context(serving))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._guests.aclose()
        await super().__aexit__(None, None, None)

    def link(self, number: int) -> str:
        """Where the first notice to a municipality leads."""
        (content,) = (text for to, text in self.mailbox.received if to == [f"team{self.ports[number]}@a.example"])
        body = message_from_bytes(content, policy=default).get_body()
        assert body is not None
        text = body.get_content()
        for record in (record for one in self.municipalities[number].families for record in one.members):
            assert record.person.surname not in text  # rule 17
            assert record.person.person_id not in text
        found = re.search(r"http://\S+", text)
        assert found
        return found[0]


@dataclass
class Colleague:
    """Somebody at a browser of their own."""

    page: Page
    language: Language
    console: Running

    def text(self, message: str, **values: object) -> str:
        return self.language.text(message, **values)

    def button(self, message: str, **values: object) -> Locator:
        return self.page.locator("main").get_by_role("button", name=self.text(message, **values))

    def link(self, message: str, **values: object) -> Locator:
        return self.page.locator("main").get_by_role("link", name=self.text(message, **values)).first

    async def sees(self, message: str, **values: object) -> None:
        await expect(self.page.locator("main")).to_contain_text(self.text(message, **values), timeout=15_000)

    async def opens_the_match(self) -> None:
        await self.page.goto(f"{self.console.address}/inbox")
        await self.page.locator(".sluis-card__link").first.click()

    async def says(self, answer: str, reason: str = "") -> None:
        await self.opens_the_match()
        await self.page.locator("a[href$='/decide']").click()
        await self.page.check(f"#answer-{answer}")
        if reason:
            await self.page.check(f"#reason-{reason}")
        await self.page.locator(".sluis-decide button").click()
        await self.sees("Your opinion was recorded.")


async def colleague(
    browser: Browser, towns: Towns, number: int, who: str, *, scripts: bool = True, phone: bool = False
) -> Colleague:
    """Log in with the municipality's language, by a button of the page; begin at the notice's link."""
    language = LANGUAGES[("nl", "en")[number]]
    context = await browser.new_context(
        viewport=PHONE if phone else DESKTOP, locale="nl-NL", java_script_enabled=scripts
    )
    page = await context.new_page()
    console = towns.consoles[number]
    assert towns.link(number) == f"{console.address}/inbox"
    await page.goto(towns.link(number))
    if language.code != "nl":
        await page.get_by_role("button", name=language.name).click()
    await page.fill("#name", who)
    await page.fill("#password", "geheim genoeg")
    await page.locator("main button").click()
    await expect(page).to_have_url(f"{console.address}/inbox")
    return Colleague(page, language, console)


@pytest.mark.parametrize("scripts", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["scripts", "no-scripts"])
async def test_from_a_notification_to_an_active_approach(chromium: Browser, tmp_path: Path, scripts: bool) -> None:
    """Rules 8, 9, 11, 12, 13 and 14, by hand; without scripts the same pages do the same."""
    async with Towns(tmp_path) as towns:
        anna = await colleague(chromium, towns, 0, "anna", scripts=scripts)
        bilal = await colleague(chromium, towns, 0, "bilal", scripts=scripts, phone=True)
        ours = [anna, bilal]
        theirs = [await colleague(chromium, towns, 1, who, scripts=scripts) for who in ("anna", "bilal")]

        # Both decide by four eyes. What the other side thinks stays unknown until both want it.
        for first, second in (ours, theirs):
            await first.says("yes")
            await first.sees("You gave the first opinion. A colleague decides.")
            await expect(first.page.locator("main")).not_to_contain_text(
                first.text("Both municipalities want a joint approach.")
            )
            await second.says("yes")
        await towns.exchange()
        for one in (*ours, *theirs):
            if not scripts:
                await one.page.goto(f"{one.console.address}/match/{_match(towns, one)}")
            elif one is anna:
                await one.page.goto(f"{one.console.address}/inbox")
        await theirs[1].sees("Both municipalities want a joint approach.")
        if scripts:
            # Bilal did nothing: his page told him.
            await bilal.sees("Both municipalities want a joint approach.")

        # Contact cards cross.
        for side, other, role in ((anna, theirs[0], "Wijkteam Noord"), (theirs[0], anna, "Team Zorg")):
            await side.opens_the_match()
            await side.page.locator("a[href$='/card']").click()
            await side.page.fill("#role", role)
            await side.page.fill("#mailbox", "team@gemeente.example")
            await side.page.fill("#telephone", "030 123 45 67")
            await side.button("Send").click()
            await towns.exchange()
            await other.page.goto(f"{other.console.address}/approach/{_match(towns, other)}")
            await expect(other.page.locator("#contact + p")).to_contain_text(role)

        # One proposes a plan, the other changes it.
        await anna.page.goto(f"{anna.console.address}/approach/{_match(towns, anna)}")
        await anna.page.locator("main a[href$='/plan']").click()
        await anna.page.get_by_label(NAMES[0]).check()
        await anna.page.select_option("#role-0", "school")
        await anna.page.select_option("#basis-0", YOUTH_ACT)
        await anna.button("One more partner").click()
        await anna.page.select_option("#role-1", "wijkteam")
        await anna.page.select_option("#basis-1", SUPPORT_ACT)
        await anna.button("Propose to %(municipality)s", municipality=NAMES[1]).click()
        await anna.sees("The plan was proposed.")
        await towns.exchange()
        other = theirs[0]
        await other.page.goto(f"{other.console.address}/approach/{_match(towns, other)}")
        await other.sees("proposed by %(municipality)s", municipality=NAMES[0])
        await other.page.locator("main a[href$='/plan']").click()
        await other.page.fill("#organisation-0", "De Regenboog")
        await other.button("Propose to %(municipality)s", municipality=NAMES[0]).click()
        await other.sees("The plan was changed. Both municipalities sign it anew.")
        await towns.exchange()

        # Nobody signs before the family knows, or there is a reason why not yet (rule 14).
        await other.page.goto(f"{other.console.address}/approach/{_match(towns, other)}")
        await other.button("Sign this plan").click()
        await other.sees("First record that the family was informed, or why not yet.")
        today = towns.clock().date().isoformat()
        for side in (other, anna):
            await side.page.goto(f"{side.console.address}/approach/{_match(towns, side)}")
            await side.page.locator("a[href$='/inform']").click()
            await side.page.check("#how-informed")
            await side.page.fill("#parents", today)
            await side.page.fill("#young_persons", today)
            await side.button("Record it").click()
            await side.button("Sign this plan").click()
            await side.sees("You signed the plan.")
            await towns.exchange()
        for side in (anna, other):
            await side.page.goto(f"{side.console.address}/approach/{_match(towns, side)}")
            await side.sees("approach in progress")
            await side.sees("Joint approach started")
            await expect(side.page.locator("main")).to_contain_text("De Regenboog")
        assert [side.phase for side in (towns.a, towns.b)] == [Phase.ACTIVE, Phase.ACTIVE]
        async with anna.page.expect_download() as download:
            await anna.button("Download the signed plan").click()
        saved = Path(await (await download.value).path())
        assert await asyncio.to_thread(saved.read_text, "utf-8") == towns.b.desk.export(towns.b.match, by="x")

        # The leading municipality finishes it.
        await anna.page.locator("a[href$='/end']").click()
        await anna.page.check("#outcome-goals-reached")
        await anna.button("Finish the approach").click()
        await towns.exchange()
        await other.page.goto(f"{other.console.address}/approach/{_match(towns, other)}")
        await other.sees("The goals were reached")


def _match(towns: Towns, one: Colleague) -> str:
    side = towns.a if one.console is towns.consoles[0] else towns.b
    return side.match


@pytest.mark.slow
async def test_a_refusal_looks_like_a_silence(chromium: Browser, tmp_path: Path) -> None:
    """Rules 11 and 12: a no stays at home, with its reason; the other side reads that nothing came about."""
    async with Towns(tmp_path) as towns:
        ours = [await colleague(chromium, towns, 0, who) for who in ("anna", "bilal")]
        theirs = [await colleague(chromium, towns, 1, who) for who in ("anna", "bilal")]
        for one in theirs:
            await one.says("yes")
        await ours[0].says("no", "no-need")
        await ours[1].says("no", "no-need")
        await ours[1].sees(
            "You decided against a joint approach. %(municipality)s doesn't learn that.", municipality=NAMES[1]
        )
        await towns.exchange()
        waiting = theirs[1]
        await waiting.page.reload()
        before = await waiting.page.locator("main").inner_text()
        assert not towns.coordinator_knows("no-need")
        towns.later(days=15)
        await towns.settled("lapsed")
        await towns.exchange()
        # By now the sessions have ended, too.
        for one in (ours[1], waiting):
            await log_in(one.page, one.console, "bilal")
            await one.page.goto(f"{one.console.address}/match/{_match(towns, one)}")
            await one.sees("No joint approach came about in time")
        text = await waiting.page.locator("main").inner_text()
        for page in (before, text):
            for word in ("no-need", waiting.text("A joint approach is not needed"), waiting.text("refused")):
                assert word not in page


@pytest.mark.slow
async def test_two_people_who_differ_read_both_opinions_and_decide_anew(chromium: Browser, tmp_path: Path) -> None:
    async with Towns(tmp_path) as towns:
        anna, bilal = [await colleague(chromium, towns, 0, who) for who in ("anna", "bilal")]
        await anna.says("yes")
        await bilal.says("no", "already-in-contact")
        await anna.opens_the_match()
        await anna.sees("Two opinions differed. Talk, then decide anew.")
        await anna.page.locator("a[href$='/decide']").click()
        await anna.sees("Your two opinions differed")
        await anna.sees("We are in contact already")
        assert towns.a.case().phase is Phase.REVIEWING
        assert towns.a.case().review.differed[1].answer is Answer.NO
