"""An authority and key holders, each with its folder, driven through their command lines."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_covenant.cli import app as covenant_app
from sluis_node.keyholder.cli import app as holder_app
from sluis_node.keyholder.config import KeyHolderSettings
from sluis_node.keyholder.store import open_holder
from sluis_protocol import wire
from sluis_protocol.bulletin import Ceremony, file_name
from sluis_protocol.card import Role, make_card
from sluis_protocol.covenant import Terms
from sluis_protocol.sealed import SealingKey
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign
from sluis_protocol.threshold import KeyShare
from sluis_runtime.boardfolder import read_opening
from sluis_runtime.keyfiles import read_signing_key
from typer.testing import CliRunner, Result

from tests.world import COORDINATOR, holder_oin, member_oin

NAME = "test-authority"
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def covenant(*args: object) -> str:
    """Run `sluis-covenant`; its output, or its SluisError."""
    return _output(CliRunner().invoke(covenant_app, [str(arg) for arg in args]))


def keyholder(*args: object) -> str:
    """Run `sluis-node keyholder`; its output, or its SluisError."""
    return _output(CliRunner().invoke(holder_app, [str(arg) for arg in args]))


def _output(result: Result) -> str:
    if result.exception is not None:
        raise result.exception
    return result.output


@dataclass
class Table:
    """All of them around one folder."""

    folder: Path
    holders: int = 3
    threshold: int = 2
    members: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    verifier: str = ""

    def __post_init__(self) -> None:
        self.draft, self.board = self.folder / "draft.json", self.folder / "board"
        self.note, self.key = self.folder / "covenant.note", self.folder / "authority.pem"

    def set_up(self, *, minimum: int = 2) -> None:
        """A draft with a coordinator, two members and the holders."""
        self.verifier = self.new(minimum=minimum).strip()
        for number in (1, 2):
            self.members[member_oin(number)] = Ed25519PrivateKey.generate()
            covenant("add-member", self.draft, self.member_card(number))
        for index in range(1, self.holders + 1):
            covenant("add-member", self.draft, self.holder_card(index))
        coordinator = make_card(Role.COORDINATOR, COORDINATOR, "Coordinator", Ed25519PrivateKey.generate())
        covenant("add-member", self.draft, self.write("coordinator.json", coordinator.serialise()))

    def new(self, *more: object, minimum: int = 2) -> str:
        """Make the draft."""
        options = ["--mode", "demo", "--threshold", self.threshold, "--minimum-participants", minimum]
        signer = ["--key", self.key, "--authority-name", NAME]
        purpose = [
            "--purpose",
            "jeugd:Jeugd:demo-grondslag",
            "--valid-from",
            "2026-01-01",
            "--valid-until",
            "2099-12-31",
        ]
        return covenant("new", self.draft, "--id", "test-covenant", *options, *signer, *purpose, *more)

    def write(self, name: str, content: str) -> Path:
        """A file beside the draft."""
        path = self.folder / name
        path.write_text(content)
        return path

    def member_card(self, number: int) -> Path:
        """A member's card."""
        oin = member_oin(number)
        key = self.members.setdefault(oin, Ed25519PrivateKey.generate())
        sealing = SealingKey.generate().public()
        card = make_card(Role.MEMBER, oin, f"M {number}", key, municipality=f"GM{number:04}", sealing_key=sealing)
        return self.write(f"member-{number}.json", card.serialise())

    def holder_card(self, index: int) -> Path:
        """A holder's card, after its `init`."""
        options = ["--oin", holder_oin(index), "--name", f"Holder {index}", "--coordinator", "localhost:1"]
        keyholder("init", self.holder(index), *options, "--authority", self.verifier)
        return self.holder(index) / "card.json"

    def holder(self, index: int) -> Path:
        """A holder's folder."""
        return self.folder / f"holder-{index}"

    def config(self, index: int) -> Path:
        """A holder's configuration."""
        return self.holder(index) / "keyholder.toml"

    def settings(self, index: int) -> KeyHolderSettings:
        """The same, read."""
        return KeyHolderSettings.load(self.config(index))

    def open(self) -> str:
        """Open the ceremony."""
        return covenant("ceremony", "open", self.draft, self.board)

    def step(self, index: int) -> str:
        """A holder does what it owes."""
        return keyholder("ceremony", self.board, self.draft, "--config", self.config(index))

    def steps(self, *indices: int) -> list[str]:
        """Several holders do, in this order."""
        return [self.step(index) for index in indices]

    def hold_ceremony(self) -> None:
        """All of it, and the signature."""
        self.open()
        everybody = range(1, self.holders + 1)
        self.steps(*everybody, *everybody, *everybody)
        covenant("ceremony", "finish", self.draft, self.board)
        self.sign()

    def sign(self, draft: Path | None = None, out: Path | None = None) -> str:
        """The authority signs."""
        signer = ["--key", self.key, "--authority-name", NAME]
        return covenant("sign", draft or self.draft, *signer, "--out", out or self.note)

    @property
    def terms(self) -> Terms:
        """What the draft says."""
        return Terms.parse(self.draft.read_text())

    @property
    def ceremony(self) -> Ceremony:
        """What the board is about."""
        return Ceremony.of(read_opening(self.board))

    def message(self, kind: Kind, index: int) -> SignedMessage:
        """A message of the board."""
        return wire.decode(SignedMessage, self.path(kind, index).read_bytes())

    def path(self, kind: Kind, index: int) -> Path:
        """Where it lies."""
        return self.board / file_name(kind, index)

    def forge(self, kind: Kind, index: int, payload: bytes, *, ceremony: Ceremony | None = None) -> None:
        """A holder that cheats: it signs whatever payload and puts it on the board by hand."""
        about = ceremony or self.ceremony
        envelope = Envelope(kind, holder_oin(index), about.draft.hash, about.round_id, NOW, payload)
        key = read_signing_key(self.holder(index) / "signing.pem")
        self.path(kind, index).write_bytes(wire.encode(sign(envelope, key)))

    def share(self, index: int) -> KeyShare | None:
        """What a holder has stored."""
        if not (transcript := self.terms.ceremony):
            return None
        with closing(open_holder(self.settings(index))) as holder:
            return holder.shares.find(bytes.fromhex(transcript))
