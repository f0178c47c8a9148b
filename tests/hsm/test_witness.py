"""The authority's memory of the log: it signs roots that it computed, from where it signed last."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from hsm.errors import BadRequest, ConsistencyRefused
from hsm.merkle import EMPTY_ROOT, leaf_hash
from hsm.note import MOST_LEAVES, LogExtension, NoteKey, verify_checkpoint
from hsm.operation_types import SignedCheckpoint
from hsm.operations.services import CheckpointWitness
from hsm.store.database import AuthorityDatabase
from hsm.store.log import CheckpointStore
from tests.log import extension, root_of

PRIVATE = ed25519.Ed25519PrivateKey.generate()
KEY = NoteKey.from_public_key("log.vermilion.example", PRIVATE.public_key())
LEAVES = [leaf_hash(b"entry" + bytes([number])) for number in range(40)]
OTHERS = [leaf_hash(b"other" + bytes([number])) for number in range(40)]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[CheckpointStore]:
    database = AuthorityDatabase(tmp_path / "authority.db")
    yield CheckpointStore(database)
    database.close()


@pytest.fixture
def witness(memory: CheckpointStore) -> CheckpointWitness:
    return CheckpointWitness(memory, KEY, PRIVATE.sign)


def test_a_growing_log_is_signed_whatever_the_steps(memory: CheckpointStore, witness: CheckpointWitness) -> None:
    previous = 0
    for size in (0, 1, 1, 3, 7, 8, 20, 40):
        note = witness.sign_extension(extension(LEAVES, previous, size))
        assert verify_checkpoint(note, KEY).root == root_of(LEAVES[:size])
        assert memory.last() == SignedCheckpoint(size, root_of(LEAVES[:size]))
        previous = size


def test_every_step_from_every_size(tmp_path: Path) -> None:
    for start in range(18):
        database = AuthorityDatabase(tmp_path / f"{start}.db")
        memory = CheckpointStore(database)
        memory.remember(SignedCheckpoint(start, root_of(LEAVES[:start])))  # all that there was
        CheckpointWitness(memory, KEY, PRIVATE.sign).sign_extension(extension(LEAVES, start, start + 17))
        assert memory.last() == SignedCheckpoint(start + 17, root_of(LEAVES[: start + 17]))
        database.close()


def test_what_was_done_may_be_asked_for_again(memory: CheckpointStore, witness: CheckpointWitness) -> None:
    """The answer may be lost on its way, or the log's own commit: the same request then gives the same note."""
    for start, end in ((0, 5), (5, 12)):
        note = witness.sign_extension(extension(LEAVES, start, end))
        assert witness.sign_extension(extension(LEAVES, start, end)) == note
    assert witness.sign_extension(extension(LEAVES, 12, 12)) == note
    assert memory.last() == SignedCheckpoint(12, root_of(LEAVES[:12]))


REWRITTEN = {
    "another log": extension(OTHERS, 0, 8),
    "another log from the size that was signed": extension(OTHERS, 5, 8),
    "the same size with another entry": extension([*LEAVES[:4], OTHERS[4]], 0, 5),
    "a fork from a smaller size": extension([*LEAVES[:3], *OTHERS[3:]], 3, 8),
    "back to a smaller size": extension(LEAVES, 3, 3),
    "back to nothing": extension(LEAVES, 0, 0),
    "a gap": extension(LEAVES, 6, 8),
    "an invented edge over the size that was signed": LogExtension(
        5, OTHERS[:2], LEAVES[5:8], extension(LEAVES, 5, 8).root
    ),
    "another root than that of the leaves": dataclasses.replace(extension(LEAVES, 5, 8), root=bytes(32)),
    "leaves in another order": dataclasses.replace(extension(LEAVES, 5, 8), leaves=LEAVES[7:4:-1]),
}


@pytest.mark.parametrize("asked", REWRITTEN.values(), ids=REWRITTEN.keys())
def test_a_rewritten_log_is_refused_and_the_memory_stays(
    memory: CheckpointStore, witness: CheckpointWitness, asked: LogExtension
) -> None:
    witness.sign_extension(extension(LEAVES, 0, 3))
    witness.sign_extension(extension(LEAVES, 3, 5))
    with pytest.raises(ConsistencyRefused):
        witness.sign_extension(asked)
    assert memory.last() == SignedCheckpoint(5, root_of(LEAVES[:5]))


@pytest.mark.parametrize("size", [1 << 40, 1 << 62, (1 << 62) - 1, (1 << 63) - 1, 1 << 63, -1])
def test_no_size_is_reached_without_its_leaves(
    memory: CheckpointStore, witness: CheckpointWitness, size: int
) -> None:
    witness.sign_extension(extension(LEAVES, 0, 5))
    edge = [bytes(32)] * max(size, 0).bit_count()
    whole = LogExtension(size, edge, [], bytes(32))
    for root in (bytes(32), root_of(LEAVES[:5]), EMPTY_ROOT):
        with pytest.raises((BadRequest, ConsistencyRefused)):
            witness.sign_extension(dataclasses.replace(whole, root=root))
        with pytest.raises((BadRequest, ConsistencyRefused)):
            witness.sign_extension(
                dataclasses.replace(whole, frontier=[root_of(LEAVES[:5])], root=root_of(LEAVES[:5]))
            )
    assert memory.last() == SignedCheckpoint(5, root_of(LEAVES[:5]))


MALFORMED: dict[str, dict[str, Any]] = {
    "a short leaf": {"leaves": [*LEAVES[5:7], LEAVES[7][:31]]},
    "a long leaf": {"leaves": [*LEAVES[5:7], LEAVES[7] + b"."]},
    "a leaf that is text": {"leaves": [*LEAVES[5:7], "x" * 32]},
    "too many leaves": {"leaves": [LEAVES[0]] * (MOST_LEAVES + 1)},
    "a short hash at the edge": {"frontier": [LEAVES[0], b""]},
    "too few hashes at the edge": {"frontier": [LEAVES[0]]},
    "too many hashes at the edge": {"frontier": LEAVES[:3]},
    "a short root": {"root": b"short"},
    "fewer than no entries": {"start": -1},
    "more than can be": {"start": 1 << 62, "frontier": [LEAVES[0]]},
}


@pytest.mark.parametrize("changed", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_extends_no_log(memory: CheckpointStore, witness: CheckpointWitness, changed: dict[str, Any]) -> None:
    witness.sign_extension(extension(LEAVES, 0, 5))
    with pytest.raises(BadRequest):
        witness.sign_extension(dataclasses.replace(extension(LEAVES, 5, 8), **changed))
    assert memory.last() == SignedCheckpoint(5, root_of(LEAVES[:5]))
