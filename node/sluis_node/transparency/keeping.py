"""What the watch remembers: the last good checkpoint, and alarms. What the log owes us is in `owed`.

An alarm that nobody has settled stops the node: `require_none` is asked before everything that is sent. Nothing here
talks to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sluis_protocol.checkpoint import Checkpoint
from sluis_protocol.encoding import millis, moment
from sluis_protocol.errors import InputError, LogAlarm, NotFound
from sluis_protocol.evidence import Charge, Evidence
from sluis_protocol.signed import SignedMessage
from sluis_runtime.database import transaction
from sqlalchemy import Connection, Engine, RowMapping, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from . import owed
from .tables import log_alarms, log_owed, log_seen

_MOST_WORDS = 1_000
DO = "read it (sluis-node log show), tell the covenant authority (sluis-node log evidence FILE), then: log resume"


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint that was found good: as the coordinator signed it, and under which covenant (its note)."""

    checkpoint: Checkpoint
    answer: SignedMessage = field(repr=False)
    covenant: str = field(repr=False)
    at: datetime
    cosigned: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something wrong with the log; open until `settled_at`."""

    number: int
    charge: Charge
    what: str
    noted_at: datetime
    evidence: Evidence = field(repr=False)
    settled_at: datetime | None
    settled_by: str
    why: str

    def as_json(self) -> dict[str, Any]:
        """For `sluis-node log show --json`."""
        return {
            "number": self.number,
            "charge": str(self.charge),
            "what": self.what,
            "noted_at": self.noted_at.isoformat(),
            "settled_at": self.settled_at.isoformat() if self.settled_at else None,
            "settled_by": self.settled_by,
            "why": self.why,
        }


def seen(connection: Connection, origin: str) -> Seen | None:
    """The last good checkpoint."""
    row = connection.execute(select(log_seen)).mappings().first()
    if row is None:
        return None
    return Seen(
        Checkpoint(origin, row["size"], row["root"]),
        SignedMessage(row["body"], row["signature"]),
        row["covenant"],
        moment(row["at"]),
        bool(row["cosigned"]),
    )


def advance(connection: Connection, old: Seen | None, new: Seen) -> bool:
    """Compare-and-set from the checkpoint that the new one was compared with; False if another one is there now."""
    values = {
        "size": new.checkpoint.size,
        "root": new.checkpoint.root,
        "body": new.answer.body,
        "signature": new.answer.signature,
        "covenant": new.covenant,
        "at": millis(new.at),
        "cosigned": int(new.cosigned),
    }
    table = log_seen
    if old is None:
        done = connection.execute(insert_or(table).values(id=1, **values).on_conflict_do_nothing())
    else:
        same = (table.c.size == old.checkpoint.size, table.c.root == old.checkpoint.root)
        done = connection.execute(update(table).where(*same).values(values))
    return done.rowcount == 1


def mark_cosigned(connection: Connection, checkpoint: Checkpoint) -> None:
    """The coordinator has our cosignature under this one."""
    same = (log_seen.c.size == checkpoint.size, log_seen.c.root == checkpoint.root)
    connection.execute(update(log_seen).where(*same).values(cosigned=1))


def counts(connection: Connection) -> dict[str, int]:
    """How many own events of each kind were found."""
    query = select(log_owed.c.kind, func.count()).where(log_owed.c.leaf.is_not(None)).group_by(log_owed.c.kind)
    return {row[0]: row[1] for row in connection.execute(query.order_by(log_owed.c.kind))}


def lost(connection: Connection) -> int:
    """How many own events are not there, and somebody answers for it."""
    return connection.execute(select(func.count()).where(log_owed.c.lost == 1)).scalar_one()


# Alarms.


def raise_alarm(connection: Connection, evidence: Evidence) -> int:
    """Keep an alarm with its evidence: from now on nothing is sent. Its number."""
    values = {
        "charge": evidence.charge.name,
        "what": evidence.what,
        "evidence": evidence.serialise(),
        "noted_at": millis(evidence.noted_at),
    }
    made = connection.execute(insert(log_alarms).values(values)).inserted_primary_key
    return int(made[0]) if made else 0


def alarms(connection: Connection) -> list[Alarm]:
    """All, the newest first."""
    query = select(log_alarms).order_by(log_alarms.c.number.desc())
    return [_alarm(row) for row in connection.execute(query).mappings()]


def require_none(engine: Engine) -> None:
    """Raise LogAlarm while an alarm is open."""
    with transaction(engine) as connection:
        found = open_alarm(connection)
    if found is not None:
        raise found


def open_alarm(connection: Connection) -> LogAlarm | None:
    """The alarm that is open, if there is one."""
    query = select(log_alarms.c.what, log_alarms.c.number).where(log_alarms.c.settled_at.is_(None))
    found = connection.execute(query.order_by(log_alarms.c.number)).first()
    return alarm_error(found.number, found.what) if found else None


def alarm_error(number: int, what: str) -> LogAlarm:
    """What everything that would be sent ends with."""
    return LogAlarm(f"this node stopped, because of the coordinator's log: {what}", do=DO, alarm=number)


def settled_last(connection: Connection) -> datetime | None:
    """When an operator last started anew with the coordinator's log."""
    last = connection.scalar(select(func.max(log_alarms.c.settled_at)))
    return None if last is None else moment(last)


def settle(connection: Connection, number: int, *, by: str, why: str, now: datetime) -> Alarm:
    """Somebody answers for going on: the node starts anew with the next checkpoint, and looks for everything again.

    Own events from before that are not there then are counted as lost, and raise no alarm. Raises NotFound, or
    InputError without a name and a reason.
    """
    if not by.strip() or not why.strip() or len(by) > 200 or len(why) > _MOST_WORDS or not (by + why).isprintable():
        raise InputError("who answers for going on, and why, must be said", do="give --by and --why, a line each")
    table = log_alarms
    settled = connection.execute(
        update(table)
        .where(table.c.number == number, table.c.settled_at.is_(None))
        .values(settled_at=millis(now), settled_by=by, why=why)
    )
    if settled.rowcount != 1:
        raise NotFound("there is no such open alarm", do="list them: sluis-node log show")
    connection.execute(delete(log_seen))
    owed.look_anew(connection)
    return next(one for one in alarms(connection) if one.number == number)


def _alarm(row: RowMapping) -> Alarm:
    return Alarm(
        row["number"],
        Charge[row["charge"]],
        row["what"],
        moment(row["noted_at"]),
        Evidence.parse(row["evidence"]),
        None if row["settled_at"] is None else moment(row["settled_at"]),
        row["settled_by"] or "",
        row["why"] or "",
    )
