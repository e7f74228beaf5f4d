"""Whether anything changed that people see: a short text that is another one then. Tells nothing of what it was."""

from __future__ import annotations

from sluis_runtime.database import transaction
from sqlalchemy import Engine, func, select

from .handshake.tables import handshakes, steps
from .notify.tables import deliveries
from .tables import anomalies, matches, rounds


def pulse(engine: Engine) -> str:
    """The text; asking for it is no processing of anybody's data."""
    counted = (
        select(func.count(), func.sum(handshakes.c.revision)).select_from(handshakes),
        select(func.count(), func.max(steps.c.number)).select_from(steps),
        select(func.count(), func.max(matches.c.last_at)).select_from(matches),
        select(func.count(), func.max(rounds.c.confirm_until)).select_from(rounds),
        select(func.count(), func.max(anomalies.c.id)).select_from(anomalies),
        select(func.count(), func.max(deliveries.c.id)).select_from(deliveries).where(deliveries.c.state == "dead"),
    )
    with transaction(engine) as connection:
        return ".".join(str(value or 0) for query in counted for value in connection.execute(query).one())
