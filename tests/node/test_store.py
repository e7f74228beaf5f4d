"""The store: what was agreed stays agreed, states change once, and the schema is what the migrations make."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sluis_node.round.ledger import ClaimState, Ledger
from sluis_node.round.own_round import NewRound, RoundState, Submitted
from sluis_node.store import Store
from sluis_node.tables import metadata
from sluis_node.vault import Vault
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import CovenantError, KeyFileError, Replayed, StorageError
from sluis_protocol.signed import Kind, SignedMessage

from ..world import AUTHORITY, COORDINATOR, World, make_world, member_oin
from .rig import announced, receipt_for, sign_as

KEY = bytes(32)
OIN = member_oin(1)
ROUND = "r20260101t000000z-0000000000000000"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture
def store(tmp_path: Path, world: World) -> Iterator[Store]:
    store = Store.open(tmp_path / "node.sqlite", Vault.of(KEY, os.urandom))
    store.accept_covenant(world.covenant)
    yield store
    store.close()


def new(world: World) -> NewRound:
    return NewRound(ROUND, "jeugd", announced(world, ROUND), NOW, NOW + timedelta(hours=1))


def version(world: World, number: int, **changes: object) -> Covenant:
    terms = world.covenant.terms.model_copy(update={"version": number, **changes})
    return Covenant.sign(terms, AUTHORITY, world.authority_key)


def test_the_migrations_make_the_tables(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_covenant_is_never_rolled_back(store: Store, world: World) -> None:
    third = version(world, 3)
    store.accept_covenant(third)
    store.accept_covenant(third)
    for older in (world.covenant, version(world, 2)):
        with pytest.raises(CovenantError, match="older than version 3"):
            store.accept_covenant(older)
    with pytest.raises(CovenantError, match="two different covenants with version 3"):
        store.accept_covenant(version(world, 3, valid_until=date(2098, 1, 1)))
    with pytest.raises(CovenantError, match="another-covenant"):
        store.accept_covenant(version(world, 4, id="another-covenant"))
    assert store.covenant_note(world.covenant.hash) == world.covenant.note


def test_a_round_keeps_its_seed_and_its_announcement(store: Store, world: World) -> None:
    own, seed = store.join_round(new(world), b"1" * 32)
    assert (own.state, seed) == (RoundState.JOINED, b"1" * 32)
    assert store.join_round(new(world), b"2" * 32) == (own, b"1" * 32)
    other = sign_as(world, COORDINATOR, Kind.ANNOUNCEMENT, b"another", ROUND)
    with pytest.raises(Replayed, match="a second time"):
        store.join_round(replace(new(world), announcement=other), b"3" * 32)


def test_a_finished_round_does_not_return(store: Store, world: World) -> None:
    store.join_round(new(world), bytes(32))
    assert store.tidy(NOW + timedelta(hours=1)) == [ROUND]
    assert store.tidy(NOW + timedelta(hours=1)) == []
    with pytest.raises(Replayed, match="is over"):
        store.join_round(new(world), bytes(32))


def test_a_submission_is_stored_once(store: Store, world: World) -> None:
    store.join_round(new(world), bytes(32))
    submitted = Submitted(64, 64, 25, b"c" * 32)
    receipt = receipt_for(world, "commitment", submitted.commitment, ROUND)
    assert not store.mark_submitted(ROUND, receipt, OIN)
    assert store.prepare_submission(ROUND, submitted, b"rows", {})
    assert not store.prepare_submission(ROUND, submitted, b"others", {})
    assert store.packed_rows(ROUND) == b"rows"
    assert store.join_round(new(world), bytes(32))[1] is None
    assert store.mark_submitted(ROUND, receipt, OIN)
    assert not store.mark_submitted(ROUND, receipt, OIN)


def test_a_claim_is_settled_once(store: Store, world: World) -> None:
    store.join_round(new(world), bytes(32))
    ledger = Ledger(store.engine, store.vault, os.urandom)
    with store.transaction() as connection:
        ledger.record_claim(
            connection,
            candidate_id=b"c" * 16,
            round_id=ROUND,
            counterpart="0" * 20,
            said=b"",
            answer=SignedMessage(b"body", bytes(64)),
            answered=None,
        )
    receipt = receipt_for(world, "confirmation", bytes(32), ROUND)
    ledger.sent(b"c" * 16, receipt, OIN)
    assert ledger.counts() == {ClaimState.SENT: 1}
    with store.transaction() as connection:
        assert ledger.settle(connection, b"c" * 16, ClaimState.UNCONFIRMED)
        assert not ledger.settle(connection, b"c" * 16, ClaimState.MATCHED)
    ledger.sent(b"c" * 16, receipt, OIN)
    assert ledger.counts(ROUND) == {ClaimState.UNCONFIRMED: 1}


def test_a_reference_is_fixed_for_a_family_and_a_counterpart(store: Store) -> None:
    ledger = Ledger(store.engine, store.vault, os.urandom)
    with store.transaction() as connection:
        one = ledger.reference(connection, "jeugd", "G1", "0" * 20)
        assert ledger.reference(connection, "jeugd", "G1", "0" * 20) == one
        others = [
            ledger.reference(connection, "jeugd", "G2", "0" * 20),
            ledger.reference(connection, "jeugd", "G1", "1" * 20),
            ledger.reference(connection, "wmo", "G1", "0" * 20),
        ]
    assert len({one, *others}) == 4


def test_the_wrong_storage_key_is_said_at_once(tmp_path: Path, store: Store) -> None:
    """Otherwise old fields would be lost, and new ones mixed with them, before anybody sees it."""
    assert not store.all_rounds()
    with pytest.raises(KeyFileError, match="another storage key") as caught:
        Store.open(tmp_path / "node.sqlite", Vault.of(b"k" * 32, os.urandom))
    assert "storage_key" in caught.value.do
    Store.open(tmp_path / "node.sqlite", Vault.of(KEY, os.urandom)).close()


def test_many_programs_open_a_new_database_at_once(tmp_path: Path) -> None:
    def take(_: int) -> int:
        store = Store.open(tmp_path / "new.sqlite", Vault.of(KEY, os.urandom))
        try:
            return len(store.all_rounds())
        finally:
            store.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(take, range(8))) == [0] * 8


def test_nothing_is_half_written(store: Store, world: World) -> None:
    """A full disk, or anything else: all of a transaction, or none."""
    store.join_round(new(world), bytes(32))

    def fill_the_disk() -> None:
        with store.transaction() as connection:
            assert store.move(connection, ROUND, [RoundState.JOINED], RoundState.READY)
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
            connection.exec_driver_sql("CREATE TABLE big AS SELECT zeroblob(100000)")

    with pytest.raises(StorageError):
        fill_the_disk()
    found = store.round(ROUND)
    assert found
    assert found.state is RoundState.JOINED
