"""Sets up everybody: keys, certificates, the covenant with its key ceremony, and the services.

All of it in one throwaway folder, by the programs' own commands, as people would do it; what crosses from one party to
another here are files that people would hand over: cards, the ceremony's board, the covenant. No round is held here.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sluis_protocol.covenant import TEST_OIN_PREFIX, Terms
from sluis_protocol.rules import load_rules
from sluis_runtime.config import Tls
from sluis_runtime.files import write_atomically
from sluis_runtime.keyfiles import write_secret

from .authority import CertificateAuthority
from .caseloads import CaseloadFile
from .display import Display
from .processes import Programs, together

PURPOSE = "jeugd"
LEGAL_BASIS = "demo-grondslag"
HOLDERS, THRESHOLD = 3, 2
AUTHORITY = "demo-authority"
BOARD_MINIMUM = 3
PASSPHRASE = "a passphrase for a demo"  # noqa: S105 (it protects nothing)
_DIALS = ("--coordinator", "localhost:1")  # until the coordinator has picked a port
_FINISHED = re.compile(r"^finished", re.M)
_CONNECTED = re.compile(r'"event": "holder connected"')
_LISTENING = re.compile(r"^listening on (\S+:\d+)$", re.M)


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody with a folder of its own, in which its configuration is."""

    name: str  # as the demo calls it
    title: str  # as the covenant does
    oin: str
    folder: Path
    program: tuple[str, ...]
    config: Path

    def set(self, setting: str, value: str) -> None:
        """Change a top-level setting of the configuration; `value` is TOML."""
        text = self.config.read_text("utf-8")
        line = f"{setting} = {value}"
        changed, times = re.subn(rf"(?m)^{setting} *=.*$", lambda _: line, text, count=1)
        write_atomically(self.config, changed if times else f"{line}\n{text}")

    def add(self, tables: str) -> None:
        """Add tables, which are TOML, to the end of the configuration."""
        write_atomically(self.config, f"{self.config.read_text('utf-8')}\n{tables}")

    def command(self, *arguments: str | Path) -> tuple[str | Path, ...]:
        """A command of this party's program under its configuration."""
        return (*self.program, *arguments, "--config", self.config)

    def tls(self) -> Tls:
        """What it shows and trusts in mutual TLS."""
        tls = self.folder / "tls"
        return Tls(certificate=tls / "certificate.pem", key=tls / "key.pem", authorities=tls / "authorities.pem")


@dataclass(frozen=True, slots=True)
class Node(Party):
    """A municipality's node with its caseload."""

    caseload: CaseloadFile


@dataclass(frozen=True, slots=True)
class World:
    """Everybody, and where the coordinator listens (once it does)."""

    folder: Path
    coordinator: Party
    holders: tuple[Party, ...]
    nodes: tuple[Node, ...]

    @property
    def parties(self) -> tuple[Party, ...]:
        """Everybody."""
        return (self.coordinator, *self.holders, *self.nodes)

    @property
    def note(self) -> Path:
        """The signed covenant."""
        return self.folder / "covenant" / "covenant.note"

    @property
    def verifier(self) -> Path:
        """The authority's verifier line."""
        return self.folder / "covenant" / "verifier"

    @property
    def board(self) -> Path:
        """The strategic board's folder."""
        return self.folder / "board"

    @property
    def passphrase(self) -> Path:
        """Where its passphrase stands; a real board types it."""
        return self.folder / "covenant" / "passphrase"


def lay_out(folder: Path, caseloads: Sequence[CaseloadFile]) -> World:
    """Who there is and which folder is whose; makes nothing yet."""
    own = folder / "coordinator"
    coordinator = Party("coordinator", "Coordinator", _oin(1, 0), own, ("sluis-coordinator",), own / "coordinator.toml")
    holders, nodes = [], []
    for index in range(1, HOLDERS + 1):
        own = folder / f"keyholder-{index}"
        program = ("sluis-node", "keyholder")
        holders.append(
            Party(f"key holder {index}", f"Key holder {index}", _oin(2, index), own, program, own / "keyholder.toml")
        )
    for caseload in caseloads:
        own = folder / caseload.code
        name = caseload.code if caseload.name == caseload.code else f"{caseload.code} {caseload.name}"
        oin = _oin(3, int(caseload.code.removeprefix("GM")))
        nodes.append(Node(name, caseload.name, oin, own, ("sluis-node",), own / "node.toml", caseload))
    return World(folder, coordinator, tuple(holders), tuple(nodes))


async def set_up(world: World, programs: Programs, display: Display) -> None:
    """Make everybody's keys and certificates, and the covenant with its key."""
    own = world.folder / "covenant"
    own.mkdir()
    draft, key = own / "draft.json", own / "authority.pem"
    display.step("the partners draft a throwaway covenant; everybody makes keys and gets a certificate with a test OIN")
    verifier = await programs.run(
        *("sluis-covenant", "new", draft, "--id", "sluis-demo", "--mode", "demo", "--threshold", str(THRESHOLD)),
        *("--authority-name", AUTHORITY, "--key", key, "--minimum-participants", "2"),
        *("--most-rounds", "1000"),  # a visitor of `--keep` may want to run another one, and another
        *("--purpose", f"{PURPOSE}:Jeugd:{LEGAL_BASIS}"),
        name="covenant new",
    )
    _lengthen_reviews(draft)
    world.verifier.write_text(verifier)
    await _add_board(world, programs, draft)
    maker = _Maker(programs, CertificateAuthority(world.folder / "authority"), verifier.strip())
    await together(*(maker.make(holder, *_DIALS) for holder in world.holders))
    await _admit(programs, draft, world.holders)
    display.step(
        f"the {HOLDERS} key holders make a shared key: any {THRESHOLD} of them are needed to use it, and nobody ever "
        "has the whole of it"
    )
    # Everybody else gets ready meanwhile, one after the other, so that the ceremony has a core to itself.
    await together(_hold_ceremony(world, programs, draft, own / "board"), _make_others(world, maker))
    await _admit(programs, draft, (world.coordinator, *world.nodes), "--quota", str(_quota(world)))
    await programs.run(
        *("sluis-covenant", "sign", draft, "--key", key, "--authority-name", AUTHORITY, "--out", world.note),
        name="covenant sign",
    )
    for party in world.parties:
        shutil.copyfile(world.note, party.folder / "covenant.note")
    display.step("the covenant is signed; everybody gets a copy")


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes a party's folder, and its certificate."""

    programs: Programs
    authority: CertificateAuthority
    verifier: str

    async def make(self, party: Party, *arguments: str) -> None:
        await self.programs.run(
            *party.program,
            "init",
            party.folder,
            *("--oin", party.oin, "--name", party.title, "--authority", self.verifier),
            *arguments,
            name=f"{party.name} init",
        )
        self.authority.issue(party.folder / "tls", party.oin, party.name)
        party.set("log", '"json"')


async def _make_others(world: World, maker: _Maker) -> None:
    await maker.make(world.coordinator, "--listen", "127.0.0.1:0")
    world.coordinator.set("tick_seconds", "0.2")
    world.coordinator.set("grace_seconds", "1.0")
    for node in world.nodes:
        await maker.make(node, "--municipality", node.caseload.code, *_DIALS)


async def _add_board(world: World, programs: Programs, draft: Path) -> None:
    """The strategic board makes its key; the public part goes into the covenant."""
    write_secret(world.passphrase, PASSPHRASE.encode())
    options = ("--name", "Strategic board", "--passphrase-file", world.passphrase)
    await programs.run("sluis-board", "keys", "new", world.board, *options, name="board keys new")
    card = world.board / "board-card.json"
    terms = ("--minimum-contributors", str(BOARD_MINIMUM), "--goal", f"{datetime.now(UTC).year}:{PURPOSE}:100")
    await programs.run("sluis-covenant", "board", draft, card, *terms, name="covenant board")


async def _admit(programs: Programs, draft: Path, parties: Sequence[Party], *options: str) -> None:
    cards = [party.folder / "card.json" for party in parties]
    await programs.run("sluis-covenant", "add-member", draft, *cards, *options, name="covenant add-member")


def _lengthen_reviews(draft: Path) -> None:
    """Give the cases ten years before their review: caseloads kept for trials stay usable."""
    terms = Terms.parse(draft.read_text("utf-8"))
    purposes = tuple(purpose.model_copy(update={"review_after_days": 3650}) for purpose in terms.purposes)
    draft.write_text(terms.model_copy(update={"purposes": purposes}).serialise(), "utf-8")


def _quota(world: World) -> int:
    """Evaluations for the largest caseload with every key that a person can have, rounded up to thousands."""
    most = max(node.caseload.lines() for node in world.nodes) * load_rules().slots
    return max(1, math.ceil(most / 1000)) * 1000


async def _hold_ceremony(world: World, programs: Programs, draft: Path, board: Path) -> None:
    """The key holders go to the board in turns; nobody else sees a share."""
    await programs.run("sluis-covenant", "ceremony", "open", draft, board, name="ceremony open")
    waiting = world.holders
    # Deal, judge, keep. Who comes late in a turn finds what the next step needs, and does that as well.
    for turn in (1, 2, 3):
        said = await together(
            *(
                programs.run(*holder.command("ceremony", board, draft), name=f"{holder.name} ceremony {turn}")
                for holder in waiting
            )
        )
        waiting = tuple(holder for holder, told in zip(waiting, said, strict=True) if not _FINISHED.search(told))
    await programs.run("sluis-covenant", "ceremony", "finish", draft, board, name="ceremony finish")


async def serve(world: World, programs: Programs, display: Display) -> str:
    """Start the coordinator and the key holders; where the coordinator listens."""
    display.step("the coordinator and the key holders start; only the coordinator listens, all others dial out to it")
    coordinator = programs.serve(*world.coordinator.command("serve"), name=world.coordinator.name)
    address = (await programs.told(coordinator, _LISTENING))[1]
    display.party(world.coordinator.name, f"listening on {address}")
    world.coordinator.set("listen", f'"{address}"')  # so that `health` finds it
    for party in (*world.holders, *world.nodes):
        party.set("coordinator", f'"{address}"')
    for holder in world.holders:
        programs.serve(*holder.command("serve"), name=holder.name)
    await programs.told(coordinator, _CONNECTED, times=HOLDERS)
    for holder in world.holders:
        display.party(holder.name, "connected")
    return address


def _oin(kind: int, number: int) -> str:
    return f"{TEST_OIN_PREFIX}{kind:08}{number:04}"
