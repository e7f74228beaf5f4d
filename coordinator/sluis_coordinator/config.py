"""The coordinator's folder: its configuration, its signing key and its card."""

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
# The coordinator of Sluis. Paths start at this file's folder.

oin = "{oin}"
listen = "{listen}"  # port 0 picks a free one and says so on standard output

# The authority's key, as it published it: `sluis-covenant verifier` prints the line.
authority = "{authority}"
covenant = "covenant.note"

signing_key = "signing.pem"
database = "coordinator.sqlite"
rounds = "rounds"  # tags of the rounds that collect or join; nothing stays there

# Purposes for which rounds are announced by the covenant's schedule; others by `sluis-coordinator rounds announce`.
announce = []
# Purposes for which periods of the national totals are opened by it; others by `sluis-coordinator totals open`.
totals = []
# tick_seconds = 1.0     # how often is looked what is due
# grace_seconds = 10.0   # how long running calls may take to finish when the server stops
# join_memory = "1GB"    # what the join may use before it goes to disk

log = "text"  # or "json"

[tls]
certificate = "tls/certificate.pem"  # its subject's serialNumber is the OIN
key = "tls/key.pem"
authorities = "tls/authorities.pem"
"""


class CoordinatorSettings(PartySettings):
    """coordinator.toml."""

    listen: Annotated[str, Field(pattern=r"^([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$")]
    rounds: FilePath
    announce: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()
    tick_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    grace_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0
    join_memory: Annotated[str, Field(pattern=r"^[0-9]+(MB|GB)$")] = "1GB"


def init_folder(folder: Path, *, oin: str, name: str, listen: str, authority: str) -> Card:
    """Make what the coordinator needs, and its card. A key that is there already is kept, so it can be run again."""
    if authority:
        Verifier.parse(authority)
    config = folder / "coordinator.toml"
    content = _SAMPLE.format(oin=oin, listen=listen, authority=authority)
    if config.exists() and config.read_text() != content:
        raise ConfigError(
            "this folder belongs to a coordinator already", do="edit its configuration, or choose another", file=config
        )
    make_folder(folder)
    make_folder(folder / "tls")
    signing = folder / "signing.pem"
    key = keyfiles.read_signing_key(signing) if signing.exists() else keyfiles.new_signing_key(signing)
    card = make_card(Role.COORDINATOR, oin, name, key)
    write_atomically(folder / "card.json", card.serialise())
    write_atomically(config, content)
    try:
        CoordinatorSettings.load(config)
    except ConfigError:
        config.unlink()
        raise
    return card
