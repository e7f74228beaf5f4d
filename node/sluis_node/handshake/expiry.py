"""Handshakes whose end never came: a coordinator that went away, or mail that was lost with it.

The coordinator keeps a handshake, with its mail, at most `keep_days` after its end. A node that has heard nothing long
after that ends it by its own clock, so that nothing stays open, or is kept, for ever. `Node.receive` looks each time.
"""

from __future__ import annotations

from datetime import timedelta

from sluis_protocol.encoding import millis
from sluis_protocol.handshake import Active, Closed, Lapsed
from sluis_protocol.stored import write_state
from sluis_runtime.logs import logger

from ..parts import Parts
from .casebook import Casebook
from .model import What, Whose
from .moves import Moves

GRACE = timedelta(days=120)  # a covenant's keep_days are 90 at most
log = logger("handshake")


def expire(parts: Parts) -> None:
    """End what passed its deadline, or was never opened, so long ago that no entry can come any more."""
    casebook, moves, now = Casebook(parts.store.vault), Moves(parts.store.engine, parts.signer), parts.now()
    with parts.store.transaction() as connection:
        for found in casebook.open(connection):
            deadline = (found.state and found.state.deadline) or found.made_at
            if now < deadline + GRACE:
                continue
            closed = isinstance(found.state, Active)
            state = Closed(None) if closed else Lapsed()
            casebook.change(connection, found, ended_at=millis(now), **write_state(state))
            casebook.add_step(
                connection,
                found.id,
                What.CLOSED if closed else What.LAPSED,
                Whose.NOBODYS,
                at=now,
                digest=casebook.digest("expired", found.id),
            )
            moves.overtaken(connection, found.id)
            log.warning("handshake ended by our own clock", handshake=found.id.hex())
