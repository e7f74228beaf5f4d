"""Every page, in both languages: axe-core finds nothing, it fits a screen of 320 px, and nothing personal is in its
address or its title (WCAG 2.2 AA; rule 17)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from .provider import PACKAGES
from .rig import DESKTOP, PHONE, Running, log_in
from .stage import FAMILIES, Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

AXE = PACKAGES / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Who looks at which pages; {name} is the match of that family on the stage.
PAGES: Mapping[str, tuple[str, ...]] = {
    "anna": (
        "/inbox",
        "/matches",
        *(f"/match/{{{what}}}" for what in FAMILIES),
        "/match/{name}/decide",
        "/match/{second}/decide",
        "/match/{agreed}/decide",
        *(f"/approach/{{{what}}}" for what in ("agreed", "drafting", "active", "withdrawn")),
        "/approach/{agreed}/plan",
        "/approach/{drafting}/plan",
        "/approach/{agreed}/card",
        "/approach/{drafting}/inform",
        "/approach/{active}/dilemma",
        "/approach/{active}/end",
        "/approach/{agreed}/end",
        "/rounds",
        "/totals",
        "/help",
        "/log",
        "/nowhere",
    ),
    "bilal": ("/inbox", "/match/{second}/decide", "/approach/{active}"),
    "carla": ("/log", "/rights", "/retention", "/inbox"),
    "dirk": ("/settings", "/anomalies", "/rounds"),
}


@pytest_asyncio.fixture(loop_scope="module", params=["nl", "en"])
async def context(request: pytest.FixtureRequest, chromium: Browser, console: Running) -> AsyncIterator[BrowserContext]:
    """A browser that was told the language."""
    opened = await chromium.new_context(viewport=DESKTOP, locale="nl-NL")
    await opened.add_cookies([{"name": "taal", "value": request.param, "url": console.address}])
    yield opened
    await opened.close()


async def objections(page: Page) -> list[str]:
    """What axe-core has to say."""
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES)
    return [
        f"{one['id']}: {one['help']} {[node['html'][:160] for node in one['nodes']]}" for one in found["violations"]
    ]


async def faults(page: Page, language: str, personal: Sequence[str] = ()) -> list[str]:
    """All that is wrong with a page."""
    found = [f"{page.url} {one}" for one in await objections(page)]
    if await page.get_attribute("html", "lang") != language:
        found.append(f"{page.url} is in another language")
    title = await page.title()
    found += [f"{page.url} {title} names {word}" for word in personal if word in page.url or word in title]
    await page.set_viewport_size(PHONE)
    wide = await page.evaluate("document.documentElement.scrollWidth")
    if wide > PHONE["width"]:
        found.append(f"{page.url} is {wide} wide")
    await page.set_viewport_size(DESKTOP)
    return found


@pytest.mark.parametrize("who", PAGES)
async def test_every_page(context: BrowserContext, console: Running, stage: Stage, who: str) -> None:
    language = next(cookie["value"] for cookie in await context.cookies() if cookie["name"] == "taal")
    personal = [
        text
        for one in stage.municipalities[0].families
        for record in one.members
        for text in (
            record.person.bsn or "?",
            record.person.surname,
            record.person.given_names,
            record.person.person_id,
            one.family_id,
        )
    ]
    page = await context.new_page()
    violations: list[str] = []
    page.on("console", lambda message: violations.append(message.text))
    await page.goto(f"{console.address}/login")
    found = await faults(page, language, personal)
    await log_in(page, console, who)
    matches = {what: stage.match(what) for what in FAMILIES}
    for path in PAGES[who]:
        await page.goto(console.address + path.format(**matches))
        found += await faults(page, language, personal)
    assert found == []
    assert [text for text in violations if "Content Security Policy" in text or "Trusted" in text] == []


async def test_a_form_with_mistakes_says_which_and_where(
    context: BrowserContext, console: Running, stage: Stage
) -> None:
    page = await context.new_page()
    language = next(cookie["value"] for cookie in await context.cookies() if cookie["name"] == "taal")
    await log_in(page, console, "anna")
    await page.goto(f"{console.address}/match/{stage.match('name')}/decide")
    await page.locator(".sluis-decide .utrecht-button").click()
    assert await faults(page, language) == []
    # From the summary one comes to the field.
    await page.locator("#problems a").click()
    assert re.search(r"#answer$", page.url)
    for path, field in (("plan", "#end"), ("card", "#mailbox")):
        await page.goto(f"{console.address}/approach/{stage.match('agreed')}/{path}")
        await page.fill(field, "")
        await page.locator("main form .utrecht-button--primary-action").click()
        assert await page.locator("#problems").count() == 1
        assert await faults(page, language) == []


async def test_all_of_it_can_be_done_by_keyboard(context: BrowserContext, console: Running, stage: Stage) -> None:
    page = await context.new_page()
    await log_in(page, console, "anna")
    await page.goto(f"{console.address}/inbox")
    # The first stop is the way past the menu.
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    # Every stop is seen: an outline, or the card around it has one.
    for _ in range(30):
        await page.keyboard.press("Tab")
        shown = await page.evaluate(
            """() => {
                const at = document.activeElement;
                if (!at || at === document.body) return true;
                const around = [at, at.closest('.sluis-card')];
                return around.some(one => one && getComputedStyle(one).outlineStyle !== 'none');
            }"""
        )
        assert shown
