"""The authority's memory of the log: what extends it is signed, what rewrites it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from hsm.checkpoint import verify_checkpoint
from hsm.errors import BadRequest, ConsistencyRefused
from hsm.merkle import EMPTY_ROOT, consistency_ranges, leaf_hash, node_hash, range_hash
from hsm.note import NoteKey
from hsm.store.database import Database
from hsm.store.log import CheckpointMemory, RememberedCheckpoint
from hsm.witness import CheckpointWitness

PRIVATE = ed25519.Ed25519PrivateKey.generate()
KEY = NoteKey.of("log.vermilion.example", PRIVATE.public_key())


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[CheckpointMemory]:
    database = Database(tmp_path / "authority.db")
    yield CheckpointMemory(database)
    database.close()


def root(size: int, *, of: bytes = b"entry") -> bytes:
    return range_hash(0, size, lambda start, end: _subtree(start, end, of))


def proof(old: int, new: int) -> list[bytes]:
    ranges = consistency_ranges(old, new)
    return [range_hash(*each, lambda start, end: _subtree(start, end, b"entry")) for each in ranges]


def _subtree(start: int, end: int, of: bytes) -> bytes:
    if end - start == 1:
        return leaf_hash(of + bytes([start]))
    middle = (start + end) // 2
    return node_hash(_subtree(start, middle, of), _subtree(middle, end, of))


def test_a_growing_log_is_signed(memory: CheckpointMemory) -> None:
    witness = CheckpointWitness(memory, KEY, PRIVATE.sign)
    sizes = [0, 1, 1, 3, 7, 8, 20]
    previous = 0
    for size in sizes:
        note = witness.sign(size, root(size), proof(previous, size))
        assert verify_checkpoint(note, KEY).root == root(size)
        assert memory.last() == RememberedCheckpoint(size, root(size))
        previous = size


def test_a_rewritten_log_is_refused_and_the_memory_stays(memory: CheckpointMemory) -> None:
    witness = CheckpointWitness(memory, KEY, PRIVATE.sign)
    witness.sign(5, root(5), [])
    for size, new_root, hashes in [
        (8, root(8, of=b"other"), proof(5, 8)),
        (5, root(5, of=b"other"), []),
        (4, root(4), []),
        (0, EMPTY_ROOT, []),
        (8, root(8), []),
    ]:
        with pytest.raises(ConsistencyRefused):
            witness.sign(size, new_root, hashes)
    assert memory.last() == RememberedCheckpoint(5, root(5))


@pytest.mark.parametrize(("size", "new_root"), [(-1, bytes(32)), (1 << 63, bytes(32)), (1, b"short")])
def test_what_is_no_checkpoint(memory: CheckpointMemory, size: int, new_root: bytes) -> None:
    with pytest.raises(BadRequest):
        CheckpointWitness(memory, KEY, PRIVATE.sign).sign(size, new_root, [])
