"""The organisation's own numbers: by which rule, when they are given, and that nobody gets one twice."""

from __future__ import annotations

import multiprocessing
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from appliance.contracts.drafting import DraftTerms
from appliance.contracts.numbering import MISSING, give_number
from appliance.demonstration.participants import LI, OFFICER, ZHANG
from appliance.errors import ApplianceError, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.model.contract import Contract, ContractState, Deadline
from appliance.model.listing import ContractFilter
from appliance.model.people import Person
from appliance.policy import Policy
from appliance.policy.numbering import number_key, places_of
from appliance.store import contracts, ledger, people
from appliance.store.database import Database
from appliance.wiring import Appliance
from tests.appliance.contracts.cast import contract_in
from tests.world import World, know_officer, sample_document, send

NOW = datetime(2026, 12, 31, 17, 0, tzinfo=UTC)
"""Already 2027 in Shanghai."""

BY_DEPARTMENT = """
[types."采购合同"]
aliases = ["采购"]
[types."采购合同".numbers]
pattern = "{type}-{department}-{year}-{number:04}"
scope = ["type", "department", "year"]
code = "CG"
"""
RESERVED = "[numbers]\ngapless = false\n"


@contextmanager
def under(world: World, policy: str) -> Iterator[Appliance]:
    """The appliance with *policy*."""
    world.home.policy.write_text(policy, encoding="utf-8")
    try:
        with world.opened() as appliance:
            yield appliance
    finally:
        world.home.policy.write_text("", encoding="utf-8")


def drafted(appliance: Appliance, kind: str = "采购", number: str | None = None) -> Contract:
    terms = DraftTerms("设备采购合同", kind, "采购示例设备", ZHANG.subject, number=number)
    draft = appliance.drafting.draft(sample_document(1), terms)
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    return draft


def counted(number: str) -> int:
    return int(number.rpartition("-")[2])


def test_a_number_is_given_when_the_contract_is_sent_and_stays(appliance: Appliance) -> None:
    first = send(appliance, sample_document(1))
    thrown = drafted(appliance)
    appliance.endings.discard(thrown.id, by=ZHANG.subject)
    second = send(appliance, sample_document(1))
    assert re.fullmatch(r"20\d\d-\d{5}", first.number)
    assert counted(second.number) == counted(first.number) + 1, "a draft takes none"

    recalled = appliance.endings.recall(second.id, reason="金额有误", by=ZHANG.subject)
    again = appliance.drafting.draft_again(second.id, by=ZHANG.subject)
    assert (recalled.number, again.number) == (second.number, "")
    assert counted(appliance.sending.send(again.id, by=ZHANG.subject).number) == counted(second.number) + 1


def test_a_number_is_found_and_stands_in_the_log_for_the_parties_alone(appliance: Appliance) -> None:
    contract = send(appliance, sample_document(1))
    for words in (contract.number, contract.number[-2:]):
        found = appliance.listing.list_page(LI.subject, ContractFilter(query=words)).rows
        assert contract.id in {row.id for row in found}
    with appliance.database.reading() as tx:
        leaves = [leaf for _, leaf, _ in ledger.history_of(tx, contract.id)]
    assert not any(contract.number.encode() in leaf for leaf in leaves), "the log itself is public"


def test_what_was_sent_keeps_its_number_whatever_is_written(appliance: Appliance) -> None:
    contract = send(appliance, sample_document(1))
    with pytest.raises(Exception, match="keeps its number"), appliance.database.transaction() as tx:
        tx.execute("UPDATE contracts SET contract_number = 'X', number_key = 'x' WHERE id = ?", (contract.id,))


def test_a_number_names_type_department_and_year_and_counts_in_them(world: World) -> None:
    with under(world, BY_DEPARTMENT) as appliance:
        know_officer(appliance)
        without = drafted(appliance)
        with pytest.raises(PreconditionRefused, match="name a department"):
            appliance.sending.send(without.id, by=ZHANG.subject)
        accounts = appliance.accounts.administration
        with appliance.database.transaction() as tx:
            people.set_department(tx, ZHANG.subject, "综合部")
        late = appliance.sending.send(without.id, by=ZHANG.subject)
        assert (late.number, late.department) == (f"CG-综合部-{appliance.now().year}-0001", "综合部")
        made = []
        for department in ("法务部", "采购部", "法务部"):
            with appliance.database.transaction() as tx:
                people.set_department(tx, ZHANG.subject, department)
            made.append(send(appliance, sample_document(1)))
        with appliance.database.transaction() as tx:
            people.set_department(tx, ZHANG.subject, "")
        year = appliance.now().year
        assert [each.number for each in made] == [
            f"CG-法务部-{year}-0001",
            f"CG-采购部-{year}-0001",
            f"CG-法务部-{year}-0002",
        ]
        assert [each.department for each in made] == ["法务部", "采购部", "法务部"]
        with pytest.raises(PreconditionRefused, match="too long"):
            accounts.set_department(ZHANG.subject, "部" * 41, by=OFFICER)


def test_a_draft_has_its_number_where_gaps_may_be_and_another_with_another_type(world: World) -> None:
    with under(
        world, RESERVED + '[types."租赁"]\n[types."租赁".numbers]\npattern = "ZL-{year}-{number:03}"\n'
    ) as appliance:
        untyped = drafted(appliance, "")
        assert untyped.number == "", "its rule is not known yet"
        first, second = drafted(appliance), drafted(appliance)
        assert counted(second.number) == counted(first.number) + 1
        terms = DraftTerms("房屋租赁", "租赁", "示例", ZHANG.subject)
        leased = appliance.drafting.revise(first.id, terms, by=ZHANG.subject)
        assert leased.number.startswith("ZL-")
        assert appliance.drafting.revise(first.id, terms, by=ZHANG.subject).number == leased.number
        assert appliance.sending.send(second.id, by=ZHANG.subject).number == second.number


def test_a_number_is_entered_where_policy_lets_people_do_so(world: World, appliance: Appliance) -> None:
    with pytest.raises(PreconditionRefused, match="leave the number empty"):
        drafted(appliance, number="我的编号 7")
    with under(world, '[numbers]\nby_hand = "allowed"\n') as allowing:
        own = drafted(allowing, number=" 甲-２０２６-7\u200b ")
        assert own.number == "甲-２０２６-7"
        with pytest.raises(StateRefused, match="Another contract has the number 甲-2026-7"):
            drafted(allowing, number="甲-2026-7")
        for wrong, sentence in (("x" * 121, "too long"), ("\u3164", "letters or digits")):
            with pytest.raises(PreconditionRefused, match=sentence):
                drafted(allowing, number=wrong)
        counter = send(allowing, sample_document(1))
        following = f"{counter.number[:5]}{counted(counter.number) + 1:05}"
        taken = drafted(allowing, number=following)
        assert counted(send(allowing, sample_document(1)).number) == counted(counter.number) + 2, "past that"
        allowing.endings.discard(taken.id, by=ZHANG.subject)
        assert drafted(allowing, number=following).number == following, "that of a thrown-away draft is free"
        emptied = replace(
            DraftTerms("设备采购合同", "采购", "采购示例设备", ZHANG.subject, number=""), deadline=own.deadline
        )
        assert allowing.drafting.revise(own.id, emptied, by=ZHANG.subject).number == ""
    with under(world, '[numbers]\nby_hand = "required"\n') as requiring:
        draft = drafted(requiring)
        assert [problem.template for problem in requiring.sending.problems(draft)][:1] == [MISSING]


def test_the_year_is_that_of_the_initiators_clocks(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as database, database.transaction() as tx:
        assert give_number(tx, contracts.load_contract(tx, "draft-0"), Policy(), NOW).number == "2027-00001"


THREADS, EACH = 4, 20


def test_threads_and_processes_that_send_at_once_never_get_the_same_number(tmp_path: Path) -> None:
    with opened(tmp_path, 3 * THREADS * EACH) as database:
        spawned = multiprocessing.get_context("spawn")
        workers: list[BaseProcess | threading.Thread] = [
            *(spawned.Process(target=give, args=(tmp_path, part)) for part in (0, 1)),
            *(threading.Thread(target=give, args=(tmp_path, part)) for part in range(2, 3 * THREADS)),
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        with database.reading() as tx:
            numbers = tx.column(str, "SELECT contract_number FROM contracts")
    expected = [f"2027-{number:05}" for number in range(1, 3 * THREADS * EACH + 1)]
    assert sorted(numbers) == expected, "each once, none left out although some were rolled back"


def give(folder: Path, part: int) -> None:
    """Gives the drafts of *part* their numbers; every fifth transaction fails the first time."""
    database = Database(folder / "state.sqlite", patience=60)
    for place in range(part * EACH, (part + 1) * EACH):
        for fails in (place % 5 == 0, False):
            try:
                with database.transaction() as tx:
                    contract = contracts.load_contract(tx, f"draft-{place}")
                    give_number(tx, contract, Policy(), NOW)
                    if fails:
                        raise PreconditionRefused("Not sent.")
                break
            except ApplianceError:
                continue
    database.close()


@contextmanager
def opened(folder: Path, drafts: int) -> Iterator[Database]:
    """A database with one person, who has so many drafts."""
    database = Database(folder / "state.sqlite")
    sample = contract_in(ContractState.DRAFT)
    person = Person(sample.initiator, "李样本", "甲公司", "li@example.com", Language.CHINESE, "Asia/Shanghai")
    with database.transaction() as tx:
        people.insert_person(tx, person, None)
        for place in range(drafts):
            draft = replace(sample, id=f"draft-{place}", parties=(), deadline=Deadline(NOW, "Asia/Shanghai"))
            contracts.insert_contract(tx, draft)
    try:
        yield database
    finally:
        database.close()


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        ("{year}-{number:05}", {"year", "number"}),
        ("{type}〔{year}〕{department}第{number}号", {"type", "year", "department", "number"}),
        ("{{{number}}}", {"number"}),
        *((wrong, None) for wrong in ("", "2026", "{number}{number}", "{year}", "{month}-{number}", "{number:5}")),
        *(
            (wrong, None)
            for wrong in ("{number!r}", "{number:05.2f}", "{year:4}-{number}", "{number", " {number}")
        ),
        *(
            (wrong, None)
            for wrong in ("{number.real}", "{number[0]}", "{0}{number}", "{number}\n", "x" * 60 + "{number}")
        ),
    ],
)
def test_a_pattern_names_one_counter_and_known_places(pattern: str, places: set[str] | None) -> None:
    assert places_of(pattern) == places


def test_numbers_are_compared_as_people_read_them() -> None:
    assert number_key("甲-２０２６ 7") == number_key("甲-20267") != number_key("甲-20268")
