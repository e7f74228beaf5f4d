"""Who calls: the OIN in the subject's serialNumber of the client's certificate, and nothing else (protocol.md, 0).

TLS has verified the certificate before a call arrives here. Left to the callers: who signed the message inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import NotAMember
from sluis_protocol.wire.methods import Caller

_DO = "use a certificate (PKIoverheid) whose subject has the OIN of 20 digits as its serialNumber"
_OIN_DIGITS = 20


def caller_oin(auth_context: Mapping[str, Iterable[bytes]]) -> str:
    """The caller's OIN from gRPC's `ServicerContext.auth_context()`; raise NotAMember if it has none."""
    chain = list(auth_context.get("x509_pem_cert", ()))
    if not chain:
        raise NotAMember("the caller has no certificate", do=_DO)
    return certificate_oin(chain[0])


@lru_cache(maxsize=1024)
def certificate_oin(pem: bytes) -> str:
    """The one serialNumber in a certificate's subject; raise NotAMember if it isn't an OIN."""
    subject = x509.load_pem_x509_certificate(pem).subject
    numbers = [str(attribute.value) for attribute in subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)]
    if len(numbers) != 1 or len(numbers[0]) != _OIN_DIGITS or not (numbers[0].isascii() and numbers[0].isdigit()):
        raise NotAMember("the certificate's subject has no OIN", do=_DO)
    return numbers[0]


def validity(pem: bytes) -> tuple[datetime, datetime]:
    """From when until when a certificate is valid."""
    certificate = x509.load_pem_x509_certificate(pem)
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def check_role(covenant: Covenant, oin: str, role: Caller) -> None:
    """Raise NotAMember unless the covenant has this OIN, not revoked, in this role."""
    if role is Caller.HOLDER:
        covenant.holder_by_oin(oin)
        return
    coordinator = covenant.terms.coordinator
    others = {holder.oin for holder in covenant.terms.holders} | {coordinator.oin if coordinator else ""}
    if role is Caller.MEMBER or oin not in others:
        covenant.member(oin)
