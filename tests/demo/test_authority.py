"""The demo's certificates carry the OIN where the services look for it, and nobody else can read the keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store
from sluis_demo.authority import CertificateAuthority
from sluis_protocol.errors import InputError, KeyFileError

OIN = "00000099000000010014"


def test_a_certificate_names_the_oin_and_verifies_for_this_machine(tmp_path: Path) -> None:
    CertificateAuthority(tmp_path / "ca").issue(tmp_path / "tls", OIN, "Groningen")
    leaf = x509.load_pem_x509_certificate((tmp_path / "tls/certificate.pem").read_bytes())
    assert [a.value for a in leaf.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)] == [OIN]
    trusted = Store(x509.load_pem_x509_certificates((tmp_path / "tls/authorities.pem").read_bytes()))
    policy = PolicyBuilder().store(trusted)
    assert policy.build_server_verifier(x509.DNSName("localhost")).verify(leaf, [])
    assert policy.build_client_verifier().verify(leaf, []).chain


def test_keys_are_for_their_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path / "ca")
    authority.issue(tmp_path / "tls", OIN, "Groningen")
    assert [(tmp_path / key).stat().st_mode & 0o777 for key in ("ca/key.pem", "tls/key.pem")] == [0o600, 0o600]
    with pytest.raises(KeyFileError):
        authority.issue(tmp_path / "tls", OIN, "Groningen")


def test_a_real_oin_gets_no_certificate(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        CertificateAuthority(tmp_path / "ca").issue(tmp_path / "tls", "00000001000000010014", "Groningen")
    assert not (tmp_path / "tls").exists()
