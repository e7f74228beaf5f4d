"""Notifications without personal data: written into an outbox, sent by mail and as signed CloudEvents.

`Outbox.enqueue` tells something within the transaction in which it happens; `Sender` sends what is due. What goes where
is in `[notify]` of node.toml.
"""

from .notice import Audience, Notice, NoticeKind
from .outbox import Channel, Delivery, DeliveryState, Outbox
from .sender import Sender, Sent
from .settings import NotifySettings

__all__ = [
    "Audience",
    "Channel",
    "Delivery",
    "DeliveryState",
    "Notice",
    "NoticeKind",
    "NotifySettings",
    "Outbox",
    "Sender",
    "Sent",
]
