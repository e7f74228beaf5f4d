"""The share of the key at rest: encrypted under the storage key, and found by the ceremony that made it."""

from __future__ import annotations

from sluis_protocol import group
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import ConfigError, CovenantError, KeyFileError, StorageError
from sluis_protocol.threshold import KeyShare
from sluis_runtime.database import transaction
from sqlalchemy import Engine, insert, select

from ..vault import Vault
from . import tables


class Shares:
    """This holder's shares, one for each ceremony that it took part in."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def store(self, transcript: bytes, share: KeyShare) -> None:
        """Keep a share. The same one again changes nothing; another one for the same ceremony can't be: refused."""
        if (there := self.find(transcript)) is not None:
            if there != share:
                raise StorageError("another share of this ceremony is stored already", ceremony=transcript.hex()[:12])
            return
        sealed = self._vault.seal(share.secret, table="shares", column="secret", row=_row(transcript, share.index))
        with transaction(self._engine) as connection:
            connection.execute(insert(tables.shares).values(transcript=transcript, holder=share.index, secret=sealed))

    def find(self, transcript: bytes) -> KeyShare | None:
        """The share that a ceremony gave; raise StorageError if it can't be decrypted."""
        query = select(tables.shares.c.holder, tables.shares.c.secret).where(tables.shares.c.transcript == transcript)
        with transaction(self._engine) as connection:
            found = connection.execute(query).one_or_none()
        if found is None:
            return None
        row = _row(transcript, found.holder)
        return KeyShare(found.holder, self._vault.open(found.secret, table="shares", column="secret", row=row))

    def of_covenant(self, covenant: Covenant, oin: str) -> KeyShare:
        """This holder's share of the covenant's key.

        1. the OIN is a holder of the covenant; 2. there is a share of the ceremony that the covenant names;
        3. it is the secret of the K_i that the covenant has for this holder.
        """
        holder = covenant.holder_by_oin(oin)
        if covenant.terms.ceremony is None:
            raise CovenantError("there is no joint key yet", do="hold the key ceremony first")
        share = self.find(bytes.fromhex(covenant.terms.ceremony))
        if share is None:
            raise ConfigError(
                "this key holder has no share of the covenant's key",
                do="run `sluis-node keyholder ceremony` on that ceremony's board once more, with the same storage key",
                ceremony=covenant.terms.ceremony[:12],
            )
        public = covenant.joint_key.shares[holder.index]
        if share.index != holder.index or group.base_multiply(share.secret) != public:
            raise KeyFileError(
                "the stored share doesn't belong to the covenant's key", do="ask the covenant authority", party=oin
            )
        return share


def _row(transcript: bytes, index: int) -> bytes:
    return transcript + bytes([index])
