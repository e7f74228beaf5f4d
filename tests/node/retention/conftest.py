"""Two municipalities with a match, as in the handshake's tests."""

from ..handshake.conftest import impatient, two

__all__ = ["impatient", "two"]
