"""No list and no count reads a whole table that grows: SQLite's own plan of every query says so."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.acting_client import ClientReach
from appliance.contracts.access import refresh_lists
from appliance.language import Language
from appliance.model.captures import CaptureState, CaptureWork, OrderedCapture, OrderKind
from appliance.model.contract import (
    Contract,
    ContractRevision,
    ContractState,
    Deadline,
    Party,
    PartyKind,
    RevisionKind,
    SigningOrder,
)
from appliance.model.deposits import BatchedState
from appliance.model.directories import DirectorySource
from appliance.model.listing import (
    EVERYTHING,
    ClientFilter,
    ContractBucket,
    ContractFilter,
    ListCursor,
    ListViewer,
)
from appliance.model.mail_merge import MailMerge, MergeParties, MergeStage, RowState
from appliance.model.notice import ChannelKind, NoticeKind
from appliance.model.people import Person
from appliance.model.provisioning import Narrowing, ResourceKind
from appliance.model.retention import DisposalState
from appliance.store import (
    archive_renewals,
    captures,
    client_lists,
    contracts,
    directories,
    directory_health,
    events,
    intents,
    ledger,
    left_captures,
    lists,
    mail_merges,
    members,
    outbox,
    ownership,
    partners,
    people,
    powers,
    reminders,
    retention,
    reviews,
    scim,
    seal_requests,
    webhooks,
)
from appliance.store.database import Database, Transaction

NOW = datetime(2026, 11, 25, tzinfo=UTC)
WHO = "person-one"
_MERGE = MailMerge("batch", WHO, "template", 1, MergeStage.SENDING, MergeParties(), NOW, client="client")
_CAPTURE = OrderedCapture(
    "one", WHO, "https://example.com/", "示例", NOW, CaptureState.WAITING, CaptureWork(NOW), schedule="plan"
)
GROWING = (
    *("contracts", "parties", "involvements", "people", "seal_requests", "deposits", "deposit_files", "ledger"),
    *("contract_events", "revisions", "certificates"),
    *("outbox", "reminders", "reminder_plans", "contract_dates", "calendar_feeds"),
    *("holds", "disposals", "openings", "content_checks", "review_requests", "review_waivers", "review_sign_offs"),
    *("powers", "power_events", "signing_grounds", "identity_records", "webhook_attempts"),
    *("mail_merges", "mail_merge_rows", "mail_merge_faults", "directory_users", "accounts"),
    *("scim_users", "scim_groups", "scim_members", "directory_rounds"),
    *("captures", "capture_files", "capture_schedules", "capture_packages"),
    *("capture_events", "capture_readers", "capture_holds", "capture_disposals"),
    *("deposit_batches", "deposit_batch_rows", "deposit_certificates"),
)
SMALL = {
    *("people_members", "people_members_by_name", "people_members_of", "seal_requests_one_open"),
    *(
        "mail_merges_due",
        "deposit_batches_due",
        "review_requests_queue",
        "powers_waiting",
        "holds_one_stands",
        "capture_holds_one_stands",
        "powers_by_time",
        "outbox_waiting",
        "departures_to_offer",
        "accounts_suspended",
        "directory_users_with_problems",
        "captures_by_time",
        "captures_waiting",
        "captures_running",
    ),
}
"""Indexes of those with accounts, without the guests of all contracts, and of what waits, which may be read whole;
and one that is read in its order as far as the page goes."""

ALIASES = {"c": "contracts", "p": "people", "i": "involvements", "e": "contract_events", "l": "ledger"}
ALIASES |= {"o": "outbox", "d": "contract_dates", "u": "directory_users"}

Query = Callable[[Transaction], object]
FILTERS = (
    ContractFilter(),
    ContractFilter(kind="采购"),
    ContractFilter(since=date(2026, 1, 1), until=date(2026, 2, 1)),
    *(ContractFilter(bucket=bucket) for bucket in ContractBucket),
    ContractFilter(bucket=ContractBucket.DONE, kind="采购", since=date(2026, 1, 1)),
    *(ContractFilter(query=words) for words in ("采", "采购", "采购合同", "a%")),
    *(ContractFilter(party=words) for words in ("李", "李样", "李样本")),
    ContractFilter(query="采购", party="李样本", bucket=ContractBucket.DUE_SOON),
)


def _page(wanted: ContractFilter, person: str, after: ListCursor | None) -> Query:
    return lambda tx: lists.page(tx, ListViewer(person, ("甲公司",)), wanted, after=after, limit=20, soon=NOW)


REACH = ClientReach("client-0123456789abcdef", frozenset({"甲公司"}), frozenset({"采购"}), True, True)
PAGES = [
    pytest.param(_page(wanted, person, after), id=f"{wanted}, {person}, {after}")
    for wanted in FILTERS
    for person in (WHO, EVERYTHING)
    for after in (None, ListCursor("2026-11-25T00:00:00Z", 7))
]


def _for_client(wanted: ClientFilter) -> Query:
    return lambda tx: list(client_lists.candidates(tx, REACH, wanted, None))


OF_CLIENTS = (
    ClientFilter(),
    *(ClientFilter(state=state, kind="采购") for state in ContractState),
    ClientFilter(state=ContractState.SENT),
    ClientFilter(state=ContractState.SENT, changed_since=NOW),
)
OTHERS: Sequence[Query] = (
    *map(_for_client, OF_CLIENTS),
    lambda tx: client_lists.initiator_and_change(tx, "one"),
    lambda tx: members.working_in(tx, ["甲公司"], after="", limit=50),
    lambda tx: members.working_person(tx, ["甲公司"], WHO),
    lambda tx: members.called(tx, WHO),
    lambda tx: members.directory_entry(tx, WHO),
    lambda tx: members.departed(tx, after="", limit=50),
    lambda tx: members.came_back(tx, since=NOW, limit=50),
    members.count_departed,
    lambda tx: people.managers_above(tx, WHO),
    lambda tx: people.manages_somebody(tx, WHO),
    lambda tx: members.working_person(tx, ["甲公司"], "li@example.com"),
    lambda tx: lists.counts(tx, ListViewer(WHO), soon=NOW),
    lambda tx: lists.kinds(tx, ListViewer(WHO)),
    lambda tx: lists.counts(tx, ListViewer(EVERYTHING, ("甲公司",)), soon=NOW),
    lambda tx: lists.kinds(tx, ListViewer(EVERYTHING, ("甲公司",))),
    lambda tx: contracts.load_contract(tx, "one"),
    lambda tx: ledger.history_of(tx, "one"),
    lambda tx: directories.stored_user(tx, DirectorySource.LDAP, "key"),
    lambda tx: directories.user_of(tx, WHO),
    lambda tx: directories.with_login(tx, DirectorySource.LDAP, "li"),
    lambda tx: directories.with_email(tx, "li@example.com"),
    lambda tx: directories.rivals(tx, DirectorySource.LDAP, ["li@example.com"]),
    lambda tx: directories.address_holder(tx, "li@example.com"),
    lambda tx: directories.free_address(tx, "li@example.com"),
    lambda tx: directories.count_departed(tx, DirectorySource.LDAP, NOW),
    lambda tx: directories.manager_changes(tx, DirectorySource.LDAP, "key"),
    lambda tx: directories.to_offer(tx, 50),
    lambda tx: directories.released(tx, 50),
    lambda tx: directories.problems(tx, 50),
    lambda tx: people.has_left(tx, WHO),
    lambda tx: events.sources_after(tx, REACH, 7, 2**62, limit=50),
    lambda tx: events.owner_of(tx, "one"),
    events.newest_entry,
    lambda tx: scim.find(tx, ResourceKind.USER, "x"),
    *(
        lambda tx, kind=kind, by=by: scim.narrowed(tx, kind, by, after=0, limit=50)
        for kind in ResourceKind
        for by in (Narrowing(id="x"), Narrowing(name="x"), Narrowing(external_id="x"))
    ),
    lambda tx: scim.narrowed(tx, ResourceKind.GROUP, Narrowing(member="x"), after=0, limit=50),
    lambda tx: scim.groups_of(tx, "x"),
    lambda tx: scim.members_of(tx, "x"),
    lambda tx: scim.count_members(tx, "x"),
    lambda tx: scim.members_among(tx, "x", ["y"]),
    lambda tx: scim.unknown_among(tx, ["x"]),
    lambda tx: webhooks.attempts_of(tx, "webhook-one", limit=50),
    lambda tx: webhooks.has_old(tx, attempts_before=NOW, secrets_before=NOW),
    lambda tx: members.search(tx, "李", own="甲公司", limit=20),
    lambda tx: people.enrolled_of(tx, "甲公司", "李", limit=50),
    lambda tx: members.members_page(tx, "李", after="person-a", limit=50),
    lambda tx: members.open_contracts(tx, WHO),
    lambda tx: members.possible_custodians(tx, "甲公司", outside=False),
    lambda tx: members.possible_custodians(tx, "丁公司", outside=True),
    lambda tx: members.outside_organisations(tx, "丁", limit=50),
    lambda tx: members.is_outside_organisation(tx, "丁公司"),
    lambda tx: seal_requests.for_custodian(tx, WHO, limit=50),
    lambda tx: seal_requests.of_requester(tx, WHO, limit=50),
    lambda tx: seal_requests.waiting_for(tx, WHO),
    seal_requests.open_requests,
    lambda tx: seal_requests.of_contract(tx, "one"),
    lambda tx: powers.registered_within(tx, "power", ["甲公司"]),
    lambda tx: seal_requests.parties_requested(tx, "0"),
    lambda tx: ownership.of_person(tx, WHO, limit=100),
    lambda tx: ownership.of_digest(tx, "0" * 64, limit=100),
    lambda tx: ownership.within(tx, ["甲公司", "乙公司"], limit=100),
    lambda tx: ownership.same(tx, WHO, "0" * 64, None),
    lambda tx: ownership.files_of(tx, "one", limit=100),
    lambda tx: ownership.successor(tx, "one"),
    lambda tx: ownership.versions(tx, "one"),
    lambda tx: outbox.inbox_messages(tx, WHO, limit=50),
    lambda tx: outbox.count_unseen(tx, WHO),
    lambda tx: outbox.waiting(tx, NOW, channel=ChannelKind.MAIL, urgent=[NoticeKind.RECOVERY], limit=10),
    lambda tx: outbox.waiting(tx, NOW, channel=ChannelKind.GATEWAY, urgent=[], limit=10),
    lambda tx: outbox.newest_about(tx, WHO, NoticeKind.GUEST_CODE, "one.0"),
    lambda tx: outbox.delivery_problems(tx, before=NOW, since=NOW),
    outbox.is_held_up,
    outbox.count_queued,
    lambda tx: contracts.dates_of(tx, "one"),
    lambda tx: outbox.deliveries_of(tx, "one", limit=200),
    lambda tx: reminders.feed_owner(tx, b"x" * 32),
    lambda tx: reminders.feed_deadlines(tx, WHO, limit=500),
    reviews.queue,
    lambda tx: reviews.decided_by(tx, WHO, limit=200),
    lambda tx: reviews.last_request(tx, "one"),
    lambda tx: reviews.checks_of(tx, "one", "0" * 64),
    lambda tx: reviews.waivers(tx, "one", "0" * 64),
    lambda tx: reviews.sign_offs(tx, "one", "0" * 64),
    lambda tx: powers.newest(tx, ["甲公司"], limit=50),
    lambda tx: powers.newest(tx, ["甲公司"], limit=50, before="power"),
    lambda tx: powers.of_agent(tx, WHO),
    lambda tx: powers.of_partner(tx, "partner-one", limit=50),
    lambda tx: partners.search(tx, "公司", limit=50),
    lambda tx: partners.representatives_of(tx, "partner-one"),
    lambda tx: partners.who_can_sign(tx, "李", limit=20),
    lambda tx: partners.contracts_of(tx, "partner-one", reader=None, limit=50),
    lambda tx: partners.contracts_of(tx, "partner-one", reader=WHO, limit=50),
    lambda tx: partners.left_with_work(tx, "partner-one"),
    lambda tx: partners.is_certified(tx, "partner-one"),
    lambda tx: partners.is_address_taken(tx, "li@example.com"),
    lambda tx: powers.waiting(tx, ["甲公司"]),
    lambda tx: people.identities_of(tx, WHO),
    lambda tx: intents.bases_of(tx, "one"),
    lambda tx: retention.carries_power(tx, "one"),
    lambda tx: retention.is_needed(tx, "0" * 64),
    retention.open_holds,
    lambda tx: retention.disposals(tx, DisposalState.PROPOSED),
    lambda tx: retention.disposals(tx, DisposalState.DONE),
    lambda tx: retention.open_holds(tx, of=retention.CAPTURES),
    lambda tx: retention.disposals(tx, DisposalState.PROPOSED, of=retention.CAPTURES),
    lambda tx: archive_renewals.take_unmade(tx, NOW, until=NOW),
    lambda tx: archive_renewals.due(tx, NOW, {}, now=NOW, limit=9, of=archive_renewals.PACKAGES),
    lambda tx: archive_renewals.count_unmade(tx, NOW),
    lambda tx: mail_merges.merges_of(tx, WHO, 50),
    lambda tx: mail_merges.merges_of_client(tx, "client", None, 50),
    lambda tx: mail_merges.merges_of_client(tx, "client", _MERGE, 50),
    mail_merges.due_merges,
    ownership.due_batches,
    lambda tx: ownership.batches_of(tx, WHO, 5),
    lambda tx: ownership.old_batches(tx, NOW),
    lambda tx: ownership.batched(tx, "batch", after=20, limit=100),
    lambda tx: ownership.batched(tx, "batch", limit=20, state=BatchedState.WAITING),
    lambda tx: ownership.count_batched(tx, "batch"),
    lambda tx: ownership.made_of(tx, "batch"),
    lambda tx: ownership.of_digest(tx, "0" * 64, limit=100),
    lambda tx: ownership.newest_by_name(tx, WHO, ["a.jpg", "b.jpg"]),
    lambda tx: ownership.certificate_of(tx, "one"),
    lambda tx: ownership.versions(tx, "one"),
    lambda tx: ownership.same(tx, WHO, "0" * 64, None),
    lambda tx: mail_merges.next_rows(tx, _MERGE, 16),
    lambda tx: mail_merges.rows_after(tx, "batch", 0, 500),
    lambda tx: mail_merges.rows_after(tx, "batch", 0, 500, RowState.FAILED),
    lambda tx: mail_merges.counts_of(tx, "batch"),
    lambda tx: mail_merges.faults_after(tx, "batch", 0, 500),
    lambda tx: mail_merges.rest(tx, "batch"),
    lambda tx: mail_merges.old_merges(tx, NOW, 1),
    directory_health.count_problems,
    directory_health.held_counts,
    lambda tx: directory_health.count_users(tx, DirectorySource.LDAP),
    lambda tx: directory_health.rounds_so_far(tx, DirectorySource.LDAP),
    lambda tx: directories.has_users(tx, DirectorySource.SCIM),
    lambda tx: directories.last_round(tx, DirectorySource.SCIM),
    lambda tx: directories.last_success(tx, DirectorySource.SCIM),
    scim.has_unfollowed,
    lambda tx: directory_health.lasting_departures(tx, before=NOW),
    *(lambda tx, after=after: captures.captures_of(tx, WHO, after, 50) for after in (None, "one")),
    *(
        lambda tx, after=after: captures.captures_of_organisation(tx, "甲公司", after, 50)
        for after in (None, "one")
    ),
    *(lambda tx, after=after: captures.captures_within(tx, REACH, after, 50) for after in (None, "one")),
    *(lambda tx, after=after: captures.schedules_within(tx, REACH, after, 50) for after in (None, "one")),
    *(lambda tx, after=after: captures.captures_by_plan(tx, "plan", 50, after=after) for after in (None, "one")),
    *(lambda tx, after=after: captures.captures_shared_with(tx, WHO, after, 50) for after in (None, "one")),
    lambda tx: captures.schedules_shared_with(tx, WHO, 50),
    lambda tx: captures.is_shared_with(tx, "one", WHO),
    lambda tx: captures.readers_of(tx, OrderKind.SCHEDULE, "plan"),
    lambda tx: captures.count_ordered(tx, WHO, NOW),
    lambda tx: captures.count_ahead(tx, "one", NOW),
    lambda tx: captures.next_waiting(tx, NOW),
    captures.under_way,
    lambda tx: captures.one_before(tx, _CAPTURE),
    lambda tx: captures.to_dispose(tx, NOW, 50),
    lambda tx: captures.files_of(tx, "one"),
    lambda tx: captures.to_finish(tx, 1),
    lambda tx: captures.schedules_of(tx, WHO, 50),
    lambda tx: captures.count_running_schedules(tx, WHO),
    lambda tx: left_captures.left_captures(tx, 50),
    lambda tx: left_captures.left_by(tx, WHO),
    left_captures.count_resting,
    lambda tx: captures.came_due(tx, None, "2026-01-01T00:00:00Z"),
    lambda tx: captures.told_of_due(tx, WHO),
    lambda tx: left_captures.orders_left(tx, WHO, 100),
    lambda tx: captures.due_schedules(tx, NOW),
    lambda tx: captures.has_one_under_way(tx, "plan"),
)


class Watched(Transaction):
    """A transaction that asks SQLite for the plan of each statement before it runs."""

    def __init__(self, tx: Transaction) -> None:  # what else a transaction does, it does by execute
        self._tx = tx
        self.plans: list[str] = []

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite.Cursor:
        plan = self._tx.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        self.plans += [detail for *_, detail in plan]
        return self._tx.execute(statement, values)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(tmp_path_factory.mktemp("plans") / "vermilion.db")
    with database.transaction() as tx:
        people.insert_person(tx, _person(), b"certificate")
        tx.execute(
            "INSERT INTO seals (subject, organisation, kind, width_mm) VALUES ('seal-one', '甲公司', '公章', 40)"
        )
        tx.execute("INSERT INTO custodians VALUES ('seal-one', ?)", (WHO,))
        contract = _contract()
        contracts.insert_contract(tx, contract)
        for party in contract.parties:
            contracts.insert_party(tx, contract.id, party)
        refresh_lists(tx, contract.id)
    yield database
    database.close()


@pytest.mark.parametrize("query", [*PAGES, *OTHERS])
def test_a_list_or_a_count_walks_an_index(database: Database, query: Query) -> None:
    with database.reading() as tx:
        watched = Watched(tx)
        query(watched)

    assert watched.plans
    for step in watched.plans:
        scanned = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
        if scanned is not None and scanned[2] not in SMALL:
            assert ALIASES.get(scanned[1], scanned[1]) not in GROWING, step


@pytest.mark.parametrize("kinds", [frozenset(), frozenset({"采购", "租赁"})])
@pytest.mark.parametrize("wanted", OF_CLIENTS)
def test_what_a_client_lists_is_found_by_its_organisations(
    database: Database, wanted: ClientFilter, kinds: frozenset[str]
) -> None:
    """Beside a million contracts of others, too: each step goes straight to one organisation's, in order."""
    reach = ClientReach("client-0123456789abcdef", frozenset({"甲公司", "乙公司"}), kinds)
    with database.reading() as tx:
        watched = Watched(tx)
        list(client_lists.candidates(watched, reach, wanted, None))

    of_kind = r" AND kind=\?" if kinds or wanted.kind else ""
    assert len(watched.plans) == 2 * len(kinds if kinds and not wanted.kind else [""])
    for step in watched.plans:
        assert re.fullmatch(
            rf"SEARCH contracts USING (COVERING )?INDEX \w+ \(organisation=\?{of_kind} AND .*\)", step
        ), step


def test_a_clients_events_are_found_by_its_organisations(database: Database) -> None:
    with database.reading() as tx:
        watched = Watched(tx)
        events.sources_after(watched, REACH, 7, 2**62, limit=50)

    leaf = "SEARCH l USING INTEGER PRIMARY KEY (rowid=?)"
    assert watched.plans[:4] == [
        "SEARCH e USING COVERING INDEX contract_events_of_organisation (organisation=? AND entry>? AND entry<?)",
        leaf,
        "SEARCH e USING COVERING INDEX deposits_of_organisation (organisation=? AND entry>? AND entry<?)",
        leaf,
    ]
    assert watched.plans[4] == "SEARCH e USING PRIMARY KEY (client=? AND entry>? AND entry<?)"


@pytest.mark.parametrize("bucket", [None, *ContractBucket])
def test_a_page_of_a_list_is_not_sorted(database: Database, bucket: ContractBucket | None) -> None:
    with database.reading() as tx:
        watched = Watched(tx)
        lists.page(watched, ListViewer(WHO), ContractFilter(bucket=bucket), after=None, limit=20, soon=NOW)

    candidates = itertools.takewhile(lambda step: not step.startswith("SCAN candidates"), watched.plans)
    assert not [step for step in candidates if "B-TREE" in step]


def _person() -> Person:
    return Person(WHO, "李样本", "甲公司", "li@example.com", Language.CHINESE, "Asia/Shanghai")


def _contract() -> Contract:
    party = Party("party", 1, PartyKind.PERSON, WHO, "李样本", "甲公司", None, "person-1", None)
    return Contract(
        id="one",
        title="设备采购合同",
        kind="采购",
        purpose="示例",
        initiator=WHO,
        order=SigningOrder.SEQUENTIAL,
        deadline=Deadline(NOW, "Asia/Shanghai"),
        state=ContractState.SENT,
        created=NOW,
        pages=1,
        parties=(party,),
        revisions=(ContractRevision(0, RevisionKind.ORIGINAL, "0" * 64, 1, NOW),),
    )
