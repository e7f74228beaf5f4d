"""The processing log after the standard *Logboek Dataverwerkingen*: who did what with whose data, and when.

    with log.processing(Activity.SHOW, "show match", actor=user, persons=match.persons, reference=match.match):
        ...

`log` writes, `reading` reads. Everything is about persons by keyed hash.
"""

from .activity import Activity
from .log import ProcessingLog, Span
from .reading import Entry, Outcome, Wanted
from .settings import ProcessingSettings

__all__ = ["Activity", "Entry", "Outcome", "ProcessingLog", "ProcessingSettings", "Span", "Wanted"]
