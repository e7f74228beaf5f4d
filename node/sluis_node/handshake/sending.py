"""Send our moves and letters to the coordinator, the same bytes as often as it takes, in the order they were made.

What it refuses for good is settled, and the case says so. What was made under a covenant version that the coordinator
doesn't work under is signed anew under the one in force: it was never taken, so it can't be doubled.
"""

from __future__ import annotations

import asyncio

from sluis_protocol.content import LETTER
from sluis_protocol.errors import SluisError, StorageError, Unreachable, WrongClock, WrongCovenant
from sluis_protocol.messages import Empty
from sluis_protocol.promises import check_receipt
from sluis_protocol.signed import SignedMessage
from sluis_protocol.wire import methods
from sluis_runtime.logs import logger

from ..parts import Parts
from ..transparency import owed
from .casebook import Casebook
from .model import What, Whose
from .moves import Moves, Outgoing, newest

log = logger("handshake")


class Sending:
    """Sends what lies ready."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._casebook = Casebook(parts.store.vault)
        self._moves = Moves(parts.store.engine, parts.signer)

    async def run(self) -> None:
        """Send everything, but what follows something of the same handshake that stays; raise Unreachable."""
        stays: set[bytes] = set()
        for one in await asyncio.to_thread(self._moves.to_send):
            if one.handshake not in stays and not await self._send(one):
                stays.add(one.handshake)

    async def _send(self, one: Outgoing, *, anew: bool = True) -> bool:
        """Send one; False if it has to wait."""
        call = self._parts.coordinator.call
        receipt = None
        try:
            if one.act == LETTER:
                receipt = await call(methods.WRITE, one.message, SignedMessage)
            else:
                await call(methods.MOVE, one.message, Empty)
        except (Unreachable, StorageError):
            raise
        except WrongCovenant as error:
            again = await self._anew(one) if anew else None
            if again is not None:
                return await self._send(again, anew=False)
            log.warning("a step waits for the covenant in force", handshake=one.handshake.hex(), code=error.code)
            return False
        except WrongClock as error:
            log.warning("a step can't be sent now", handshake=one.handshake.hex(), code=error.code, what=error.what)
            return False
        except SluisError as error:
            await asyncio.to_thread(self._refused, one, error)
            return True
        await asyncio.to_thread(self._taken, one, receipt)
        return True

    async def _anew(self, one: Outgoing) -> Outgoing | None:
        """The same under the covenant in force, if that is another one; None if there is nothing newer."""
        try:
            covenant = await self._parts.fetch_covenant()
        except (Unreachable, StorageError):
            raise
        except SluisError as error:
            log.warning("no covenant could be fetched", code=error.code, what=error.what)
            return None
        if covenant.hash == one.message.envelope.covenant_hash:
            return None

        def sign() -> Outgoing | None:
            with self._parts.store.transaction() as connection:
                return self._moves.sign_anew(connection, one, covenant)

        return await asyncio.to_thread(sign)

    def _taken(self, one: Outgoing, receipt: SignedMessage | None) -> None:
        """The coordinator has it; what it promises for a letter it promises for a move in its entry."""
        parts = self._parts
        covenant = newest(parts.newest_covenant())
        said = one.message.envelope
        if receipt is not None:
            under = parts.covenant_of_round(said.covenant_hash)
            check_receipt(receipt, under, f"handshake {LETTER}", one.message.digest, said.round_id)
        with parts.store.transaction() as connection:
            if receipt is not None:
                owed.note_promise(connection, receipt)
            found = self._casebook.required(connection, one.handshake)
            self._moves.taken(connection, one, found, covenant, parts.now())

    def _refused(self, one: Outgoing, error: SluisError) -> None:
        """Settle it, and keep in the case that it came to nothing."""
        log.warning("the coordinator takes no step", handshake=one.handshake.hex(), code=error.code)
        parts, name = self._parts, one.handshake.hex()
        with parts.store.transaction() as connection:
            if not self._moves.refused(connection, one):
                return
            found = self._casebook.required(connection, one.handshake)
            self._casebook.change(connection, found)
            self._casebook.add_step(
                connection,
                found.id,
                What.REFUSED,
                Whose.OURS,
                at=parts.now(),
                digest=self._casebook.digest("refused", name, str(one.number)),
                details={"act": one.act, "why": error.what},
            )
