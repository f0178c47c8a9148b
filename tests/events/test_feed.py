"""The feed: what a client may read, in the order of the log, nothing twice and nothing missed."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from appliance.acting_client import ClientReach
from appliance.errors import PreconditionRefused
from appliance.events import EventFeed, EventType
from appliance.events.feed import SCANNED, WAITING
from appliance.events.types import OF_KIND
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.store import ledger, people
from appliance.store.database import Database
from hsm.merkle import leaf_hash
from tests.appliance.store.seeds import CERTIFICATE, SEAL, person
from tests.events.site import ERP, HOUSE, OTHER, Site

REACH = ClientReach(ERP, frozenset({HOUSE}))


def types_of(site: Site, reach: ClientReach = REACH) -> list[str]:
    return [event.type.value for event in site.feed.after(-1, reach).events]


def test_an_event_says_what_its_log_entry_proves(site: Site) -> None:
    site.add_contract("one")
    entry = site.append("one", EventKind.PARTY_DECLINED, party="party-7")
    [event] = site.feed.after(-1, REACH).events
    leaf = site.database.query(ledger.leaf, entry)
    assert event.timestamp.tzinfo is UTC
    assert event.as_json() == {
        "id": f"evt_{entry}",
        "type": "contract.party.declined",
        "timestamp": event.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {"contract": "one", "state": "declined", "party": "party-7"},
        "log": {
            "entry": entry,
            "leaf_hash": leaf_hash(leaf).hex(),
            "proof": f"/log/proof/inclusion?index={entry}{{&size}}",
        },
    }


def test_a_program_hears_of_the_captures_that_it_ordered_and_of_no_others(site: Site) -> None:
    own, by_hand, others = (site.add_capture(number, client) for number, client in enumerate((ERP, None, OTHER)))
    moved = site.add_capture(7, ERP, by="person-5")
    for each in (own, by_hand, others, moved):
        site.tell(each, EventKind.CAPTURE_CHANGED)
    site.add_contract("between", client=ERP)
    site.tell(own, EventKind.CAPTURE_PACKAGED)
    reach = replace(REACH, captures=True)
    found = [each.as_json() for each in site.feed.after(-1, reach).events]
    assert [each["type"] for each in found] == ["capture.changed", "contract.drafted", "capture.package_ready"]
    assert found[0]["data"] == {"contract": "", "capture": own.id, "client": ERP}
    everybody = replace(reach, organisations=frozenset({HOUSE, "乙公司示例有限公司"}))
    assert types_of(site, everybody).count("capture.changed") == 2
    assert types_of(site) == ["contract.drafted"], "without the scope"
    assert types_of(site, ClientReach(OTHER, frozenset({HOUSE}), captures=True)) == ["capture.changed"]
    assert site.feed.after(found[0]["log"]["entry"], reach, limit=1).events[0].type == "contract.drafted"


def test_a_program_hears_of_its_organisations_deposits_if_it_may_read_them(site: Site) -> None:
    site.add_deposit(1, HOUSE)
    site.add_deposit(2, "别的单位")
    reach = replace(REACH, deposits=True)
    [event] = site.feed.after(-1, reach).events
    assert (event.type, event.data.deposit) == ("deposit.made", f"{1:024x}")
    assert types_of(site) == []


def test_a_client_reads_what_is_within_its_reach(site: Site) -> None:
    site.add_contract("ours")
    site.add_contract("theirs", by="person-5")
    site.append("theirs", EventKind.CONTRACT_EXPIRED)
    site.append("ours", EventKind.CONTRACT_SENT)
    assert types_of(site) == ["contract.sent"]
    assert types_of(site, ClientReach(OTHER, frozenset({"乙公司示例有限公司"}))) == ["contract.expired"]
    assert types_of(site, ClientReach(ERP, frozenset({HOUSE}), frozenset({"劳动"}))) == []
    assert types_of(site, ClientReach(ERP, frozenset({HOUSE}), frozenset({"采购"}))) == ["contract.sent"]


def test_of_drafts_it_hears_of_its_own_alone(site: Site) -> None:
    site.add_contract("a", client=OTHER)
    site.add_contract("b")
    site.add_contract("c", client=ERP)
    site.append("b", EventKind.REVIEW_REQUESTED)
    site.append("c", EventKind.REVIEW_REQUESTED)
    events = site.feed.after(-1, REACH).events
    assert [(event.type, event.data.contract) for event in events] == [
        (EventType.DRAFTED, "c"),
        (EventType.REVIEW_REQUESTED, "c"),
    ]
    assert events[0].data.client == ERP


@pytest.mark.parametrize("state", ["draft", "discarded"])
def test_of_what_people_never_sent_it_hears_nothing_at_all(site: Site, state: str) -> None:
    """A hold can be placed on a draft, and a discarded one is disposed of."""
    for contract, client in (("own", ERP), ("a-person's", None), ("another-client's", OTHER)):
        site.add_contract(contract, client=client)
        with site.database.transaction() as tx:
            tx.update("contracts", {"state": state}, id=contract)
        site.append(contract, EventKind.HOLD_PLACED)
        site.append(contract, EventKind.CONTRACT_DISPOSED)
    events = site.feed.after(-1, REACH).events
    assert [event.data.contract for event in events] == ["own"] * 3


def test_what_is_internal_to_the_company_of_a_seal_is_not_told_to_others(site: Site) -> None:
    with site.database.transaction() as tx:
        people.insert_person(tx, replace(person(6), subject="person-guest-6", guest=True), None)
        outside = replace(SEAL, subject="seal-guest-1", custodians=("person-guest-6",))
        people.insert_seal(tx, outside, CERTIFICATE)
    site.add_contract("one")
    site.append("one", EventKind.SEAL_REQUESTED, party="party-1", seal="seal-guest-1")
    site.append("one", EventKind.SEAL_APPROVED, party="party-1", seal="seal-unknown")
    assert types_of(site) == []
    site.append("one", EventKind.SEAL_APPROVED, party="party-1", seal=SEAL.subject)
    assert types_of(site) == ["contract.seal.approved"]


def test_no_event_has_a_name_in_it(site: Site) -> None:
    site.add_contract("one")
    public = {"party": "party-1", "name": "不应出现", "to": "person-2"}
    with site.database.transaction() as tx:
        private = {"reason": "不应出现"}
        append_event(tx, AuditEvent(EventKind.PARTY_HANDED_OVER, site.now(), "person-1", "one", public, private))
    [event] = site.feed.after(-1, REACH).events
    assert "不应出现" not in event.body().decode() and "person-" not in event.body().decode()


def test_pages_follow_each_other_without_a_gap(site: Site) -> None:
    site.add_contract("one")
    numbers = [site.append("one") for _ in range(7)]
    cursor, read, rounds = -1, list[int](), 0
    while True:
        page = site.feed.after(cursor, REACH, limit=2)
        read += [event.log.entry for event in page.events]
        cursor, rounds = page.cursor, rounds + 1
        if not page.more:
            break
    assert read == numbers and rounds == 4
    assert site.feed.after(cursor, REACH).events == ()


def test_only_wanted_types(site: Site) -> None:
    site.add_contract("one")
    site.append("one", EventKind.CONTRACT_SENT)
    site.append("one", EventKind.CONTRACT_RECALLED)
    page = site.feed.after(-1, REACH, types={EventType.RECALLED})
    assert [event.type for event in page.events] == [EventType.RECALLED]


def test_a_page_looks_at_so_many_entries_and_says_that_there_is_more(site: Site) -> None:
    site.add_contract("theirs", kind="租赁")
    with site.database.transaction() as tx:
        for _ in range(SCANNED):
            append_event(tx, AuditEvent(EventKind.CONTRACT_SENT, site.now(), "person-1", "theirs"))
    site.add_contract("ours", kind="采购")
    sent, reach = site.append("ours"), replace(REACH, kinds=frozenset({"采购"}))
    first = site.feed.after(-1, reach)
    assert first.events == () and first.more and first.cursor == SCANNED - 1
    assert [event.log.entry for event in site.feed.after(first.cursor, reach).events] == [sent]


def test_what_other_organisations_did_is_not_looked_at(site: Site) -> None:
    site.add_contract("theirs", by="person-5")
    site.add_contract("ours")
    with site.database.transaction() as tx:
        for _ in range(SCANNED):
            append_event(tx, AuditEvent(EventKind.CONTRACT_SENT, site.now(), "person-5", "theirs"))
    sent = site.append("ours")
    newest = site.append("theirs")
    page = site.feed.after(-1, REACH)
    assert [event.log.entry for event in page.events] == [sent]
    assert (page.cursor, page.more) == (newest, False)
    both = replace(REACH, organisations=REACH.organisations | {"乙公司示例有限公司"})
    assert [each.log.entry for each in site.feed.after(sent - 1, both).events] == [sent, newest]


def test_events_follow_a_contract_to_another_organisation(site: Site) -> None:
    site.add_contract("one")
    sent = site.append("one")
    theirs = ClientReach(OTHER, frozenset({"乙公司示例有限公司"}))
    with site.database.transaction() as tx:
        tx.update("contracts", {"initiator": "person-5"}, id="one")
    assert site.feed.after(-1, REACH).events == ()
    assert [each.log.entry for each in site.feed.after(-1, theirs).events] == [sent]
    with site.database.transaction() as tx:
        tx.update("people", {"organisation": "新名公司"}, subject="person-5")
    assert site.feed.after(-1, theirs).events == ()
    renamed = ClientReach(OTHER, frozenset({"新名公司"}))
    assert [each.log.entry for each in site.feed.after(-1, renamed).events] == [sent]


def test_a_cursor_of_another_log_is_refused(site: Site) -> None:
    site.add_contract("one")
    for wrong in (-2, 1):
        with pytest.raises(PreconditionRefused):
            site.feed.after(wrong, REACH)
    assert site.feed.after(0, REACH).cursor == 0


def test_two_writers_and_a_reader_that_skips_nothing(site: Site, tmp_path: Path) -> None:
    """Each writer has a connection of its own, as processes do, and holds its transaction open for a while after
    it has its number; the reader reads on from wherever it is."""
    site.add_contract("one")
    each, over = 40, threading.Event()

    def write(name: str) -> None:
        own = Database(tmp_path / "site.db")
        for _ in range(each):
            with own.transaction() as tx:
                append_event(
                    tx, AuditEvent(EventKind.CONTRACT_SENT, site.now(), "person-1", "one", {"party": name})
                )
                over.wait(0.001)  # a reader may come now
        own.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    read, cursor = list[tuple[int, str | None]](), -1
    while len(read) < 2 * each:
        working = any(thread.is_alive() for thread in threads)
        page = site.feed.after(cursor, REACH, limit=3)
        read += [(event.log.entry, event.data.party) for event in page.events]
        cursor = page.cursor
        assert working or page.events, "the reader has missed something"
    for thread in threads:
        thread.join()
    numbers = [number for number, _ in read]
    assert numbers == sorted(set(numbers)) == list(range(1, 2 * each + 1))
    assert {name for _, name in read} == {"left", "right"}


def test_who_waits_hears_of_what_comes(site: Site) -> None:
    site.add_contract("one")
    waiting = threading.Thread(target=lambda: found.append(site.feed.wait_after(0, REACH, seconds=30)))
    found: list[object] = []
    waiting.start()
    sent = site.append("one")
    waiting.join(60)
    [page] = found
    assert page == site.feed.after(0, REACH) and page.cursor == sent


def test_who_waits_in_vain_gets_an_empty_page(site: Site) -> None:
    page = site.feed.wait_after(-1, REACH, seconds=0.01)
    assert page.events == () and page.cursor == -1 and not page.more


def test_only_so_many_wait_at_a_time(site: Site) -> None:
    feed = EventFeed(site.database)
    for _ in range(WAITING):
        feed._places.acquire()
    assert feed.wait_after(-1, REACH, seconds=30).events == ()  # at once: nobody frees a place
    feed._places.release()


def test_every_type_has_a_name_and_a_sentence() -> None:
    assert all(re.fullmatch(r"[a-z]+(\.[a-z_]+)+", each.value) for each in EventType)
    assert all(each.description.endswith(".") for each in EventType)
    assert len(OF_KIND) == len(EventType) - 1  # no two of one kind, and the test is of none
