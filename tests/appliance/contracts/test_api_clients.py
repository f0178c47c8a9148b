"""What is done for an API client is held to its reach by the one access check, whatever workflow is called."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from appliance.acting_client import ClientReach, acting_for
from appliance.api_clients import new_client_id
from appliance.contracts.access import Command, admit
from appliance.contracts.draft_rules import DraftTerms
from appliance.contracts.permissions import ACTING_CLIENT, APPLIANCE, Permission, permissions_of
from appliance.demonstration.participants import LI, ZHANG, ZONE
from appliance.errors import ApplianceError, NotFound, PreconditionRefused
from appliance.evidence.exporting import Exporting
from appliance.evidence.history import PackageEvent
from appliance.evidence.readme import event_facts
from appliance.language import chinese_messages
from appliance.ledger.disclosure import Audience
from appliance.ledger.timeline import Timeline
from appliance.listing import ContractLists
from appliance.listing.contract_ledger import LedgerReader
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.api_clients import ApiClient, ClientAuthentication, ClientTerms, Scope
from appliance.model.contract import Contract, ContractState, Deadline, GuestDetails
from appliance.model.contract_ledger import LedgerFilter
from appliance.model.intent import SigningOrigin
from appliance.model.listing import ClientFilter, ContractFilter
from appliance.store import accounts, ledger
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.appliance.contracts.cast import contract_in, who
from tests.appliance.contracts.samples import NOON
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import unpack
from tests.world import OURS, World, confirm, contract_now, sample_document, send, sequenced

BY = ZHANG.subject
BUYING = frozenset({"采购"})


def made(
    appliance: Appliance, organisation: str = ZHANG.organisation, kinds: frozenset[str] = BUYING
) -> ApiClient:
    """A client, under a name of its own."""
    client = new_client_id()
    terms = ClientTerms(client, frozenset(Scope), frozenset({organisation}), kinds)
    return appliance.api_clients.create(client, terms, ClientAuthentication(secret=bytes(32)), by="root")


@pytest.fixture
def client(appliance: Appliance) -> ApiClient:
    return made(appliance)


def terms(appliance: Appliance, kind: str = "采购", initiator: str = BY) -> DraftTerms:
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    return DraftTerms(title="备件合同", kind=kind, purpose="采购示例备件", initiator=initiator, deadline=deadline)


def drafted(appliance: Appliance, kind: str = "采购") -> Contract:
    return appliance.drafting.draft(sample_document(1), terms(appliance, kind))


def draft_to_send(appliance: Appliance) -> Contract:
    draft = drafted(appliance)
    for person in (ZHANG, LI):
        appliance.drafting.add_person(draft.id, subject=person.subject, by=BY)
    return contract_now(appliance, draft.id)


def refused(said: str, asked: Callable[[], object], kind: type[ApplianceError] = PreconditionRefused) -> None:
    with pytest.raises(kind, match=said):
        asked()


def unknown(contract: Contract, asked: Callable[[], object]) -> None:
    """The very refusal of a contract that does not exist."""
    with pytest.raises(NotFound) as raised:
        asked()
    assert str(raised.value) == f"There is no contract {contract.id}."


def test_a_client_drafts_sends_and_recalls_in_a_persons_name(appliance: Appliance, client: ApiClient) -> None:
    with acting_for(client.reach):
        draft = draft_to_send(appliance)
        assert (draft.api_client, draft.initiator) == (client.id, BY)
        appliance.annexes.attach(draft.id, "附件.txt", "示例".encode(), by=BY)
        revised = appliance.drafting.revise(draft.id, replace(terms(appliance), title="备件合同二"), by=BY)
        assert (revised.title, revised.api_client) == ("备件合同二", client.id)
        assert appliance.sending.send(draft.id, by=BY).state is ContractState.SENT
        later = Deadline(appliance.now() + timedelta(days=9), ZONE)
        appliance.endings.extend(draft.id, later, by=BY)
        recalled = appliance.endings.recall(draft.id, by=BY, reason="条款有误")
        again = appliance.drafting.draft_again(draft.id, by=BY)
        assert (recalled.state, again.api_client) == (ContractState.RECALLED, client.id)
        assert appliance.drafting.draft_again(draft.id, by=BY).id == again.id
        assert appliance.drafting.duplicate(draft.id, by=BY).api_client == client.id
        appliance.endings.discard(again.id, by=BY)
    assert appliance.contracts.read_contract(draft.id, BY).api_client == client.id


def test_every_entry_that_a_client_causes_names_it(appliance: Appliance, client: ApiClient) -> None:
    by_person = drafted(appliance)
    with acting_for(client.reach):
        draft = draft_to_send(appliance)
    appliance.sending.send(draft.id, by=BY)
    with appliance.database.reading() as tx:
        told = [json.loads(leaf)["public"] for _, leaf, _ in ledger.history_of(tx, draft.id)]
        before = [json.loads(leaf)["public"] for _, leaf, _ in ledger.history_of(tx, by_person.id)]
    assert [each.get("client") for each in told] == [client.id] * 3 + [None]
    assert {each["actor"] for each in told} == {BY}
    assert all("client" not in each for each in before)


def test_the_timeline_says_through_which_client(appliance: Appliance, client: ApiClient) -> None:
    with acting_for(client.reach):
        draft = draft_to_send(appliance)
        appliance.sending.send(draft.id, by=BY)
    own, theirs = (
        Timeline(appliance.database).of(draft.id, audience) for audience in (OURS, Audience.of_person(LI))
    )
    shown = [[fact.value for fact in event.facts if fact.label == "Through the API client"] for event in own]
    assert shown == [[client.name]] * 4
    [sent] = [event for event in theirs if event.kind == "contract-sent"]
    assert [fact.value for fact in sent.facts if fact.label == "Through the API client"] == [client.id]


def test_what_people_drafted_is_read_once_it_is_sent_and_never_changed(
    appliance: Appliance, client: ApiClient
) -> None:
    draft, sent = draft_to_send(appliance), send(appliance, sample_document(1))
    with acting_for(client.reach):
        assert appliance.contracts.read_contract(sent.id, BY) == sent
        assert appliance.contracts.read_contract(sent.id, ACTING_CLIENT) == sent
        refused("was not made by this API client", lambda: appliance.endings.recall(sent.id, by=BY, reason="示例"))
        refused("was not made by this API client", lambda: appliance.drafting.duplicate(sent.id, by=BY))
        unknown(draft, lambda: appliance.contracts.read_contract(draft.id, BY))
        unknown(draft, lambda: appliance.contracts.read_contract(draft.id, ACTING_CLIENT))
        unknown(draft, lambda: appliance.sending.send(draft.id, by=BY))
        unknown(draft, lambda: appliance.annexes.attach(draft.id, "附件.txt", b"text", by=BY))
    assert contract_now(appliance, sent.id) == sent and contract_now(appliance, draft.id) == draft


@pytest.mark.parametrize("other", ["organisation", "kind"])
def test_what_is_out_of_reach_does_not_exist(appliance: Appliance, other: str) -> None:
    client = (
        made(appliance, LI.organisation) if other == "organisation" else made(appliance, kinds=frozenset("租"))
    )
    sent = send(appliance, sample_document(1))
    with acting_for(client.reach):
        for by in (BY, ACTING_CLIENT, APPLIANCE, who("auditor")):
            unknown(sent, lambda by=by: appliance.contracts.read_contract(sent.id, by))  # type: ignore[misc]
        unknown(sent, lambda: appliance.endings.recall(sent.id, by=BY, reason="示例"))
        command = Command(sent.id, Permission.READ, BY, appliance.now(), seen=1, party="no party of it")
        unknown(sent, lambda: appliance.database.query(admit, command))
        assert Timeline(appliance.database).of("0" * 24, OURS) == ()
    assert appliance.contracts.read_contract(sent.id, BY) == sent


def test_another_clients_contract_is_read_and_not_changed(appliance: Appliance, client: ApiClient) -> None:
    with acting_for(made(appliance).reach):
        draft, sent = drafted(appliance), draft_to_send(appliance)
        appliance.sending.send(sent.id, by=BY)
    with acting_for(client.reach):
        unknown(draft, lambda: appliance.drafting.revise(draft.id, terms(appliance), by=BY))
        assert appliance.contracts.read_contract(sent.id, ACTING_CLIENT).state is ContractState.SENT
        refused("was not made by this API client", lambda: appliance.endings.recall(sent.id, by=BY, reason="示例"))


def test_a_successor_that_a_person_drafted_stays_unseen(appliance: Appliance, client: ApiClient) -> None:
    with acting_for(client.reach):
        sent = draft_to_send(appliance)
        appliance.sending.send(sent.id, by=BY)
        appliance.endings.recall(sent.id, by=BY, reason="条款有误")
    successor = appliance.drafting.draft_again(sent.id, by=BY)
    assert successor.api_client is None
    with acting_for(client.reach):
        unknown(successor, lambda: appliance.drafting.draft_again(sent.id, by=BY))
        contract = appliance.contracts.read_contract(sent.id, ACTING_CLIENT)
        assert appliance.drafting.links(contract, ACTING_CLIENT).replaced_by is None


def test_nothing_is_drafted_out_of_reach(appliance: Appliance, client: ApiClient) -> None:
    with acting_for(client.reach):
        refused("of these types: 采购", lambda: drafted(appliance, "租赁"))
        other = terms(appliance, initiator=LI.subject)
        refused(f"{LI.name} is not one", lambda: appliance.drafting.draft(sample_document(1), other))
        draft = drafted(appliance)
        refused(
            "of these types: 采购",
            lambda: appliance.drafting.revise(draft.id, terms(appliance, "租赁"), by=BY),
        )
    assert contract_now(appliance, draft.id).kind == "采购"


@contextmanager
def account(appliance: Appliance, state: AccountState, role: AccountRole) -> Iterator[None]:
    """Zhang has an account in the block."""
    with appliance.database.transaction() as tx:
        accounts.insert_account(tx, BY, "zhang", handle=bytes(16), now=appliance.now())
        accounts.set_password(tx, BY, "$argon2id$not-used")
        accounts.set_state(tx, BY, state)
        accounts.set_roles(tx, BY, [role])
    try:
        yield
    finally:
        with appliance.database.transaction() as tx:
            tx.execute("DELETE FROM account_roles WHERE subject = ?", (BY,))
            tx.execute("DELETE FROM accounts WHERE subject = ?", (BY,))


def test_a_client_does_in_nobodys_name_what_they_could_not(appliance: Appliance, client: ApiClient) -> None:
    with acting_for(client.reach):
        draft = draft_to_send(appliance)
        with account(appliance, AccountState.ACTIVE, AccountRole.INITIATOR):
            drafted(appliance)
        for state, role in (
            (AccountState.SUSPENDED, AccountRole.INITIATOR),
            (AccountState.ACTIVE, AccountRole.SIGNER),
        ):
            with account(appliance, state, role):
                refused("may not start contracts", lambda: drafted(appliance))
                refused("may not start contracts", lambda: appliance.sending.send(draft.id, by=BY))
                assert appliance.contracts.read_contract(draft.id, ACTING_CLIENT).id == draft.id


def test_no_client_signs_though_its_initiator_does(appliance: Appliance, client: ApiClient) -> None:
    said = "people sign, decline, comment and declare void themselves"
    with acting_for(client.reach):
        sent = draft_to_send(appliance)
        sent = appliance.sending.send(sent.id, by=BY)
        own = sent.parties[0].id
        assert sent.parties[0].subject == BY
        refused(said, lambda: appliance.signing.open(sent.id, own, SigningOrigin()))
        refused(said, lambda: appliance.cycle.prepare(sent.id, own))
        refused(said, lambda: appliance.endings.decline(sent.id, own, reason="示例", by=BY))
        hand_over = appliance.handing_over.hand_over
        refused(said, lambda: hand_over(sent.id, own, to=LI.subject, reason="示例", by=BY))
    opened = appliance.signing.open(sent.id, own, SigningOrigin())
    with acting_for(client.reach):
        refused(said, lambda: appliance.signing.sign(opened.intent.id, SigningOrigin()))
    assert contract_now(appliance, sent.id).on_turn == (sent.parties[0],)


def test_what_begins_with_reading_and_changes_is_held_to_it_too(appliance: Appliance, client: ApiClient) -> None:
    sent = send(appliance, sample_document(1))
    person, party = "people do it themselves", sent.parties[1].id
    guest = GuestDetails("郭访客", "guo@guest.example", "外部示例有限公司")
    with acting_for(client.reach):
        own = "was not made by this API client"
        refused(own, lambda: appliance.reminders.dates.change_dates(sent.id, {}, by=BY))
        refused(own, lambda: appliance.guests.new_code(sent.id, party, by=BY))
        refused(own, lambda: appliance.guests.code(sent.id, party, by=BY))
        refused(own, lambda: appliance.correcting.correct(sent.id, party, guest, by=BY))
        refused(person, lambda: appliance.reading.show_next(sent.id, by=BY))
        refused(person, lambda: appliance.vouchings.open(sent.id, by=BY))
        refused(person, lambda: appliance.handing_over.take_over(sent.id, to=LI.subject, reason="示例", by=BY))
        refused(person, lambda: appliance.handing_over.reassign(sent.id, party, to=BY, reason="示例", by=BY))
        refused(person, lambda: appliance.reviewing.sign_off(sent.id, by=LI.subject))
        refused(person, lambda: appliance.reviewing.queue(LI.subject))
    assert contract_now(appliance, sent.id) == sent


@pytest.mark.parametrize("state", ContractState)
def test_the_table_for_clients(state: ContractState) -> None:
    """What the initiator may do, less what people do themselves; of contracts of others only what reads."""
    reach = ClientReach("client-0123456789abcdef", frozenset({"示例"}))
    contract = contract_in(state)
    by_person = {act for act, no in permissions_of(contract, who("initiator"), NOON).items() if no is None}
    people_only = {Permission.SIGN, Permission.DECLINE, Permission.HAND_OVER, Permission.COMMENT}
    people_only |= {Permission.AGREE_TO_VOID, Permission.REFUSE_TO_VOID}
    reading = {Permission.READ, Permission.EXPORT}
    with acting_for(reach):
        for maker, expected in ((reach.client, by_person - people_only), (None, by_person & reading)):
            answers = permissions_of(replace(contract, api_client=maker), who("initiator"), NOON)
            assert {act for act, no in answers.items() if no is None} == expected
            assert all(no is None or no.template in chinese_messages() for no in answers.values())
            alone = permissions_of(replace(contract, api_client=maker), ACTING_CLIENT, NOON)
            assert {act for act, no in alone.items() if no is None} == expected & reading
    without = permissions_of(contract, ACTING_CLIENT, NOON)
    assert all(no is not None and no.values == {} for no in without.values())


def listed(appliance: Appliance, **wanted: object) -> set[str]:
    """What the client that acts lists, page by page."""
    found, after = set[str](), None
    while True:
        page = appliance.client_contracts.page(ClientFilter(**wanted), after=after, limit=3)  # type: ignore[arg-type]
        found |= {each.contract.id for each in page.contracts}
        after = page.next
        if after is None:
            return found


def test_lists_have_what_a_client_can_read_and_nothing_else(appliance: Appliance) -> None:
    clients = [made(appliance), made(appliance, kinds=frozenset()), made(appliance, LI.organisation)]
    drafted(appliance), drafted(appliance, "租赁"), send(appliance, sample_document(1))
    for client, kind in product(clients[:2], ("采购", "租赁")):
        if client.reach.covers(ZHANG.organisation, kind):
            with acting_for(client.reach):
                drafted(appliance, kind)
    with appliance.database.reading() as tx:
        every = tx.column(str, "SELECT id FROM contracts")
    for client in clients:
        with acting_for(client.reach):
            readable = set()
            for each in every:
                try:
                    readable.add(appliance.contracts.read_contract(each, ACTING_CLIENT).id)
                except NotFound:
                    continue
            assert listed(appliance) == readable
            assert listed(appliance, kind="采购") | listed(appliance, kind="租赁") == readable
            assert listed(appliance, changed_since=NOON - timedelta(days=9999)) == readable
            by_state = [listed(appliance, state=state) for state in ContractState]
            assert set[str]().union(*by_state) == readable
        assert bool(readable) is (client is not clients[2])


def test_no_client_sees_the_lists_of_people(appliance: Appliance, client: ApiClient) -> None:
    reader = LedgerReader(BY, frozenset({AccountRole.INITIATOR}), OURS, ZHANG.organisation, ZONE)
    lists, ledger_of_people = appliance.listing, appliance.contract_ledger
    people_only = "people do it themselves"
    with acting_for(client.reach):
        for subject in (ContractLists.EVERYTHING, BY):
            refused(people_only, lambda subject=subject: lists.list_page(subject, ContractFilter()))  # type: ignore[misc]
            refused(people_only, lambda subject=subject: lists.count_buckets(subject))  # type: ignore[misc]
            refused(people_only, lambda subject=subject: lists.list_kinds(subject))  # type: ignore[misc]
        refused(people_only, lambda: ledger_of_people.page(reader, LedgerFilter()))
        refused(people_only, lambda: list(ledger_of_people.rows(reader, LedgerFilter())))
    assert lists.list_page(BY, ContractFilter()).rows and ledger_of_people.page(reader, LedgerFilter()).rows


def completed(appliance: Appliance, client: ApiClient) -> Contract:
    """What a client made and sent, and people signed."""
    with acting_for(client.reach):
        sent = appliance.sending.send(draft_to_send(appliance).id, by=BY)
    for party in sent.parties:
        prepared = appliance.cycle.prepare(sent.id, party.id)
        confirm(appliance, prepared.intent)
        appliance.cycle.sign(prepared.id)
        appliance.cycle.complete(prepared.id)
    appliance.finalisation.finalise(sent.id)
    return contract_now(appliance, sent.id)


def test_evidence_says_through_which_client_and_holds(
    appliance: Appliance, world: World, client: ApiClient, tmp_path: Path
) -> None:
    contract = completed(appliance, client)
    elsewhere = made(appliance, LI.organisation)
    with sequenced(appliance, world):
        with acting_for(client.reach):
            ours = Exporting(appliance).export(contract.id, OURS, by=ACTING_CLIENT).package
        theirs = Exporting(appliance).export(contract.id, Audience.of_person(LI)).package
        with acting_for(elsewhere.reach):
            unknown(contract, lambda: Exporting(appliance).export(contract.id, OURS, by=ACTING_CLIENT))
            unknown(contract, lambda: Exporting(appliance).export(contract.id, OURS))
    for package, named in ((ours, True), (theirs, False)):
        assert appliance.verifier.verify(package, file="evidence.zip").indication is Indication.PASSED
        folder = unpack(package, tmp_path / str(named))
        for checker in CHECKERS:
            status, said = check(checker, folder)
            assert status == 0, said
        history = json.loads((folder / "history/history.json").read_bytes())
        told = [each["public"].get("client") for each in history["events"] if each["kind"] == "contract-sent"]
        assert told == [client.id]
        assert (history["names"].get(client.id) == client.name) is named


def test_pages_of_evidence_have_the_words(appliance: Appliance) -> None:
    event = PackageEvent(1, "contract-sent", NOON, BY, {"client": "client-0123456789abcdef"}, {})
    facts = dict(event_facts(event, {"client-0123456789abcdef": "ERP 示例"}, ZONE))
    assert facts == {"Through the API client": "ERP 示例"}
