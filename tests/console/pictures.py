"""Makes the guide's pictures: `python -m tests.console.pictures docs/pictures`; with `--all`, every page, at the width
of a phone and of a desktop, to look at.

The people are invented. A picture is of the pages as they are: run it again after a change of what they look like.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page

from .rig import DESKTOP, PHONE, Running, browser, log_in, running
from .stage import FAMILIES, Stage
from .test_accessible import PAGES

LANGUAGES = ("nl", "en")
# The guide's pictures: name, who looks, where, and what is done on the page before.
GUIDE: tuple[tuple[str, str, str, str], ...] = (
    ("inbox", "anna", "/inbox", ""),
    ("match", "anna", "/match/{name}", ""),
    ("decide", "bilal", "/match/{second}/decide", "#answer-no"),
    ("contact", "anna", "/approach/{agreed}", ""),
    ("plan", "anna", "/approach/{drafting}", ""),
    ("active", "anna", "/approach/{active}", ""),
    ("totals", "anna", "/totals", ""),
)
WIDE, HIGH = 1040, 900


async def make_guide(folder: Path, chromium: Browser, console: Running, matches: Mapping[str, str]) -> None:
    """The pictures of the guide, in each language."""
    for language in LANGUAGES:
        (folder / language).mkdir(parents=True, exist_ok=True)
        pages = {who: await _page(chromium, console, language, who) for who in ("anna", "bilal")}
        for name, who, path, check in GUIDE:
            page = pages[who]
            await page.set_viewport_size({"width": WIDE, "height": HIGH})
            await page.goto(console.address + path.format(**matches))
            if check:
                await page.check(check)
            await page.evaluate("scrollTo(0, 0)")
            await _shoot(page, folder / language / f"{name}.png", full=False)


async def make_all(folder: Path, chromium: Browser, console: Running, matches: Mapping[str, str]) -> None:
    """Every page that the tests look at, in each language and width."""
    for language in LANGUAGES:
        for who, paths in PAGES.items():
            page = await _page(chromium, console, language, who)
            for path in ("/login", *paths):
                name = path.strip("/").replace("/", "-").replace("{", "").replace("}", "")
                for width, size in (("phone", PHONE), ("desktop", DESKTOP)):
                    await page.set_viewport_size(size)
                    await page.goto(console.address + path.format(**matches))
                    await _shoot(page, folder / language / width / f"{who}-{name}.png", full=True)
            await page.context.close()


async def _page(chromium: Browser, console: Running, language: str, who: str) -> Page:
    context: BrowserContext = await chromium.new_context(locale="nl-NL", reduced_motion="reduce")
    await context.add_cookies([{"name": "taal", "value": language, "url": console.address}])
    page = await context.new_page()
    await log_in(page, console, who)
    return page


async def _shoot(page: Page, path: Path, *, full: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.evaluate("document.fonts.ready")
    await page.screenshot(path=path, full_page=full)


async def main(folder: Path, *, everything: bool) -> None:
    """Set the stage and take the pictures."""
    with tempfile.TemporaryDirectory() as place:
        async with Stage(Path(place)) as stage, browser() as chromium:
            await stage.play()
            matches = {what: stage.match(what) for what in FAMILIES}
            async with running(stage.a.node, clock=stage.clock) as console:
                await (make_all if everything else make_guide)(folder, chromium, console, matches)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="every page at two widths, instead of the guide's pictures")
    chosen = parser.parse_args()
    asyncio.run(main(chosen.folder, everything=chosen.all))
