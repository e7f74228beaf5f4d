"""A demo as a process of its own, with a temporary folder of its own: what it leaves behind can be seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.demo.alive import mentioning

DEMO = Path(sys.executable).parent / "sluis-demo"


@dataclass(frozen=True)
class Running:
    """A started demo; its output goes to files."""

    process: subprocess.Popen[bytes]
    temporary: Path
    stdout: Path
    stderr: Path

    @property
    def said(self) -> str:
        return self.stdout.read_text("utf-8")

    @property
    def told(self) -> str:
        return self.stderr.read_text("utf-8")

    def wait_for(self, text: str, *, silence: float = 120) -> None:
        """Wait until it has told this on standard error; a slow machine may take long, but not be silent so long."""
        told, since = "", time.monotonic()
        while text not in told:
            assert self.process.poll() is None, f"it ended:\n{told}"
            assert time.monotonic() < since + silence, f"it never told {text!r}:\n{told}"
            time.sleep(0.05)
            if told != (now := self.told):
                told, since = now, time.monotonic()

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def end(self) -> None:
        """However the test went: with all that it started, which would outlive a demo that is killed."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            finally:
                self.process.kill()

    def left_behind(self) -> list[object]:
        """Processes and files that should have gone."""
        return [*mentioning(str(self.temporary)), *self.temporary.rglob("*")]


def start(folder: Path, arguments: Sequence[str | Path]) -> Running:
    temporary = folder / "tmp"
    temporary.mkdir()
    running = folder / "stdout", folder / "stderr"
    with running[0].open("wb") as stdout, running[1].open("wb") as stderr:
        process = subprocess.Popen(
            [DEMO, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=os.environ | {"TMPDIR": str(temporary)},
            start_new_session=True,
        )
    return Running(process, temporary, *running)


def run(folder: Path, *arguments: str | Path, timeout: float = 300) -> Running:
    """To its end; `process.returncode` has the status."""
    demo = start(folder, arguments)
    try:
        demo.process.wait(timeout)
    finally:
        demo.end()
    return demo
