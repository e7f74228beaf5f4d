"""A holder's side of the key ceremony: do whatever step is owed next, and say whom it waits for (protocol.md, 3).

What this holder said is stored before it goes on the board, so after a crash it says the same again. Its share is
stored, encrypted, only when all holders have accepted the same deals. `sluis_protocol.board` judges the board.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sluis_protocol import wire
from sluis_protocol.board import Accepted, Broken, Dealing, Deals, Judging, Replying, assess, open_shares, take_share
from sluis_protocol.bulletin import AFRESH, Ceremony, make_deal, make_reply, make_verdict
from sluis_protocol.covenant import Covenant, Terms
from sluis_protocol.errors import CeremonyFault, KeyFileError
from sluis_protocol.group import SCALAR_BYTES, Random
from sluis_protocol.signed import Kind, SignedMessage
from sluis_runtime.boardfolder import post, read_board, read_opening
from sluis_runtime.database import transaction
from sqlalchemy import Row, insert, select, update

from . import tables
from .store import KeyHolder


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done in this run, whom the ceremony waits for (indices) and for what; nobody: it is finished."""

    done: tuple[str, ...]
    waiting: tuple[int, ...]
    waits_for: str
    ceremony: Ceremony


def take_part(
    holder: KeyHolder, folder: Path, draft: Terms, *, clock: Callable[[], datetime], random: Random
) -> Progress:
    """Do all steps that this holder can do now. Idempotent. Raises CeremonyFault naming whoever broke the ceremony."""
    ceremony = Ceremony.of(read_opening(folder))
    ceremony.check_same_key(draft)
    party = _Party(holder, ceremony, folder, _own_index(holder, ceremony.draft), clock)
    done: list[str] = []
    party.deal(random, done)
    while True:
        state = assess(ceremony, read_board(folder, ceremony))
        match state:
            case Broken():
                raise state.error()
            case Dealing():
                return Progress(tuple(done), state.waiting, "deals", ceremony)
            case Judging():
                if not party.judge(state.deals, done):
                    return Progress(tuple(done), state.waiting, "verdicts", ceremony)
            case Replying():
                if not party.reply(state, done):
                    return Progress(tuple(done), state.waiting, "replies to complaints", ceremony)
            case Accepted():
                party.finish(state, done)
                return Progress(tuple(done), (), "", ceremony)


def _own_index(holder: KeyHolder, draft: Covenant) -> int:
    """The index of this holder in the draft, if the draft has its very keys."""
    entry = draft.holder_by_oin(holder.oin)
    for what, own, named in (
        ("signing", holder.signing_key.public_key().public_bytes_raw(), entry.signing_key),
        ("sealing", holder.sealing_key.public(), entry.sealing_key),
    ):
        if base64.b64encode(own).decode() != named:
            raise KeyFileError(
                f"the draft has another {what} key for this holder than its key file",
                do="give the authority the card of this folder (card.json), then open the ceremony afresh",
                party=holder.oin,
            )
    return entry.index


@dataclass(frozen=True, slots=True)
class _Party:
    holder: KeyHolder
    ceremony: Ceremony
    folder: Path
    index: int
    clock: Callable[[], datetime]

    def deal(self, random: Random, done: list[str]) -> None:
        """Put this holder's deal on the board, made once."""
        row = self._row()
        if row is None:
            if self.index in read_board(self.folder, self.ceremony).deals:
                raise CeremonyFault(
                    "the board has a deal of this holder that is not in its database",
                    do=f"restore the database, or {AFRESH}",
                    holder=self.index,
                )
            message, shares = make_deal(self.ceremony, self.index, self.holder.signing_key, random, self.clock())
            with transaction(self.holder.engine) as connection:
                values = {"ceremony": self.ceremony.id, "deal": wire.encode(message), "shares": self._seal(shares)}
                connection.execute(insert(tables.dealings).values(values))
        else:
            message = _message(row.deal)
        if post(self.folder, Kind.DEAL, self.index, message):
            done.append("put its deal on the board")

    def judge(self, deals: Deals, done: list[str]) -> bool:
        """Accept the deals or complain, once; False if that was done before."""
        verdict = self._said("verdict")
        if verdict is None:
            shares = open_shares(self.ceremony, self.index, deals, self.holder.sealing_key)
            bad = [dealer for dealer, share in shares.items() if share is None and dealer != self.index]
            verdict = make_verdict(
                self.ceremony, self.index, deals.transcript, bad, self.holder.signing_key, self.clock()
            )
            self._say("verdict", verdict)
            done.append(f"complained about the deals of {_list(bad)}" if bad else "accepted all deals")
        return post(self.folder, Kind.VERDICT, self.index, verdict)

    def reply(self, state: Replying, done: list[str]) -> bool:
        """Open the shares that others complained about; False if there is nothing (more) to open."""
        recipients = [complaint.recipient for complaint in state.complaints if complaint.dealer == self.index]
        if not recipients:
            return False
        reply = self._said("reply")
        if reply is None:
            dealt = self._dealt()
            opened = {recipient: dealt[recipient] for recipient in recipients}
            key = self.holder.signing_key
            reply = make_reply(self.ceremony, self.index, state.transcript, opened, key, self.clock())
            self._say("reply", reply)
            done.append(f"opened the shares that {_list(recipients)} complained about")
        return post(self.folder, Kind.REPLY, self.index, reply)

    def finish(self, state: Accepted, done: list[str]) -> None:
        """Store this holder's share, and forget what it dealt."""
        verdict = self._said("verdict")
        if verdict is None or verdict != read_board(self.folder, self.ceremony).verdicts[self.index]:
            raise CeremonyFault(
                "the board has a verdict of this holder that is not in its database",
                do=f"restore the database, or {AFRESH}",
                holder=self.index,
            )
        transcript = state.deals.transcript
        if self.holder.shares.find(transcript) is None:
            share = take_share(self.ceremony, self.index, state, self.holder.sealing_key)
            self.holder.shares.store(transcript, share)
            done.append("stored its share of the key, encrypted")
        with transaction(self.holder.engine) as connection:
            own = tables.dealings.c.ceremony == self.ceremony.id
            connection.execute(update(tables.dealings).where(own).values(shares=None))

    def _row(self) -> Row[Any, Any, Any, Any] | None:
        table = tables.dealings.c
        query = select(table.deal, table.shares, table.verdict, table.reply).where(table.ceremony == self.ceremony.id)
        with transaction(self.holder.engine) as connection:
            return connection.execute(query).one_or_none()

    def _said(self, column: str) -> SignedMessage | None:
        row = self._row()
        raw: bytes | None = None if row is None else getattr(row, column)
        return None if raw is None else _message(raw)

    def _say(self, column: str, message: SignedMessage) -> None:
        own = tables.dealings.c.ceremony == self.ceremony.id
        with transaction(self.holder.engine) as connection:
            connection.execute(update(tables.dealings).where(own).values({column: wire.encode(message)}))

    def _seal(self, shares: Mapping[int, bytes]) -> bytes:
        packed = b"".join(shares[recipient] for recipient in sorted(shares))
        return self.holder.vault.seal(packed, table="dealings", column="shares", row=self.ceremony.id)

    def _dealt(self) -> dict[int, bytes]:
        row = self._row()
        if row is None or row.shares is None:
            raise CeremonyFault("this holder has nothing to reply with: it has accepted before", holder=self.index)
        packed = self.holder.vault.open(row.shares, table="dealings", column="shares", row=self.ceremony.id)
        cuts = range(0, len(packed), SCALAR_BYTES)
        return {recipient: packed[at : at + SCALAR_BYTES] for recipient, at in enumerate(cuts, start=1)}


def _message(raw: bytes) -> SignedMessage:
    return wire.decode(SignedMessage, raw)


def _list(indices: list[int]) -> str:
    return ", ".join(f"holder {index}" for index in indices)
