"""Tables: whole in a pipe, wrapped and not cut in a terminal, and never read as markup."""

import re

import pytest
from rich.console import Console
from sluis_runtime import printing
from sluis_runtime.printing import print_table

COLUMNS = ("match", "also known to", "next to act")
ROW = ("8a436113c0ffee00c0ffee00", "Voorbeeld [red] (GM0344)", "the nodes with candidates, until the window ends")


def test_a_pipe_gets_every_cell_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, [ROW])
    assert re.search(r"\s+".join(map(re.escape, ROW)), capsys.readouterr().out)


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_narrow_terminal_loses_no_word(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "console", Console(force_terminal=True, width=width))
    print_table(COLUMNS, [ROW], "Matches")
    shown = capsys.readouterr().out
    for word in " ".join((*COLUMNS, *ROW)).split():
        assert word in shown
