"""The real programs as child processes: started, watched, and stopped to the last one.

Every child leads a process group of its own, so that a Ctrl-C in the terminal reaches the demo alone and whatever a
child started goes with it. Output goes to files. Nothing here knows what the programs do, and nothing is retried.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sluis_protocol.errors import ConfigError, ProgramFailed

GRACE = 5.0  # seconds between SIGTERM and SIGKILL
_POLL = 0.05
_LAST_LINES = 12
_FREE_BYTES = 1_000_000
FULL = "the disk is full: free some space, or let TMPDIR name a folder on another disk"

T = TypeVar("T")
U = TypeVar("U")


def find_program(name: str) -> Path:
    """The program of the environment that runs this one, else the one on the PATH; raise ConfigError without either."""
    beside = Path(sys.executable).parent / name
    if beside.is_file():
        return beside
    if found := shutil.which(name):
        return Path(found)
    raise ConfigError(f"the program {name} is not installed", do="pip install 'sluis[demo]'")


@dataclass(frozen=True, eq=False)
class Child:
    """A started program. Its process is not reaped before `reap`, so its id can't be anybody else's until then."""

    name: str
    process: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        if self.process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    async def wait(self) -> int:
        """Wait for the end; the exit status (negative: the signal that ended it)."""
        while not self.ended:  # noqa: ASYNC110 (nothing tells us; a poll is cheap)
            await asyncio.sleep(_POLL)
        return self.reap()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, unless it was reaped."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def reap(self) -> int:
        """Kill what is left of the group, and take the exit status."""
        self.signal(signal.SIGKILL)
        return self.process.wait()

    def output(self) -> str:
        """What it wrote to standard output."""
        return self.stdout.read_text("utf-8", errors="replace")

    def log(self) -> str:
        """What it wrote to standard error."""
        return self.stderr.read_text("utf-8", errors="replace")

    def failure(self, what: str) -> ProgramFailed:
        """An error with the program's own last lines, and with what helps where the disk is full."""
        lines = [
            line for text in (self.output(), self.log()) for line in text.splitlines()[-_LAST_LINES:] if line.strip()
        ]
        told = "".join(f"\n  | {line}" for line in lines) or "\n  | (it said nothing)"
        do = FULL if shutil.disk_usage(self.stdout.parent).free < _FREE_BYTES else ""
        return ProgramFailed(f"{self.name} {what}; its last lines:{told}", do=do)


class Programs:
    """All children of one demo. Open it with `async with`: leaving it stops every one of them."""

    def __init__(self, logs: Path, temporary: Path) -> None:
        self.logs = logs
        self._children: list[Child] = []
        self._services: list[Child] = []
        self._cores = asyncio.Semaphore(os.cpu_count() or 1)
        # A setting in our environment would win over the files that the demo writes.
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUIS_")}
        self._environment["TMPDIR"] = str(temporary)
        for folder in (logs, temporary):
            folder.mkdir(parents=True, exist_ok=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop(self._children)

    def start(self, program: str | Path, *arguments: str | Path, name: str) -> Child:
        """Start a program; its output goes to two files under its name, and a number while another one has these."""
        label = wanted = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
        running = {child.stdout.stem for child in self._children if child.process.returncode is None}  # not read yet
        number = 1
        while label in running:
            number += 1
            label = f"{wanted}-{number}"
        stdout, stderr = self.logs / f"{label}.out", self.logs / f"{label}.log"
        command = [str(find_program(str(program))), *map(str, arguments)]
        with stdout.open("wb") as out, stderr.open("wb") as err:
            # No await between the start and the list: a signal can't come in between.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=self._environment,
                cwd=self.logs,
                start_new_session=True,
            )
            child = Child(name, process, stdout, stderr)
            self._children.append(child)
        return child

    async def run(self, program: str | Path, *arguments: str | Path, name: str, timeout: float = 60) -> str:
        """Run a program to its end and give its standard output; raise ProgramFailed if it fails or takes too long.

        No more programs run at a time than there are cores; services and what `start` starts don't count.
        """
        async with self._cores:
            return await self.finish(self.start(program, *arguments, name=name), timeout=timeout)

    async def finish(self, child: Child, *, timeout: float) -> str:
        """Wait for a started program as `run` does."""
        if status := await self._end(child, timeout):
            raise child.failure(_ended(status))
        return child.output()

    async def attempt(
        self, program: str | Path, *arguments: str | Path, name: str, timeout: float = 60
    ) -> tuple[int, Child]:
        """As `run`, for a program that may fail: its exit status, and what is left of it to read.

        It doesn't wait for a core, as its like waits for mail more than it works.
        """
        child = self.start(program, *arguments, name=name)
        return await self._end(child, timeout), child

    async def ask(self, program: str | Path, *arguments: str | Path, name: str, timeout: float = 60) -> Any:
        """As `run`, for a program that answers in JSON: with an answer it may say by its status what it thinks."""
        async with self._cores:
            status, child = await self.attempt(program, *arguments, name=name, timeout=timeout)
        try:
            return json.loads(child.output())
        except ValueError:
            raise child.failure(_ended(status)) from None

    async def _end(self, child: Child, timeout: float) -> int:
        try:
            async with asyncio.timeout(timeout):
                return await child.wait()
        except TimeoutError:
            await self.stop([child])
            raise child.failure(f"did not end within {timeout:.0f} s") from None

    def serve(self, program: str | Path, *arguments: str | Path, name: str) -> Child:
        """Start a service: something that must not end before the demo does."""
        child = self.start(program, *arguments, name=name)
        self._services.append(child)
        return child

    async def told(self, child: Child, what: re.Pattern[str], *, times: int = 1, timeout: float = 60) -> re.Match[str]:
        """Wait until a child has written something so many times; its last match. Raise ProgramFailed otherwise."""
        deadline = time.monotonic() + timeout
        while len(found := list(what.finditer(child.output() + child.log()))) < times:
            if child.ended:
                raise child.failure(f"ended with status {child.reap()} before it was ready")
            if time.monotonic() > deadline:
                raise child.failure(f"was not ready within {timeout:.0f} s")
            await asyncio.sleep(_POLL)
        return found[-1]

    async def while_serving(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, unless a service ends first; then that service's failure, since it is the cause."""
        working, lost = asyncio.create_task(work), asyncio.create_task(self._first_lost())
        try:
            await asyncio.wait((working, lost), return_when=asyncio.FIRST_COMPLETED)
            if not lost.done() and working.exception():
                await asyncio.sleep(2 * _POLL)  # what failed may have failed because a service just ended
            if lost.done():
                child = lost.result()
                raise child.failure(f"ended with status {child.reap()} while it was needed")
            return working.result()
        finally:
            await _cancel(working, lost)

    async def _first_lost(self) -> Child:
        while True:
            for child in self._services:
                if child.ended:
                    return child
            await asyncio.sleep(_POLL)

    async def stop(self, children: Sequence[Child]) -> None:
        """Ask these children to end, wait a little, and end those that didn't."""
        for child in children:
            if not child.ended:
                child.signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await asyncio.gather(*(child.wait() for child in children))
        for child in children:
            child.reap()


def _ended(status: int) -> str:
    return f"ended with status {status}" if status >= 0 else f"was ended by signal {-status}"


async def together(*works: Coroutine[Any, Any, T]) -> list[T]:
    """All results, in order; the first failure ends the others, and none of them goes on behind one's back."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _cancel(*tasks)


async def both(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """As `together`, of two that give different things."""
    tasks = asyncio.create_task(first), asyncio.create_task(second)
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _cancel(*tasks)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
