"""The README quotes the code, so it must quote it as it is."""

import textwrap

from tests.shared import ROOT


def test_the_round_on_a_page_is_the_code() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    quoted = readme.split("```python\n", 1)[1].split("```", 1)[0]
    code = (ROOT / "protocol/sluis_protocol/run.py").read_text("utf-8")
    assert textwrap.indent(quoted, "    ") in code
