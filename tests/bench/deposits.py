"""Batches of deposits by the scheduler's rounds, beside nothing but their timestamps and commits; certificates;
and whether a file was deposited, among more and more deposits."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from appliance.demonstration.participants import ZHANG
from appliance.ownership import DepositOrder
from appliance.store.database import Transaction
from appliance.wiring import Appliance
from hsm.timestamp import parse_token
from tests.bench.bulk import TOKEN
from tests.bench.measure import Figure, median, milliseconds_of
from tests.deposits import file_of, work
from tests.world import shared_world

SIZES = (20, 200, 1000)
FOUND_AMONG = (10_000, 100_000, 1_000_000)
"""Files that are deposited already; a look-up has to take the same time among all of them."""


def figures() -> list[Figure]:
    """Milliseconds for each deposit of a batch, for a certificate, and for a look-up."""
    with shared_world() as world, world.opened() as appliance:
        batches = {size: _batch(appliance, size) for size in SIZES}
        floor = _milliseconds(lambda: _bare(appliance, SIZES[0])) / SIZES[0]
        newest = iter(appliance.ownership.of_person(ZHANG.subject, limit=7))
        made = milliseconds_of(lambda: appliance.ownership.certificate(next(newest)), times=6)
        found = {count: median(_found(appliance, count)) for count in FOUND_AMONG}
    each = {size: taken / size for size, (_, taken) in batches.items()}
    return [
        Figure(
            "deposits of a batch of 1,000, each", "ms", each[1000], smaller_is_better=True, target=20.0,
            floor=floor, floor_of="a timestamp and a commit",
            growth={f"{size} deposits": taken for size, taken in each.items()},
        ),
        Figure(
            "check a batch of 1,000 deposits", "ms", batches[1000][0], smaller_is_better=True, target=2000.0,
            growth={f"{size} deposits": checked for size, (checked, _) in batches.items()},
        ),
        Figure("make a certificate of a deposit", "ms", median(made), rounds=made, smaller_is_better=True),
        Figure(
            "look up a deposited file among 1,000,000", "ms", found[1_000_000], smaller_is_better=True, target=2.0,
            growth={f"{count} files": taken for count, taken in found.items()},
        ),
    ]  # fmt: skip


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _batch(appliance: Appliance, size: int) -> tuple[float, float]:
    """What checking and making take."""
    files = tuple(file_of(f"{size}/{number:04}.jpg", b"%d %d" % (size, number)) for number in range(size))
    batches, order = appliance.deposit_batches, DepositOrder("照片", files, work())
    checked = _milliseconds(lambda: batches.check_files(order, by=ZHANG.subject))
    batch = batches.keep(batches.check_files(order, by=ZHANG.subject), by=ZHANG.subject)
    taken = _milliseconds(lambda: batches.run_round(600))
    if batches.progress(batch.id, by=ZHANG.subject).made != size:
        raise RuntimeError(f"not all {size} were deposited")
    return checked, taken


def _bare(appliance: Appliance, size: int) -> None:
    """So many timestamps, each kept in a table of its own by a commit."""
    timestamps = appliance.ownership._backend.timestamps
    appliance.database.commit(lambda tx: tx.execute("CREATE TABLE bare (token BLOB NOT NULL) STRICT"))
    for number in range(size):
        token = timestamps.issue_token(hashlib.sha256(b"%d" % number).digest())
        parse_token(token)
        with appliance.database.transaction() as tx:
            tx.insert("bare", {"token": token})
    appliance.database.commit(lambda tx: tx.execute("DROP TABLE bare"))


def _found(appliance: Appliance, count: int) -> tuple[float, ...]:
    """The same look-up among *count* files; what is missing of them is added first, a hundred in a deposit."""
    appliance.database.commit(_add, count)
    digest = _digest(count // 2 + 7)
    found = appliance.ownership.of_digest(digest)
    if len(found) != 1:
        raise RuntimeError("the file was not found")
    return milliseconds_of(lambda: appliance.ownership.of_digest(digest), times=200)


def _add(tx: Transaction, count: int) -> None:
    there = tx.count("SELECT count(*) FROM deposits WHERE id LIKE 'bulk-%'")
    numbers = range(there, count // 100)
    at = "2026-11-01T00:00:00Z"
    tx.executemany(
        "INSERT INTO deposits (id, depositor, organisation, title, digest, files, at, token, entry)"
        " VALUES (?, ?, 'x', '示例', ?, 100, ?, ?, 0)",
        ((f"bulk-{each}", ZHANG.subject, _digest(-each - 1), at, TOKEN) for each in numbers),
    )
    tx.executemany(
        "INSERT INTO deposit_files (deposit, place, name, digest) VALUES (?, ?, '示例.jpg', ?)",
        ((f"bulk-{each}", place, _digest(each * 100 + place)) for each in numbers for place in range(100)),
    )


def _digest(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()
