"""Rule 16: terms have defaults, and ceilings that no configuration passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from sluis_node.config import NodeSettings
from sluis_node.retention.settings import CEILINGS, Category, RetentionSettings
from sluis_protocol.errors import ConfigError

from tests.shared import ROOT

from ...world import make_world, member_oin
from ..rig import write_node_folder


@pytest.mark.parametrize("category", list(Category))
def test_a_term_stays_under_its_ceiling(category: Category) -> None:
    assert 1 <= RetentionSettings().days(category) <= CEILINGS[category]
    assert RetentionSettings.model_validate({category: CEILINGS[category]}).days(category) == CEILINGS[category]
    for days in (CEILINGS[category] + 1, 0, -1):
        with pytest.raises(ValidationError):
            RetentionSettings.model_validate({category: days})


def test_every_category_is_a_setting() -> None:
    assert set(RetentionSettings.model_fields) == set(Category)


def test_a_configuration_that_keeps_too_long_opens_no_node(tmp_path: Path) -> None:
    config = write_node_folder(make_world(), member_oin(1), tmp_path, coordinator="nowhere:1")
    content = config.read_text()
    config.write_text(content + "[retention]\nmatches = 365\n")
    assert NodeSettings.load(config).retention.matches == 365
    config.write_text(content + "[retention]\nmatches = 366\n")
    with pytest.raises(ConfigError, match=r"retention\.matches"):
        NodeSettings.load(config)


def test_the_page_has_every_term() -> None:
    page = (ROOT / "docs" / "privacy.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \|", page, re.M)
    terms = RetentionSettings()
    assert listed == [(str(one), str(terms.days(one)), str(CEILINGS[one])) for one in Category]
