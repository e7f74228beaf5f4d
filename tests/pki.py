"""A throwaway certificate authority for tests: mutual TLS on loopback, with the OIN in the subject's serialNumber."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sluis_runtime.config import Tls

_DAY = timedelta(days=1)


class Pki:
    """An authority that lives as long as the test; it vouches for any OIN that it is asked to."""

    def __init__(self, name: str = "Test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def issue(self, oin: str | None, folder: Path, *, days: float = 30) -> Tls:
        """A certificate for localhost and 127.0.0.1, written with its key and the authority into `folder`.

        The files are certificate.pem, key.pem and authorities.pem. Without an OIN the subject has no serialNumber. It
        is valid from yesterday, for so many days from now: with a negative number it has expired.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, "test party")]
        if oin is not None:
            subject.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, oin))
        names = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
        )
        certificate = (
            self._builder(x509.Name(subject), key.public_key(), days=days)
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        folder.mkdir(parents=True, exist_ok=True)
        tls = Tls(
            certificate=folder / "certificate.pem", key=folder / "key.pem", authorities=folder / "authorities.pem"
        )
        tls.certificate.write_bytes(_pem(certificate))
        tls.authorities.write_bytes(_pem(self.certificate))
        tls.key.touch(0o600)
        tls.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return tls

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, days: float = 30
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + days * _DAY)
        )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
