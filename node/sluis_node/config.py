"""A node's folder: its configuration, its keys and its card. Opens no connection."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field
from sluis_protocol.card import Card, Role, make_card
from sluis_protocol.errors import ConfigError, InputError
from sluis_protocol.note import Verifier
from sluis_runtime import keyfiles
from sluis_runtime.config import FilePath, PartySettings
from sluis_runtime.files import write_atomically

from .console.settings import ConsoleSettings
from .handshake.settings import ContactSettings
from .notify.settings import NotifySettings
from .processing.settings import ProcessingSettings
from .retention.settings import RetentionSettings

OIN = r"^[0-9]{20}$"
MUNICIPALITY = r"^GM[0-9]{4}$"
ADDRESS = r"^([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$"
_SAMPLE = """\
# A municipality's node. Paths start at this file; SLUIS_ and a setting's name in the environment win over it.

oin = "{oin}"                       # who we are; our certificate and the covenant say the same
coordinator = "{coordinator}"       # host:port
covenant = "covenant.note"          # `sluis-node covenant fetch` brings it
authority = "{authority}"           # the covenant authority's verifier line: name+keyid+base64

signing_key = "signing.pem"         # Ed25519: signs what we say
sealing_key = "sealing.key"         # ML-KEM-768 + X25519: opens what is sealed to us
storage_key = "storage.key"         # encrypts personal fields in the database; without it they are lost
database = "node.sqlite"

log = "text"                        # or "json"

[tls]
certificate = "tls/certificate.pem" # the OIN stands in the subject's serialNumber
key = "tls/key.pem"
authorities = "tls/authorities.pem" # who vouches for the coordinator

[processing]
file = "processing.jsonl"           # who processed whose data: the processing log, line by line

# Who is told that there is something, and how long what is kept: docs/privacy.md tells of these, and of more settings.
# [notify]
# console = "https://sluis.example.nl"
# [notify.mail]
# host = "mail.example.nl"
# sender = "sluis@example.nl"
# [notify.mail.to]
# coordinators = ["procescoordinatie@example.nl"]
# [retention]
# matches = 180
"""


class NodeSettings(PartySettings):
    """What node.toml says."""

    coordinator: Annotated[str, Field(pattern=ADDRESS)]
    sealing_key: FilePath
    storage_key: FilePath
    notify: NotifySettings = NotifySettings()
    processing: ProcessingSettings = ProcessingSettings()
    retention: RetentionSettings = RetentionSettings()
    contact: ContactSettings | None = None
    console: ConsoleSettings | None = None


def init_folder(folder: Path, *, oin: str, name: str, municipality: str, coordinator: str, authority: str) -> Card:
    """Make what a node needs, and its card. Keys that are there already are kept, so it can be run again."""
    _check_options(oin, municipality, coordinator)
    if authority:
        Verifier.parse(authority)
    config = folder / "node.toml"
    content = _SAMPLE.format(oin=oin, coordinator=coordinator, authority=authority)
    if config.exists() and config.read_text() != content:
        raise ConfigError(
            "this folder belongs to a node already", do="edit its configuration, or choose another", file=config
        )
    (folder / "tls").mkdir(parents=True, exist_ok=True)
    signing, sealing, storage = (folder / file for file in ("signing.pem", "sealing.key", "storage.key"))
    key = keyfiles.read_signing_key(signing) if signing.exists() else keyfiles.new_signing_key(signing)
    seal = keyfiles.read_sealing_key(sealing) if sealing.exists() else keyfiles.new_sealing_key(sealing)
    if not storage.exists():
        keyfiles.new_storage_key(storage)
    card = make_card(Role.MEMBER, oin, name, key, municipality=municipality, sealing_key=seal.public())
    write_atomically(folder / "card.json", card.serialise())
    write_atomically(config, content)
    return card


def _check_options(oin: str, municipality: str, coordinator: str) -> None:
    """What is wrong is said before anything is made."""
    for option, value, pattern, do in (
        ("--oin", oin, OIN, "give the 20 digits of the municipality's OIN"),
        ("--municipality", municipality, MUNICIPALITY, "give the municipality's code, such as GM0344"),
        ("--coordinator", coordinator, ADDRESS, "give the coordinator's host and port, such as sluis.example.nl:4433"),
    ):
        if not re.fullmatch(pattern, value):
            raise InputError("an option can't be used", do=do, option=option)
