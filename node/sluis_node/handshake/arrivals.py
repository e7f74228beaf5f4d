"""What arrives in a handshake: entries of the coordinator's chain, and letters of the other side (protocol.md, 7).

Each may come many times; the second time changes nothing. A forged, replayed or reordered one is refused and raises:
the caller notes it as an anomaly. What the other side sealed is examined here too (`effects`), since the coordinator
can't: what is wrong with it is returned, to be noted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sluis_protocol import chain
from sluis_protocol.chain import Made, open_letter
from sluis_protocol.content import LETTER, ContactCard, RightsNotice
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import Anomaly, BadSeal, MalformedMessage, SluisError
from sluis_protocol.handshake import Active, Agreed, Drafting
from sluis_protocol.signed import Kind, SignedMessage
from sluis_runtime.logs import logger
from sqlalchemy import Connection, func, insert, select

from ..anomalies import REPORT
from ..notify.notice import Notice, NoticeKind
from ..parts import Parts
from ..transparency import owed
from .casebook import Casebook, Handshake
from .effects import Effects, opened
from .model import What, Whose
from .moves import Moves, Progress
from .papers import THEIR_CARD, write_card
from .tables import entries, letters

log = logger("handshake")


class Arrivals:
    """Deals with what arrives, within the caller's transaction."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._casebook = Casebook(parts.store.vault)
        self._moves = Moves(parts.store.engine, parts.signer)

    def handle(self, connection: Connection, name: str, message: SignedMessage) -> Sequence[SluisError]:
        """Deal with one; what is wrong with its sealed content.

        Raises WrongCovenant if it was made under a covenant that isn't on file (yet), and whatever else is wrong with
        it. A handshake that isn't ours says nothing to us, and is left alone.
        """
        found = self._casebook.find(connection, bytes.fromhex(name)) or self._candidate(connection, bytes.fromhex(name))
        if found is None:
            log.info("mail of a handshake that is not on file", handshake=name)
            return ()
        match message.envelope.kind:
            case Kind.ENTRY:
                return self._entry(connection, found, message)
            case Kind.LETTER:
                return self._letter(connection, found, message)
            case kind:
                raise MalformedMessage(f"a {kind} is no mail of a handshake")

    def _candidate(self, connection: Connection, handshake_id: bytes) -> Handshake | None:
        """The handshake of a candidate that we answered: its match isn't proven (yet)."""
        claim = self._parts.ledger.claim(connection, handshake_id, self._parts.oin)
        if claim is None or (own := self._parts.store.read_round(connection, claim.round_id)) is None:
            return None
        return self._casebook.add(
            connection,
            handshake_id,
            match="",
            known=False,
            purpose=own.purpose,
            counterpart=claim.counterpart,
            now=self._parts.now(),
        )

    def _covenant_of(self, connection: Connection) -> Callable[[bytes], Covenant]:
        return lambda covenant_hash: self._parts.covenant_on_file(connection, covenant_hash)

    # Entries.

    def _entry(self, connection: Connection, found: Handshake, message: SignedMessage) -> Sequence[SluisError]:
        """The next entry: verified (`chain.open_step`), of our own match, with our own moves as we made them."""
        digest = message.digest
        if connection.scalar(select(entries.c.sequence).where(entries.c.digest == digest)) is not None:
            return ()
        covenant_of = self._covenant_of(connection)
        before = found.chained(self._parts.oin)
        step = chain.open_step(message, before, covenant_of, now=self._parts.now())
        after = step.handshake
        if before is None and (after.id, after.purpose, after.oins) != (found.id, found.purpose, self._oins(found)):
            raise Anomaly("a handshake is opened for another pair or purpose than its match", do=REPORT)
        for made in step.moves:
            self._check_own(connection, made)
        found = self._casebook.move(connection, found, after)
        connection.execute(
            insert(entries).values(
                handshake=found.id,
                sequence=after.sequence,
                digest=digest,
                body=message.body,
                signature=message.signature,
            )
        )
        owed.note_promise(connection, message, count=after.sequence)
        own = [made.message.digest for made in step.moves if made.envelope.sender == self._parts.oin]
        self._moves.entered(connection, own)
        overtaken = self._moves.overtaken(connection, found.id)
        effects = Effects(self._parts, self._casebook, self._moves, connection, found, step, covenant_of)
        faults = effects.apply(before, overtaken)
        if found.is_final:
            log.info("handshake ended", handshake=found.id.hex(), state=after.state.name)
        return faults

    def _oins(self, found: Handshake) -> tuple[str, str]:
        lower, higher = sorted((self._parts.oin, found.counterpart))
        return lower, higher

    def _check_own(self, connection: Connection, made: Made) -> None:
        if made.envelope.sender != self._parts.oin:
            return
        progress = self._moves.progress(connection, made.message.digest)
        if progress is None:
            raise Anomaly("an entry has a move of ours that this node didn't make", do=REPORT)
        if progress is Progress.TAKEN_BACK:
            raise Anomaly("the coordinator entered a yes that it had taken back", do=REPORT)

    # Letters.

    def _letter(self, connection: Connection, found: Handshake, message: SignedMessage) -> Sequence[SluisError]:
        """A letter of the other side, once.

        1. The other side signed it. 2. Its number is new; the same number never says anything else. 3. Both want to
        work together. 4. Its content opens.
        """
        envelope = message.envelope
        letter = open_letter(
            message, self._covenant_of(connection)(envelope.covenant_hash), handshake=found.id.hex(), now=None
        )
        if envelope.sender != found.counterpart:
            raise Anomaly("a letter comes from a third party", do=REPORT, party=envelope.sender)
        digest = message.digest
        of_this = letters.c.handshake == found.id
        known = connection.scalar(select(letters.c.digest).where(of_this, letters.c.number == letter.number))
        if known is not None:
            if known != digest:
                raise Anomaly("a letter is there in two ways", do=REPORT, party=envelope.sender)
            return ()
        if not isinstance(found.state, Agreed | Drafting | Active):
            raise Anomaly("a letter comes before both have agreed, or after the end", do=REPORT, party=envelope.sender)
        last = connection.scalar(select(func.max(letters.c.number)).where(of_this)) or 0
        faults: list[SluisError] = []
        if letter.number != last + 1:
            faults.append(Anomaly("a letter before this one never came", do=REPORT))
        connection.execute(insert(letters).values(handshake=found.id, number=letter.number, digest=digest))
        now = self._parts.now()
        owed.note(connection, owed.Owed(f"handshake {LETTER}", digest, now, envelope.round_id))
        self._casebook.change(connection, found)
        try:
            content = opened(self._parts, found, LETTER, letter.sealed)
        except (BadSeal, MalformedMessage) as error:
            return [*faults, error]
        what, kind = What.CARD, NoticeKind.CARD_RECEIVED
        if isinstance(content, ContactCard):
            if letter.number > last:  # an older one that comes late doesn't replace a newer one
                self._casebook.put_paper(connection, found.id, THEIR_CARD, write_card(content), now)
        elif isinstance(content, RightsNotice):
            what, kind = What.RIGHT_USED, NoticeKind.RIGHT_USED
        details = {"right": str(content.right)} if isinstance(content, RightsNotice) else {}
        self._casebook.add_step(
            connection,
            found.id,
            what,
            Whose.THEIRS,
            at=envelope.sent_at,
            digest=self._casebook.digest("letter", digest),
            details=details,
        )
        notice = Notice(kind, f"{found.id.hex()} letter {letter.number}")
        self._parts.notices.enqueue(connection, notice, now)
        return faults
