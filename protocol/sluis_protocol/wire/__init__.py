"""The wire: the only code that touches generated protobuf messages.

`encode` and `decode` translate the plain messages of `messages.py`; `decode` refuses what is missing, out of range,
too large or trailing. `methods` names every call with its types; `status` maps errors to gRPC and back.
"""

from .codec import decode, encode

__all__ = ["decode", "encode"]
