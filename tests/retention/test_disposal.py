"""Holds and disposals: refusals first, then what goes and what stays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pysqlite3
import pytest

from appliance.contracts import rules
from appliance.contracts.access import Command, admit
from appliance.contracts.draft_rules import DraftTerms
from appliance.contracts.permissions import ContractActor, Permission
from appliance.demonstration.participants import ALPHA, LI, OFFICER, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger import Sequencer
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.ledger.check import LogCheck, LogReport
from appliance.model.contract import Contract
from appliance.model.retention import DisposalState
from appliance.store import contracts, participation_index, retention
from appliance.store.database import Transaction
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from hsm.names import name_key
from tests.world import World, contract_now, sample_document, send

OTHER = "officer-second"
FOUR_YEARS, ELEVEN_YEARS = timedelta(days=4 * 366), timedelta(days=11 * 366)


@pytest.fixture(scope="module")
def now_(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        with appliance.database.transaction() as tx:
            tx.executemany(
                "INSERT INTO people (subject, name, organisation, email, language, zone, guest)"
                " VALUES (?, ?, 'x', ?, 'zh', 'Asia/Shanghai', 0) ON CONFLICT DO NOTHING",
                [(each, each, f"{each}@example.test") for each in (OFFICER, OTHER)],
            )
        yield appliance


@pytest.fixture(scope="module")
def later(world: World) -> Iterator[Appliance]:
    with world.opened(ahead=FOUR_YEARS) as appliance:
        yield appliance


def recalled(appliance: Appliance, document: bytes) -> Contract:
    """Sent, looked at by the first signer, and recalled."""
    contract = send(appliance, document)
    appliance.cycle.prepare(contract.id, contract.parties[0].id)
    return appliance.endings.recall(contract.id, by=ZHANG.subject, reason="预算未获批准，张示例")


def walked(world: World, appliance: Appliance) -> LogReport:
    """The whole log, checked after everything has its place."""
    with AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()
        return LogCheck(appliance.database, scheduler).check()


def unique(number: int) -> bytes:
    return sample_document(1) + f"\n% {number}\n".encode()


def test_what_runs_is_not_disposed_of(now_: Appliance, later: Appliance) -> None:
    contract = send(now_, sample_document(1))
    with pytest.raises(PreconditionRefused, match="not at its end"):
        later.retention.propose_disposal(contract.id, reason="期满", by=OFFICER)
    with pytest.raises(NotFound):
        later.retention.propose_disposal("contract-nobody", reason="期满", by=OFFICER)


def test_what_has_to_be_kept_is_not_disposed_of(now_: Appliance) -> None:
    contract = recalled(now_, sample_document(1))
    with pytest.raises(PreconditionRefused, match="has to be kept until"):
        now_.retention.propose_disposal(contract.id, reason="期满", by=OFFICER)
    assert contract.id not in [each.contract for each in now_.retention.list_due()]


def test_a_hold_keeps_what_is_due(now_: Appliance, later: Appliance) -> None:
    contract = recalled(now_, sample_document(1))
    retention = later.retention
    assert contract.id in [each.contract for each in retention.list_due()]
    retention.propose_disposal(contract.id, reason="期满", by=OFFICER)
    retention.place_hold(contract.id, reason="诉讼", by=OFFICER)

    with pytest.raises(PreconditionRefused, match="legal hold"):
        retention.confirm_disposal(contract.id, by=OTHER)
    with pytest.raises(StateRefused, match="legal hold already"):
        retention.place_hold(contract.id, reason="诉讼", by=OFFICER)
    with (  # whatever a workflow forgets, the table does not let it go
        pytest.raises(Exception, match="under a legal hold stays"),
        later.database.transaction() as tx,
    ):
        tx.execute(
            "UPDATE disposals SET state = 'done', ended = 'x', ended_by = ?, entry = 1 WHERE contract = ?",
            (OTHER, contract.id),
        )

    retention.lift_hold(contract.id, reason="结案", by=OTHER)
    assert retention.confirm_disposal(contract.id, by=OTHER).state is DisposalState.DONE


def test_a_disposal_takes_two_officers(now_: Appliance, later: Appliance) -> None:
    contract = recalled(now_, sample_document(1))
    disposing = later.retention
    disposing.propose_disposal(contract.id, reason="期满", by=OFFICER)
    with pytest.raises(PreconditionRefused, match="Another officer"):
        disposing.confirm_disposal(contract.id, by=OFFICER)
    with pytest.raises(StateRefused, match="proposed already"):
        disposing.propose_disposal(contract.id, reason="期满", by=OTHER)
    disposing.refuse_disposal(contract.id, reason="仍在争议中", by=OTHER)
    with pytest.raises(StateRefused):
        disposing.confirm_disposal(contract.id, by=OTHER)
    assert contract_now(later, contract.id).title == "设备采购合同"


def test_what_is_disposed_of_is_gone_and_the_log_is_whole(world: World, now_: Appliance, later: Appliance) -> None:
    contract = recalled(now_, unique(1))
    with now_.database.transaction() as tx:  # a title that stands nowhere else
        tx.execute("UPDATE contracts SET title = '用完即弃的标题' WHERE id = ?", (contract.id,))
        titled = contracts.load_contract(tx, contract.id)
        participation_index.refresh(tx, contract.id, rules.buckets_of(titled), rules.search_words_of(titled))
    assert _in_the_file(world, "用完即弃的标题")
    digests = {revision.digest for revision in contract.revisions}
    before = pictures_kept(world)
    for digest in digests:
        now_.pictures.page(digest, 0)
    assert pictures_kept(world) > before
    disposing = later.retention
    disposing.propose_disposal(contract.id, reason="期满", by=OFFICER)
    done = disposing.confirm_disposal(contract.id, by=OTHER)

    with now_.database.reading() as tx, pytest.raises(StateRefused, match="disposed of"):
        admit(tx, Command(contract.id, Permission.READ, ContractActor(ZHANG.subject), now_.now()))
    with now_.database.reading() as tx, pytest.raises(NotFound):
        admit(tx, Command(contract.id, Permission.READ, ContractActor("person-stranger"), now_.now()))
    assert _traces(now_, contract) == []
    assert now_.listing.list_kinds("*") is not None

    assert now_.retention.remove_doomed_blobs() == 0, "somebody may be putting the same bytes just now"
    with world.opened(ahead=FOUR_YEARS + timedelta(hours=2)) as after:
        after.retention.remove_doomed_blobs()
    for digest in digests:
        with pytest.raises(NotFound):
            now_.blobs.get(digest)
    assert pictures_kept(world) == before, "nobody sees its pages any more"
    assert not _in_the_file(world, "用完即弃的标题")
    assert done.entry is not None
    assert walked(world, now_).size > done.entry


def pictures_kept(world: World) -> set[Path]:
    """Pictures of pages in the cache."""
    return set((world.home.cache / "pages").glob("??/*"))


@pytest.mark.parametrize("entered", [True, False])
def test_an_entered_number_goes_and_is_not_given_again(
    world: World, now_: Appliance, later: Appliance, entered: bool
) -> None:
    number = f"工资-王小明-{entered}"
    draft = now_.drafting.draft(unique(77), DraftTerms("编号示例", "采购", "示例", ZHANG.subject))
    now_.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    owner = name_key(ALPHA)
    with now_.database.transaction() as tx:
        draft = contracts.load_contract(tx, draft.id)
        contracts.save_number(tx, replace(draft, number=number, number_entered=entered), owner)
    now_.sending.send(draft.id, by=ZHANG.subject)
    now_.endings.recall(draft.id, by=ZHANG.subject, reason="改期")
    later.retention.propose_disposal(draft.id, reason="期满", by=OFFICER)
    later.retention.confirm_disposal(draft.id, by=OTHER)
    assert contract_now(now_, draft.id).number == ("—" if entered else number)
    assert _in_the_file(world, number) is not entered
    again = now_.drafting.draft(unique(78), DraftTerms("编号示例", "采购", "示例", ZHANG.subject))
    with now_.database.transaction() as tx, pytest.raises(StateRefused, match="has the number"):
        contracts.save_number(tx, replace(again, number=number.replace("-", " - "), number_entered=True), owner)


def _in_the_file(world: World, words: str) -> bool:
    """Whether the database's file still has *words* anywhere, freed pages included."""
    with closing(pysqlite3.connect(world.home.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return words.encode() in world.home.database.read_bytes()


def _traces(appliance: Appliance, contract: Contract) -> list[str]:
    """Tables in which a word of the contract still stands."""
    words = ["张示例，", "预算未获批准", contract.title, contract.purpose]
    with appliance.database.reading() as tx:
        tables = [row[0] for row in tx.execute("SELECT name FROM pragma_table_list WHERE type = 'table'")]
        found = []
        for table in tables:
            columns = [row[0] for row in tx.execute("SELECT name FROM pragma_table_info(?)", (table,))]
            if "contract" not in columns:
                continue
            for row in tx.execute(f"SELECT * FROM {table} WHERE contract = ?", (contract.id,)):  # noqa: S608
                if table not in retention.KEPT_OF_A_CONTRACT and any(word in str(row) for word in words):
                    found.append(table)
        titles = tx.execute("SELECT title, purpose FROM contracts WHERE id = ?", (contract.id,)).fetchone()
    assert titles == (retention.GONE, retention.GONE)
    return found


def test_documents_that_others_have_stay(world: World, now_: Appliance, later: Appliance) -> None:
    document = unique(2)
    going, staying = recalled(now_, document), send(now_, document)
    later.retention.propose_disposal(going.id, reason="期满", by=OFFICER)
    later.retention.confirm_disposal(going.id, by=OTHER)
    with world.opened(ahead=FOUR_YEARS + timedelta(hours=2)) as after:
        after.retention.remove_doomed_blobs()
    assert hashlib.sha256(now_.blobs.get(staying.original.digest)).hexdigest() == going.original.digest


def test_bytes_that_came_to_belong_to_nothing_are_swept_after_a_day(world: World, now_: Appliance) -> None:
    """Their process died between the bytes and the record of them."""
    ownerless, owned = now_.blobs.put(b"ownerless"), send(now_, unique(3)).current.digest
    for ahead, there in ((timedelta(), True), (timedelta(days=1, hours=1), False)):
        with world.opened(ahead=ahead) as appliance:
            for _ in range(256):
                appliance.retention.remove_ownerless_blobs()
        assert (
            ownerless in now_.blobs.digests_with_prefix(int(ownerless[:2], 16), untouched_since=now_.now())
        ) == there
    assert now_.blobs.get(owned)


def test_every_table_of_a_contract_is_forgotten_or_kept_on_purpose(now_: Appliance) -> None:
    named = {table for table, _ in retention.OF_A_CONTRACT} | retention.KEPT_OF_A_CONTRACT
    with now_.database.reading() as tx:
        tables = [row[0] for row in tx.execute("SELECT name FROM pragma_table_list WHERE type = 'table'")]
        refers = {
            table: {row[0] for row in tx.execute('SELECT "table" FROM pragma_foreign_key_list(?)', (table,))}
            for table in tables
        }
    of_contracts = {"contracts"}
    while more := {table for table, to in refers.items() if to & of_contracts} - of_contracts:
        of_contracts |= more
    assert of_contracts - named == {"power_events", "power_confirmations", "sign_on_sessions"}, (
        "these rest on powers, whose contracts are not disposed of, or on sessions of people who are no guests"
    )


def test_a_person_who_acts_is_not_erased(now_: Appliance) -> None:
    send(now_, sample_document(1))
    with pytest.raises(PreconditionRefused, match="not at their end"):
        now_.retention.erase_person(LI.subject, reason="离职", by=OFFICER)
    with pytest.raises(NotFound):
        now_.retention.erase_person("person-nobody", reason="离职", by=OFFICER)


def test_nothing_of_a_person_goes_while_one_of_their_contracts_is_held(now_: Appliance) -> None:
    subject = "person-held"
    contract = recalled(now_, unique(5))
    with now_.database.transaction() as tx:
        tx.execute(
            "INSERT INTO people (subject, name, organisation, email, language, zone, guest)"
            " VALUES (?, '吴待查', 'x', 'wu@example.test', 'zh', 'Asia/Shanghai', 0)",
            (subject,),
        )
        tx.execute("UPDATE parties SET subject = ? WHERE contract = ? AND position = 1", (subject, contract.id))
    now_.retention.place_hold(contract.id, reason="诉讼", by=OFFICER)
    with pytest.raises(PreconditionRefused, match="under a legal hold"):
        now_.retention.erase_person(subject, reason="本人要求", by=OFFICER)
    now_.retention.lift_hold(contract.id, reason="结案", by=OFFICER)
    assert now_.retention.erase_person(subject, reason="本人要求", by=OFFICER).held == ()


def test_what_is_personal_goes_and_the_log_is_whole(world: World, now_: Appliance) -> None:
    subject = "person-erased"
    with now_.database.transaction() as tx:
        tx.execute(
            "INSERT INTO people (subject, name, organisation, email, language, zone, guest)"
            " VALUES (?, '孙待删', 'x', 'sun@example.test', 'zh', 'Asia/Shanghai', 0)",
            (subject,),
        )
    with now_.database.transaction() as tx:
        event = AuditEvent(
            EventKind.PROFILE_CHANGED, now_.now(), subject, None, {"subject": subject}, {"name": "孙待删"}
        )
        entry = append_event(tx, event)
    with now_.database.transaction() as tx:
        _leave_personal_rows(tx, subject)
    assert _rows_of(now_, subject) == len(PERSONAL)
    with now_.database.transaction() as tx:
        tx.update("directory_users", {"removed": None}, subject=subject)
    with pytest.raises(PreconditionRefused, match="directory still has"):
        now_.retention.erase_person(subject, reason="本人要求", by=OFFICER)
    with now_.database.transaction() as tx:
        tx.update("directory_users", {"removed": "2026-11-01T00:00:00Z"}, subject=subject)
    remainder = now_.retention.erase_person(subject, reason="本人要求", by=OFFICER)
    assert remainder.contracts == ()
    assert _rows_of(now_, subject) == 0
    with now_.database.reading() as tx:
        assert tx.execute("SELECT 1 FROM openings WHERE entry = ?", (entry,)).fetchone() is None
        person = tx.execute("SELECT name, email FROM people WHERE subject = ?", (subject,)).fetchone()
    assert person == (retention.GONE, f"erased-{subject}@invalid")
    assert walked(world, now_).size > entry


PERSONAL = {
    "absences": "person",
    "ledger_views": "owner",
    "mail_merges": "owner",
    "deposit_batches": "owner",
    "directory_users": "subject",
    "sign_on_identities": "subject",
}
"""Tables of what somebody has entered, and whose it is."""


def _leave_personal_rows(tx: Transaction, subject: str) -> None:
    at = "2026-11-01T00:00:00Z"
    absence = {
        "person": subject,
        "deputy": ZHANG.subject,
        "since": at,
        "until": "2026-12-01T00:00:00Z",
        "saved": at,
    }
    view = {"owner": subject, "name": "李四的合同", "query": "party=%E6%9D%8E", "organisation": "x", "made": at}
    merge = {
        "id": "m1",
        "owner": subject,
        "template": "t",
        "version": 1,
        "stage": "review",
        "signs": 1,
        "created": at,
    }
    batched = {
        "batch": "b1",
        "number": 2,
        "deposit": "d1",
        "title": "孙待删的照片",
        "name": "a.jpg",
        "digest": "0" * 64,
    }
    batched |= {"kind": "art", "creation": "original", "holder_kind": "depositor", "holder": "孙待删"}
    batched |= {"declaration": "1", "description": ""}
    entry = {"merge": "m1", "number": 2, "entry": '{"name": "李四"}', "state": "waiting"}
    user = {"id": "d" * 32, "source": "scim", "key": "d" * 32, "login": "sun", "name": "孙待删", "manager": ""}
    user |= {"email": "sun@example.test", "department": "", "enabled": 0, "groups": "[]", "subject": subject}
    identity = {"issuer": "https://id.example", "sub": "sun", "subject": subject, "first": at, "last": at}
    for table, row in (
        ("directory_users", user | {"removed": at, "made": at, "changed": at}),
        ("sign_on_identities", identity),
        ("absences", absence),
        ("ledger_views", view),
        ("mail_merges", merge | {"created": at}),
        ("mail_merge_rows", entry),
        ("deposit_batches", {"id": "b1", "owner": subject, "created": at}),
        ("deposit_batch_rows", batched),
    ):
        tx.insert(table, row)


def _rows_of(appliance: Appliance, subject: str) -> int:
    with appliance.database.reading() as tx:
        return sum(
            tx.count(f"SELECT count(*) FROM {table} WHERE {column} = ?", (subject,))  # noqa: S608 -- names above
            for table, column in PERSONAL.items()
        )
