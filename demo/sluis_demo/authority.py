"""A throwaway certificate authority: it vouches for the demo's parties, on this machine, for a week.

A certificate names its party by the OIN in the subject's serialNumber (protocol.md, 0). All OINs are test OINs. It
checks nobody's identity and revokes nothing: outside a demo, certificates come from a real authority (PKIoverheid).
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sluis_protocol.covenant import TEST_OIN_PREFIX
from sluis_protocol.errors import InputError
from sluis_runtime.keyfiles import write_secret

LIFETIME = timedelta(days=7)
_BEFORE = timedelta(hours=1)  # so that a clock that is a little behind accepts the certificates too


class CertificateAuthority:
    """Issues certificates for the parties of one demo; its key is in `folder` and nowhere else."""

    def __init__(self, folder: Path, now: datetime | None = None) -> None:
        self._now = now or datetime.now(UTC)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sluis demo"),
                x509.NameAttribute(NameOID.COMMON_NAME, "Sluis demo certificate authority"),
            ]
        )
        public = self._key.public_key()
        self._identifier = x509.SubjectKeyIdentifier.from_public_key(public)
        self._certificate = (
            self._builder(self._name, public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        folder.mkdir(parents=True)
        write_secret(folder / "key.pem", _pem(self._key))
        (folder / "certificate.pem").write_bytes(self.certificate)

    @property
    def certificate(self) -> bytes:
        """What the parties trust, as PEM."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, folder: Path, oin: str, name: str) -> None:
        """Write `certificate.pem`, `key.pem` (for its owner's eyes only) and `authorities.pem` into a party's folder.

        Raises InputError for an OIN that is not a test OIN, KeyFileError if there is a key already.
        """
        if not oin.startswith(TEST_OIN_PREFIX):
            raise InputError("the demo's authority vouches for test OINs only", do=f"begin with {TEST_OIN_PREFIX}")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:64]),
                x509.NameAttribute(NameOID.SERIAL_NUMBER, oin),
                x509.NameAttribute(NameOID.COMMON_NAME, "localhost"),
            ]
        )
        hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
        both_sides = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            self._builder(subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(both_sides), critical=False)
            .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        folder.mkdir(parents=True, exist_ok=True)
        write_secret(folder / "key.pem", _pem(key))
        (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (folder / "authorities.pem").write_bytes(self.certificate)

    def _builder(self, subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - _BEFORE)
            .not_valid_after(self._now + LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._identifier), critical=False
            )
        )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
