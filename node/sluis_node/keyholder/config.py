"""A key holder's folder: its configuration, its keys and its card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from sluis_protocol.card import Card, Role, make_card
from sluis_protocol.errors import ConfigError
from sluis_protocol.note import Verifier
from sluis_runtime import keyfiles
from sluis_runtime.config import FilePath, PartySettings
from sluis_runtime.files import make_folder, write_atomically

_SAMPLE = """\
# A key holder of Sluis. Paths start at this file's folder.

oin = "{oin}"
coordinator = "{coordinator}"  # host:port

# The authority's key, as it published it: `sluis-covenant verifier` prints the line.
authority = "{authority}"
covenant = "covenant.note"

signing_key = "signing.pem"
sealing_key = "sealing.key"
storage_key = "storage.key"  # encrypts the share in the database
database = "keyholder.sqlite"

log = "text"  # or "json"

[tls]
certificate = "tls/certificate.pem"  # its subject's serialNumber is the OIN
key = "tls/key.pem"
authorities = "tls/authorities.pem"
"""


class KeyHolderSettings(PartySettings):
    """keyholder.toml."""

    coordinator: Annotated[str, Field(pattern=r"^([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$")]
    sealing_key: FilePath
    storage_key: FilePath


def init_folder(folder: Path, *, oin: str, name: str, coordinator: str, authority: str) -> Card:
    """Make what a key holder needs, and its card. Keys that are there already are kept, so it can be run again."""
    if authority:
        Verifier.parse(authority)
    config = folder / "keyholder.toml"
    content = _SAMPLE.format(oin=oin, coordinator=coordinator, authority=authority)
    if config.exists() and config.read_text() != content:
        raise ConfigError(
            "this folder belongs to a key holder already", do="edit its configuration, or choose another", file=config
        )
    make_folder(folder)
    make_folder(folder / "tls")
    signing, sealing, storage = (folder / file for file in ("signing.pem", "sealing.key", "storage.key"))
    key = keyfiles.read_signing_key(signing) if signing.exists() else keyfiles.new_signing_key(signing)
    seal = keyfiles.read_sealing_key(sealing) if sealing.exists() else keyfiles.new_sealing_key(sealing)
    if not storage.exists():
        keyfiles.new_storage_key(storage)
    card = make_card(Role.HOLDER, oin, name, key, sealing_key=seal.public())
    write_atomically(folder / "card.json", card.serialise())
    write_atomically(config, content)
    try:
        KeyHolderSettings.load(config)
    except ConfigError:
        config.unlink()
        raise
    return card
