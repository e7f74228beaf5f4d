"""Two nodes that have found the same family, and two that have handed in: without any network."""

from __future__ import annotations

from ..node.conftest import desk as desk
from ..node.handshake.conftest import played as played
