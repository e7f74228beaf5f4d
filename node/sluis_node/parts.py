"""What all steps of a node work with, in one place: covenant, rules, database, keys, coordinator, clock and chance."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime

from sluis_protocol.covenant import Covenant, Member, Purpose
from sluis_protocol.errors import ConfigError, CovenantError, InputError, SluisError, WrongCovenant
from sluis_protocol.group import Random
from sluis_protocol.messages import CovenantNote, Empty
from sluis_protocol.note import Verifier
from sluis_protocol.rules import RuleSet, load_rules
from sluis_protocol.sealed import SealingKey
from sluis_protocol.wire import methods
from sluis_runtime.files import read_text, write_atomically
from sqlalchemy import Connection

from .anomalies import Anomalies
from .config import NodeSettings
from .coordinator import Coordinator
from .notify.outbox import Outbox
from .processing.log import ProcessingLog
from .round.ledger import Ledger
from .signer import Clock, Signer
from .store import Store

_MOST_NOTE = 8_388_608


@dataclass(frozen=True, slots=True)
class Parts:
    """A node's parts. `now` is timezone-aware UTC."""

    settings: NodeSettings
    authority: Verifier
    store: Store
    ledger: Ledger
    anomalies: Anomalies
    signer: Signer
    sealing: SealingKey = field(repr=False)
    coordinator: Coordinator
    notices: Outbox
    processing: ProcessingLog
    clock: Clock = field(repr=False)
    random: Random = field(repr=False)

    @property
    def oin(self) -> str:
        """Who we are."""
        return self.settings.oin

    def now(self) -> datetime:
        """The time."""
        return self.clock()

    # The covenant.

    def covenant(self) -> Covenant:
        """The covenant in force, from its file.

        1. It is signed by the pinned authority, well formed and complete. 2. It is no older than one seen before.
        3. It is valid today. 4. We are in it, with the signing key that we have.
        """
        path = self.settings.covenant
        if not path.exists():
            raise ConfigError("there is no covenant yet", do="fetch it: sluis-node covenant fetch", file=path)
        note = read_text(path, most=_MOST_NOTE, what="the covenant")
        covenant = Covenant.verify(note, self.authority)
        self.store.accept_covenant(covenant)
        today = self.now().date()
        if not covenant.terms.valid_from <= today <= covenant.terms.valid_until:
            raise CovenantError(
                f"the covenant is valid from {covenant.terms.valid_from} to {covenant.terms.valid_until} only",
                do="matching has stopped; the partners must agree on a new covenant version",
                file=path,
            )
        self.membership(covenant)
        return covenant

    def names(self) -> Covenant | None:
        """The covenant of the file for looking up names, whatever its dates; None if there is none to trust."""
        try:
            return Covenant.verify(read_text(self.settings.covenant, most=_MOST_NOTE), self.authority)
        except SluisError:
            return None

    def membership(self, covenant: Covenant) -> Member:
        """What the covenant says of us; refused if it names another signing or sealing key."""
        member = covenant.member(self.oin)
        if base64.b64decode(member.signing_key) != self.signer.key.public_key().public_bytes_raw():
            raise ConfigError(
                "the covenant names another signing key for us",
                do="use the key of our card, or give the covenant authority our new card",
                file=self.settings.signing_key,
            )
        if base64.b64decode(member.sealing_key) != self.sealing.public():
            raise ConfigError(
                "the covenant names another sealing key for us: what others seal to us couldn't be opened",
                do="use the key of our card, or give the covenant authority our new card",
                file=self.settings.sealing_key,
            )
        return member

    def covenant_of_round(self, covenant_hash: bytes) -> Covenant:
        """The covenant that a round began under, which may not be the newest."""
        note = self.store.covenant_note(covenant_hash)
        if note is None:
            raise CovenantError("the covenant of this round is not on file")
        return Covenant.verify(note, self.authority)

    def covenant_on_file(self, connection: Connection, covenant_hash: bytes) -> Covenant:
        """A covenant version that was accepted once, within a transaction; raise WrongCovenant if it never was."""
        note = self.store.read_covenant_note(connection, covenant_hash)
        if note is None:
            raise WrongCovenant(
                "a handshake goes on under a covenant version that is not on file",
                do="fetch the one in force (sluis-node covenant fetch)",
                theirs=covenant_hash.hex()[:12],
            )
        return Covenant.verify(note, self.authority)

    def newest_covenant(self) -> Covenant | None:
        """The newest covenant that was accepted, whatever its dates; None before the first."""
        note = self.store.newest_covenant_note()
        return None if note is None else Covenant.verify(note, self.authority)

    def known_covenant(self) -> Covenant | None:
        """The same, or before one was accepted, the one in the file if the authority signed it."""
        return self.newest_covenant() or self.names()

    async def fetch_covenant(self) -> Covenant:
        """Ask the coordinator for the covenant in force, check it and put it in place of the file."""
        found = await self.coordinator.call(methods.GET_COVENANT, Empty(), CovenantNote)
        covenant = Covenant.verify(found.note, self.authority)
        self.store.accept_covenant(covenant)
        write_atomically(self.settings.covenant, found.note)
        return covenant

    def rules(self, covenant: Covenant) -> RuleSet:
        """The packaged rule set, which must be the covenant's."""
        rules, agreed = load_rules(), covenant.terms.rule_set
        if (rules.identity, rules.sha256) != (agreed.name, agreed.sha256):
            raise ConfigError(
                f"the covenant asks for the rule set {agreed.name} ({agreed.sha256[:12]}), this version of Sluis has "
                f"{rules.identity} ({rules.sha256[:12]})",
                do="install the version of Sluis that the covenant was made for",
            )
        return rules

    def purpose(self, covenant: Covenant, purpose_id: str | None) -> Purpose:
        """The purpose of that id, in force today; without an id, the only one that the covenant has."""
        if purpose_id is None:
            ids = [purpose.id for purpose in covenant.terms.purposes]
            if len(ids) != 1:
                raise InputError("the covenant has several purposes", do=f"choose one with --purpose: {', '.join(ids)}")
            purpose_id = ids[0]
        return covenant.purpose(purpose_id, self.now().date())
