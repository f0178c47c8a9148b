"""The log as RFC 6962 defines it, over a list of leaf hashes: for tests of what computes it in steps; and which
timestamps it records."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.home import Home
from appliance.ledger.timestamp_feeder import TimestampFeeder
from appliance.store.database import Database, Transaction
from hsm.errors import ConsistencyRefused
from hsm.merkle import EMPTY_ROOT, Range, consistency_ranges, frontier, node_hash
from hsm.note import LogExtension


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over *leaves*, which are hashes (section 2.1)."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def extension(leaves: Sequence[bytes], start: int, end: int) -> LogExtension:
    """What makes a log of the first *start* of the *leaves* one of the first *end*."""
    edge = [root_of(leaves[first:last]) for first, last in frontier(0, start)]
    return LogExtension(start, edge, leaves[start:end], root_of(leaves[:end]))


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raises :class:`ConsistencyRefused` unless the new tree begins with all of the old one, unchanged."""
    ranges = consistency_ranges(old_size, new_size)
    if len(proof) != len(ranges):
        raise ConsistencyRefused("The proof must have {count} hashes.", count=len(ranges))
    if old_size == 0:
        held = old_root == EMPTY_ROOT and (new_size > 0 or new_root == EMPTY_ROOT)
    elif old_size == new_size:
        held = old_root == new_root
    else:
        held = _roots(old_size, old_root, ranges, proof) == (old_root, new_root)
    if not held:
        raise ConsistencyRefused(
            "The log of size {new} does not contain the one of {old} unchanged.", old=old_size, new=new_size
        )


def _roots(old_size: int, old_root: bytes, ranges: Sequence[Range], proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The old and the new root that a consistency proof gives; the old tree itself, if complete, starts it."""
    begins_with_old = ranges[0][0] >= old_size
    seed = old_root if begins_with_old else proof[0]
    old, new = seed, seed
    rest = list(zip(ranges, proof, strict=True))[0 if begins_with_old else 1 :]
    for (start, _), sibling in rest:
        if start < old_size:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    return old, new


def with_timestamps(home: Home) -> Database:
    """The database of *home*, once its log has what the timestamp service has issued by now."""
    database = Database(home.database)
    TimestampFeeder(database, home.timestamp_spool).run_once()
    return database


def entry_of_timestamp(tx: Transaction, serial: int) -> int | None:
    """The number of the entry that records the timestamp with *serial*; None when it is not one of ours."""
    return tx.value(int, "SELECT entry FROM timestamps WHERE serial = ?", (serial.to_bytes(20),))


def count_timestamps(tx: Transaction) -> int:
    """How many timestamps were issued."""
    return tx.count("SELECT count(*) FROM timestamps")
