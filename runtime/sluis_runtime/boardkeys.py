"""The board's key pair: the public part on a card for the covenant authority, the private part encrypted at rest.

scrypt of a passphrase, then AES-256-GCM. Without the passphrase or the file no sum can be opened any more; then the
board makes a new key and the authority a new covenant. No I/O but these two files.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import Field, ValidationError
from sluis_protocol.covenant import problems
from sluis_protocol.encoding import domain
from sluis_protocol.errors import InputError, KeyFileError
from sluis_protocol.paillier import LEAST_BITS, BoardSecret, generate
from sluis_protocol.strict import Strict, base64_of
from sluis_protocol.totals_terms import BoardCard

from .files import make_folder, write_atomically
from .keyfiles import read_secret, write_secret

SECRET_FILE, CARD_FILE = "board.key", "board-card.json"
LEAST_PASSPHRASE = 12
_COST = 1 << 17  # 128 MB and some tenths of a second for each try
_SALT, _NONCE = 16, 12


class _Sealed(Strict):
    """board.key."""

    format: Literal["sluis-board-secret/1"] = "sluis-board-secret/1"
    cost: Annotated[int, Field(ge=1 << 14, le=1 << 22)]
    salt: Annotated[str, base64_of(_SALT)]
    nonce: Annotated[str, base64_of(_NONCE)]
    sealed: Annotated[str, base64_of(64, 8192)]


def new_keys(folder: Path, name: str, passphrase: str, *, bits: int = LEAST_BITS) -> BoardCard:
    """Make the key pair in a folder; the card. Raises KeyFileError if there is one, InputError for a bad option."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise InputError(f"the passphrase has fewer than {LEAST_PASSPHRASE} characters", do="use some random words")
    make_folder(folder)
    if (folder / SECRET_FILE).exists():
        raise KeyFileError("there is a key already", do="keep it, or choose another folder", file=folder / SECRET_FILE)
    secret = generate(bits)
    card = card_of(secret, name)
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    plain = json.dumps({"p": str(secret.p), "q": str(secret.q)}).encode()
    sealed = AESGCM(_derive(passphrase, salt, _COST)).encrypt(nonce, plain, domain("board secret"))
    content = _Sealed(cost=_COST, salt=_text(salt), nonce=_text(nonce), sealed=_text(sealed))
    write_secret(folder / SECRET_FILE, content.model_dump_json(indent=2).encode() + b"\n")
    write_atomically(folder / CARD_FILE, card.model_dump_json(indent=2) + "\n")
    return card


def card_of(secret: BoardSecret, name: str) -> BoardCard:
    """The public part with its proof."""
    key = secret.public
    try:
        return BoardCard(name=name, modulus=_text(key.modulus.to_bytes(key.size, "big")), proof=_text(secret.prove()))
    except ValidationError as error:
        raise InputError(f"no card can be made: {problems(error)}", do="correct these options") from error


def read_secret_key(folder: Path, passphrase: str) -> BoardSecret:
    """The private key; KeyFileError if the passphrase is another, or the file was altered."""
    path = folder / SECRET_FILE
    raw = read_secret(path)
    try:
        content = _Sealed.model_validate_json(raw)
        key = _derive(passphrase, base64.b64decode(content.salt), content.cost)
        nonce, sealed = base64.b64decode(content.nonce), base64.b64decode(content.sealed)
        numbers = json.loads(AESGCM(key).decrypt(nonce, sealed, domain("board secret")))
    except ValidationError as error:
        do = "restore it from its copy"
        raise KeyFileError(f"this is no board key: {problems(error)}", do=do, file=path) from error
    except InvalidTag as error:
        do = "try again; if it is lost, make a new key for the next covenant"
        raise KeyFileError("the passphrase is another one, or the file was altered", do=do, file=path) from error
    return BoardSecret(int(numbers["p"]), int(numbers["q"]))


def _derive(passphrase: str, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase.encode())


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
