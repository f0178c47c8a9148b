"""The sequencer: places, has signed, has dated; goes on after a crash; refuses a log that was not signed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.errors import LedgerDamaged
from appliance.ledger import LogCheck, LogProofs, Sequencer
from appliance.ledger.check import require_remembered
from appliance.ledger.tree import StoredTree, hashes_of, size_after, subtree_number
from appliance.store import ledger
from appliance.store.database import Database
from hsm.errors import ConsistencyRefused, ModuleUnavailable
from hsm.merkle import leaf_hash, node_hash
from hsm.note import MOST_LEAVES, verify_checkpoint
from hsm.timestamp import verify_token
from tests.ledger.local_authority import LocalAuthority
from tests.log import extension

Grow = Callable[[int], None]


def root_of(leaves: list[bytes]) -> bytes:
    """The definition (RFC 6962, 2.1), as it stands there."""
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def test_subtrees_are_numbered_as_they_become_complete() -> None:
    expected = 0
    for last in range(200):
        width = 1
        while (last + 1) % width == 0:
            assert subtree_number(last + 1 - width, last + 1) == expected
            expected += 1
            width *= 2
        assert hashes_of(last + 1) == expected
        assert size_after(expected - 1) == last + 1


def test_a_tree_that_ends_inside_an_entry_is_damaged() -> None:
    whole = {hashes_of(size) - 1 for size in range(100)}
    for last in range(150):
        if last not in whole:
            with pytest.raises(LedgerDamaged):
                size_after(last)


def test_every_root_is_that_of_the_definition(database: Database, sequencer: Sequencer, grow: Grow) -> None:
    grow(70)
    checkpoint = sequencer.run_once()
    assert checkpoint is not None
    with database.reading() as tx:
        leaves = ledger.leaves(tx, 0, 70)
        for size in range(1, 71):
            assert StoredTree(tx).root(size) == root_of(leaves[:size])
    assert (checkpoint.size, checkpoint.root) == (70, root_of(leaves))


def test_a_checkpoint_is_signed_and_dated(local: LocalAuthority, sequencer: Sequencer, grow: Grow) -> None:
    grow(3)
    checkpoint = sequencer.run_once()
    assert checkpoint is not None
    stated = verify_checkpoint(checkpoint.note, local.key)
    assert (stated.size, stated.root) == (3, checkpoint.root)
    digest = hashlib.sha256(checkpoint.note).digest()
    info = verify_token(checkpoint.token, digest=digest, certificate=local.tsa.certificate)
    assert abs(datetime.now(UTC) - info.gen_time) < timedelta(minutes=1)
    assert checkpoint.stamp == 3


def test_its_own_timestamp_alone_is_no_news(sequencer: Sequencer, grow: Grow) -> None:
    assert sequencer.run_once() is None
    grow(1)
    first = sequencer.run_once()
    assert first is not None
    assert sequencer.run_once() is None
    assert sequencer.run_once() is None
    grow(1)
    second = sequencer.run_once()
    assert second is not None
    assert (first.size, second.size) == (1, 3)
    assert sequencer.run_once() is None


def test_more_entries_than_one_transaction_takes_are_placed_in_one_run(
    database: Database, local: LocalAuthority, sequencer: Sequencer, grow: Grow
) -> None:
    """Nor does one request to the authority: what it signs on the way is not published, and may be the last."""
    grow(5)
    sequencer.run_once()
    grow(MOST_LEAVES + 500)
    local.checkpoints_left = 1
    with pytest.raises(ModuleUnavailable):
        sequencer.run_once()
    local.checkpoints_left = None
    checkpoint = sequencer.run_once()
    assert checkpoint is not None
    assert checkpoint.size == MOST_LEAVES + 506
    assert LogCheck(database, local).check().checkpoints == 2


def test_what_was_signed_and_then_lost_is_extended(
    database: Database, local: LocalAuthority, sequencer: Sequencer, grow: Grow
) -> None:
    grow(5)
    sequencer._place()  # a crash between the authority's signature and our commit
    with database.reading() as tx:
        local.checkpoint(StoredTree(tx).extension(0, 5))
    again = sequencer.run_once()
    assert again is not None
    assert again.size == 5
    grow(4)
    later = sequencer.run_once()
    assert later is not None
    assert later.size == 10


def test_entries_wait_while_the_hsm_is_gone(local: LocalAuthority, sequencer: Sequencer, grow: Grow) -> None:
    grow(2)
    local.failure = ModuleUnavailable("The HSM does not answer.")
    with pytest.raises(ModuleUnavailable):
        sequencer.run_once()
    local.failure = None
    checkpoint = sequencer.run_once()
    assert checkpoint is not None
    assert checkpoint.size == 2


def test_the_authority_refuses_a_rewritten_log(local: LocalAuthority, sequencer: Sequencer, grow: Grow) -> None:
    grow(5)
    sequencer.run_once()
    with pytest.raises(ConsistencyRefused):
        local.checkpoint(extension([leaf_hash(bytes([each])) for each in range(9)], 5, 9))


def test_a_restored_older_database_is_refused(
    tmp_path: Path, database: Database, local: LocalAuthority, sequencer: Sequencer, grow: Grow
) -> None:
    grow(5)
    sequencer.run_once()
    older = tmp_path / "older.db"
    with closing(sqlite.connect(database.path)) as connection:
        connection.execute("VACUUM INTO ?", (str(older),))
    grow(5)
    sequencer.run_once()
    restored = Database(older)
    with pytest.raises(LedgerDamaged, match="older than the authority"):
        require_remembered(restored, local)
    with pytest.raises(LedgerDamaged):
        LogCheck(restored, local).check()


def test_a_restored_older_authority_is_refused(tmp_path: Path, database: Database, grow: Grow) -> None:
    (tmp_path / "a").mkdir()
    local = LocalAuthority(tmp_path / "a")
    grow(5)
    Sequencer(database, local).run_once()
    (tmp_path / "b").mkdir()
    with pytest.raises(LedgerDamaged, match="is older than the log"):
        require_remembered(database, LocalAuthority(tmp_path / "b"))
    shutil.rmtree(tmp_path / "b")


def test_a_fork_of_the_log_is_refused(
    tmp_path: Path, local: LocalAuthority, sequencer: Sequencer, grow: Grow
) -> None:
    grow(6)
    sequencer.run_once()
    other = Database(tmp_path / "other.db")
    with other.transaction() as tx:
        ledger.append(tx, [b"forged %d" % number for number in range(9)])
    with pytest.raises(LedgerDamaged, match="not the one that the authority signed"):
        Sequencer(other, local).run_once()
    assert LogProofs(other).latest() is None
