"""Two municipalities with a match, as in the handshake's tests."""

from ..handshake.conftest import two

__all__ = ["two"]
