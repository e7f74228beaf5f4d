"""docs/rules.md names code and tests that exist, for every rule, and every test of a rule."""

from __future__ import annotations

import importlib
import re
from functools import reduce

from tests.shared import ROOT

RULES = range(1, 25)
ROW = re.compile(r"^\| ([0-9]+)\. (.*?) \| (.*?) \| (.*?) \|$", re.M)


def test_every_rule_names_code_and_tests_that_exist() -> None:
    page = (ROOT / "docs/rules.md").read_text("utf-8")
    rows = ROW.findall(page)
    assert [int(number) for number, *_ in rows] == list(RULES)
    written = {
        name
        for path in (ROOT / "tests/rules").glob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_rule_\w+)", path.read_text("utf-8"), re.M)
    }
    named = set()
    for number, _, places, tests in rows:
        for place in re.findall(r"`([^`]+)`", places):
            module, _, name = place.partition(":")
            assert name, place
            reduce(getattr, name.split("."), importlib.import_module(module))
        own = set(re.findall(r"`([^`]+)`", tests))
        assert [one for one in own if re.match(rf"test_rule_(\d\d_and_)?{int(number):02}_", one)], f"rule {number}"
        named |= own
    assert named == written
