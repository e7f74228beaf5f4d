"""A ceremony's board as a folder: shared, or carried from holder to holder on a stick.

`ceremony.json` opens it; each message is a file of its own, written once and never changed. What the messages come to
is `sluis_protocol.board`; nothing is trusted here.
"""

from __future__ import annotations

from pathlib import Path

from sluis_protocol import wire
from sluis_protocol.board import Board
from sluis_protocol.bulletin import AFRESH, Ceremony, Opening, file_name
from sluis_protocol.errors import CeremonyFault, ConfigError, MalformedMessage
from sluis_protocol.signed import Kind, SignedMessage

from .files import make_folder, read_bytes, read_text, write_atomically

OPENING = "ceremony.json"
_MOST = 4_194_304


def open_board(folder: Path, opening: Opening) -> Opening:
    """Start a ceremony in a folder. Where the same one was opened before, that opening stays and is returned."""
    make_folder(folder, mode=0o777)  # for all holders, as far as the umask allows
    if (folder / OPENING).exists():
        there = read_opening(folder)
        Ceremony.of(there).check_same_key(opening.terms)
        return there
    if found := sorted(path.name for path in folder.glob("*.msg")):
        raise ConfigError(
            f"the folder has messages of another ceremony ({found[0]})", do="choose an empty folder", folder=folder
        )
    write_atomically(folder / OPENING, opening.serialise())
    return opening


def read_opening(folder: Path) -> Opening:
    """What the ceremony in this folder is about."""
    path = folder / OPENING
    if not path.exists():
        raise ConfigError(
            "no ceremony was opened in this folder", do="sluis-covenant ceremony open DRAFT FOLDER", folder=folder
        )
    return Opening.parse(read_text(path, most=_MOST, what="the ceremony's opening"))


def read_board(folder: Path, ceremony: Ceremony) -> Board:
    """All messages that are there."""
    deals, verdicts, replies = (_read_all(folder, kind, ceremony) for kind in (Kind.DEAL, Kind.VERDICT, Kind.REPLY))
    return Board(deals, verdicts, replies)


def _read_all(folder: Path, kind: Kind, ceremony: Ceremony) -> dict[int, SignedMessage]:
    paths = {index: folder / file_name(kind, index) for index in ceremony.holders}
    return {index: _read(path) for index, path in paths.items() if path.exists()}


def _read(path: Path) -> SignedMessage:
    try:
        return wire.decode(SignedMessage, read_bytes(path, most=_MOST, what="the message"))
    except MalformedMessage as error:
        raise MalformedMessage(
            f"the message can't be read: {error.what}", do="its sender can put it on the board again", file=path.name
        ) from error


def post(folder: Path, kind: Kind, index: int, message: SignedMessage) -> bool:
    """Put a message on the board; False if it is there already. One that differs is never overwritten."""
    path = folder / file_name(kind, index)
    if path.exists():
        if _read(path) != message:
            raise CeremonyFault(
                "the file on the board is not what this key holder put there",
                do=f"remove the file and try again; if it comes back, {AFRESH}",
                file=path.name,
            )
        return False
    write_atomically(path, wire.encode(message))
    return True
