"""Everything is on this machine: what comes, comes at once."""

from ..handshake.conftest import impatient

__all__ = ["impatient"]
