"""Batches of deposits: checked whole, made one by one, each exactly once whatever interrupts the scheduler."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import PreconditionRefused
from appliance.language import Language
from appliance.model.accounts import AccountState
from appliance.model.deposits import BatchedState, Deposit, DepositBatch, DepositedFile
from appliance.ownership import DepositBatches, DepositOrder
from appliance.ownership.orders import MOST_AT_ONCE
from appliance.ownership.tables import CheckedDeposits
from appliance.store import accounts
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.deposits import file_of, filled, work
from tests.ownership.test_certificate import scanned
from tests.ownership.test_deposits import openssl_says
from tests.world import World, shared_world

WORDS = {"kind": "摄影作品", "creation": "独立创作", "holder_kind": "存证人本人"}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


@pytest.fixture(scope="module")
def batches(appliance: Appliance) -> DepositBatches:
    return appliance.deposit_batches


def files(prefix: str, count: int) -> tuple[DepositedFile, ...]:
    return tuple(file_of(f"{prefix}/{number:04}.jpg", content(prefix, number)) for number in range(count))


def content(prefix: str, number: int) -> bytes:
    return f"{prefix} {number}".encode()


def kept(batches: DepositBatches, prefix: str, count: int, by: str = ZHANG.subject) -> DepositBatch:
    found = batches.check_files(DepositOrder(prefix, files(prefix, count), work()), by=by)
    assert not found.problems
    return batches.keep(found, by=by)


def made(appliance: Appliance, batch: DepositBatch) -> list[Deposit]:
    rows = appliance.deposit_batches.rows(batch.id, by=batch.owner)
    assert {each.state for each in rows} == {BatchedState.MADE}
    return [appliance.ownership.get(each.deposit, by=batch.owner) for each in rows]


def table(
    batches: DepositBatches, given: tuple[DepositedFile, ...], *, versions: bool = False, **words: str
) -> bytes:
    blank = batches.table(given, versions=versions, language=Language.CHINESE, by=ZHANG.subject)
    return filled(blank, **(WORDS | words))


def checked(batches: DepositBatches, document: bytes) -> CheckedDeposits:
    return batches.check_table(document, "1", language=Language.ENGLISH, by=ZHANG.subject)


def faults(found: CheckedDeposits) -> list[tuple[str, str]]:
    return [(each.cell or each.column, str(each.sentence.template)) for each in found.problems]


def test_each_has_a_timestamp_that_openssl_confirms_and_a_certificate_with_it(
    appliance: Appliance, world: World, batches: DepositBatches, tmp_path: Path
) -> None:
    batch = kept(batches, "秋天", 30)
    assert batches.run_round() == 30
    deposits = made(appliance, batch)
    assert len({each.entry for each in deposits}) == 30
    assert [each.title for each in deposits[:2]] == ["秋天 · 0000.jpg", "秋天 · 0001.jpg"]
    for number in (0, 13, 28):
        reply = appliance.ownership.reply(deposits[number])
        assert openssl_says(world, tmp_path, reply, content("秋天", number)).returncode == 0
        assert openssl_says(world, tmp_path, reply, content("秋天", number + 1)).returncode != 0
        document = appliance.ownership.certificate(deposits[number])
        assert appliance.verifier.verify_pdf(document).indication is Indication.PASSED
        assert len(scanned(document)) > 1
    assert [each.id for each in appliance.ownership.of_digest(deposits[9].digest)] == [deposits[9].id]


def test_the_same_batch_once_more_gives_the_deposits_that_are_there(
    appliance: Appliance, batches: DepositBatches
) -> None:
    one, two = kept(batches, "again", 3), kept(batches, "again", 3)
    batches.run_round()
    assert made(appliance, one) == made(appliance, two)


@pytest.mark.parametrize(
    "kills", [pytest.param(2, id="a few"), pytest.param(25, id="many", marks=pytest.mark.long)]
)
def test_a_scheduler_that_is_killed_makes_none_twice_and_misses_none(
    appliance: Appliance, world: World, batches: DepositBatches, kills: int
) -> None:
    """The process ends by SIGKILL whatever it does; the next one goes on."""
    count = 60 * kills
    batch = kept(batches, f"killed {kills}", count)
    command = [sys.executable, "-m", "tests.batches.rounds", str(world.home.root)]
    command += [f"{kills}", "7", "deposit_batches", "0.3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0
    deposits = made(appliance, batch)
    assert len({each.id for each in deposits}) == len({each.entry for each in deposits}) == count
    for each in deposits:
        assert appliance.ownership.of_digest(each.digest) == [each]


def test_owners_take_turns(appliance: Appliance, batches: DepositBatches) -> None:
    long, short = kept(batches, "long", 60), kept(batches, "short", 2, LI.subject)
    batches.run_round(0.02)
    batches.run_round(0.02)
    assert not batches.progress(short.id, by=LI.subject).busy
    assert batches.progress(long.id, by=ZHANG.subject).busy
    batches.run_round()
    assert len(made(appliance, long)) == 60


def test_a_table_is_read_in_either_language(appliance: Appliance, batches: DepositBatches) -> None:
    given = files("table", 3)
    words = {"title": "夕阳", "description": "第一行\n第二行", "completed": "2026年11月1日"}
    chinese = table(batches, given[:1], **words)
    english = filled(
        batches.table(given[1:], versions=False, language=Language.ENGLISH, by=ZHANG.subject),
        kind="photographic work",
        creation="Commissioned",
        holder_kind="An organisation",
        holder="甲公司示例有限公司",
    )
    both = [batches.keep(checked(batches, each), by=ZHANG.subject) for each in (chinese, english)]
    batches.run_round()
    [first], [second, third] = [made(appliance, each) for each in both]
    assert (first.title, second.title, third.digest) == ("夕阳", "0001.jpg", given[2].digest)
    assert first.work is not None
    assert (first.work.holder.name, first.work.description) == (ZHANG.name, "第一行\n第二行")


def test_every_fault_is_told_with_its_cell_and_nothing_is_kept(
    appliance: Appliance, batches: DepositBatches
) -> None:
    known = appliance.ownership.deposit(DepositOrder("旧", files("known", 1), work()), by=ZHANG.subject)
    followed = appliance.ownership.deposit(
        replace(DepositOrder("新", files("newer", 1), work()), predecessor=known.id), by=ZHANG.subject
    )
    given = (*files("fault", 1), files("fault", 1)[0], *files("known", 1), *files("bad", 4))
    book = table(batches, given)
    changes: dict[int, dict[str, str]] = {
        5: {"digest": "00", "kind": "no kind", "completed": "yesterday", "size": "9" * 5000},
        6: {"predecessor": known.id, "size": "many"},
        7: {"predecessor": known.id},
        8: {"predecessor": "0" * 24, "holder_kind": "其他个人"},
    }
    found = checked(batches, filled(book, changes))
    cells = {cell for cell, _ in faults(found)}
    assert cells == {"B3", "", "B5", "C5", "E5", "I5", "C6", "K7", "H8"}, faults(found)
    assert any("same file as in row" in sentence for _, sentence in faults(found))
    with pytest.raises(PreconditionRefused, match="faults"):
        batches.keep(found, by=ZHANG.subject)
    assert followed.id
    assert appliance.ownership.of_digest(given[0].digest) == []


def test_new_versions_of_many_come_by_a_table(appliance: Appliance, batches: DepositBatches) -> None:
    first = kept(batches, "versions", 3)
    batches.run_round()
    newer = tuple(replace(each, digest=file_of("", each.name.encode()).digest) for each in files("versions", 3))
    document = table(batches, newer, versions=True)
    second = batches.keep(checked(batches, document), by=ZHANG.subject)
    batches.run_round()
    before, after = made(appliance, first), made(appliance, second)
    assert [each.predecessor for each in after] == [each.id for each in before]
    assert appliance.ownership.versions(before[0]) == [before[0], after[0]]
    third = checked(batches, document)  # once more: what is there already
    assert not third.problems
    twice = filled(document, {2: {"predecessor": after[2].id, "digest": "1" * 64, "size": ""}})
    twice = filled(twice, {3: {"predecessor": after[2].id, "digest": "2" * 64, "size": ""}})
    assert [cell for cell, _ in faults(checked(batches, twice))] == ["K3"]


def test_what_came_between_is_told_at_its_row_and_stops_no_other(
    appliance: Appliance, batches: DepositBatches
) -> None:
    batch = kept(batches, "between", 3)
    other = DepositOrder("不同", files("between", 1), work())
    appliance.ownership.deposit(other, by=ZHANG.subject)
    batches.run_round()
    rows = batches.rows(batch.id, by=ZHANG.subject)
    assert [each.state for each in rows] == [BatchedState.FAILED, BatchedState.MADE, BatchedState.MADE]
    assert rows[0].refusal is not None
    assert "exactly this" in rows[0].refusal.template


def test_too_many_are_refused_before_anything_is_looked_at(batches: DepositBatches) -> None:
    many = files("many", MOST_AT_ONCE + 1)
    with pytest.raises(PreconditionRefused, match="At most"):
        batches.check_files(DepositOrder("", many, work()), by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="at most"):
        checked(batches, table(batches, many))
    with pytest.raises(PreconditionRefused, match="declaration"):
        batches.check_table(b"", "0", language=Language.ENGLISH, by=ZHANG.subject)


def test_a_batch_rests_while_its_owner_is_suspended(appliance: Appliance, batches: DepositBatches) -> None:
    batch = kept(batches, "suspended", 2, LI.subject)
    with appliance.database.transaction() as tx:
        accounts.insert_account(tx, LI.subject, "li", handle=bytes(16), now=appliance.now())
        accounts.set_state(tx, LI.subject, AccountState.SUSPENDED)
    assert batches.run_round() == 0
    appliance.database.commit(accounts.set_state, LI.subject, AccountState.INVITED)
    assert batches.run_round() == 2
    assert len(made(appliance, batch)) == 2
