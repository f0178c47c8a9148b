"""What ends with a departure that the directory says, and where open work goes; with a real authority."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from appliance.accounts.sessions import ClientInfo
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ALPHA, CUSTODIAN, OFFICER, ZHANG, ZONE
from appliance.directories.leaving import REASON
from appliance.errors import StateRefused
from appliance.ledger.audit_trail import DIRECTORY
from appliance.ledger.timeline import Timeline
from appliance.model.accounts import AccountRole, AccountState, Strength
from appliance.model.contract import Contract, Deadline
from appliance.model.directories import DirectorySource, DirectoryUser, HeldKind, KnownUser
from appliance.model.mail_merge import BatchOrder, MergeStage, RowState
from appliance.model.notice import NoticeKind
from appliance.model.office import EnrolmentRequestState
from appliance.model.people import Person
from appliance.model.powers import PowerBasis, PowerScope
from appliance.powers.register import PowerDraft
from appliance.store import accounts, directories
from appliance.wiring import Appliance
from tests.batches.stock import published, typed_rows
from tests.directories.house import ADMINISTRATORS
from tests.office.conftest import ask, enter, newcomer
from tests.world import OURS, World, confirm_power, contract_now, know_officer, sample_document, send, shared_world

SCIM = DirectorySource.SCIM
BOTH = frozenset({AccountRole.INITIATOR, AccountRole.SIGNER})


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world(pins=True) as made:
        roles = ["initiator", "signer"]
        directory = replace(made.settings.directory, everybody=roles, most_removed_percent=100)
        yield World(made.home, replace(made.settings, directory=directory))


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    """A house whose directory has ZHANG and, as ZHANG's manager, CUSTODIAN."""
    with world.opened() as opened:
        know_officer(opened)
        enter(opened, OFFICER, AccountRole.OFFICER)
        for person in (ZHANG, CUSTODIAN):
            enter(opened, person.subject, AccountRole.SIGNER)
            opened.directory_accounts.follow(SCIM, of(person))
        [held] = opened.directory_accounts.report().held
        opened.directory_accounts.release(HeldKind.LINK, count=held.count, digest=held.digest, by=ADMINISTRATORS)
        yield opened


def of(person: Person, **changes: object) -> DirectoryUser:
    manager = CUSTODIAN.subject if person is ZHANG else ""
    user = DirectoryUser(person.subject, person.subject, person.name, person.email, manager=manager)
    return replace(user, **changes)  # type: ignore[arg-type]


@pytest.fixture
def gone(appliance: Appliance) -> Iterator[None]:
    """ZHANG comes back after the test."""
    yield
    appliance.directory_accounts.follow(SCIM, of(ZHANG))
    with appliance.database.reading() as tx:
        assert accounts.account(tx, ZHANG.subject).state is AccountState.ACTIVE


def disable(appliance: Appliance) -> KnownUser:
    return appliance.directory_accounts.follow(SCIM, of(ZHANG, enabled=False))


def draft(appliance: Appliance) -> Contract:
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms(title="草稿", kind="采购", purpose="示例", initiator=ZHANG.subject, deadline=deadline)
    return appliance.drafting.draft(sample_document(1), terms)


def acts(appliance: Appliance) -> list[tuple[str, str]]:
    """Kind and actor of every entry of the log."""
    with appliance.database.reading() as tx:
        leaves = [json.loads(each) for each in tx.column(bytes, "SELECT leaf FROM ledger ORDER BY number")]
    return [(each["kind"], each["public"].get("actor", "")) for each in leaves]


def told(appliance: Appliance, kind: NoticeKind) -> list[str]:
    with appliance.database.reading() as tx:
        return tx.column(str, "SELECT about FROM outbox WHERE recipient = ? AND kind = ?", (OFFICER, kind))


@pytest.mark.usefixtures("gone")
def test_open_work_goes_to_the_manager_at_once_and_the_rest_is_listed(appliance: Appliance) -> None:
    contract, made = send(appliance, sample_document(1)), draft(appliance)
    zhang, _, seal = contract.parties
    disable(appliance)
    after = contract_now(appliance, contract.id)
    assert (after.initiator, after.require_party(zhang.id).subject) == (CUSTODIAN.subject, CUSTODIAN.subject)
    assert contract_now(appliance, made.id).initiator == CUSTODIAN.subject
    kept = [each.party.id for each in appliance.handing_over.left_behind(ZHANG.subject) if each.party is not None]
    assert kept == [seal.id], "whoever keeps a seal does not ask for it"
    history = Timeline(appliance.database).of(contract.id, OURS)
    [event] = [each for each in history if each.kind == "party-handed-over"]
    assert (event.facts[0].value, event.by) == (REASON, "")
    [left] = [each for each in appliance.handing_over.left_in_contract(after) if each.party is not None]
    assert left.holder == ZHANG.subject


@pytest.mark.usefixtures("gone")
def test_officers_are_told_to_end_the_certificate(appliance: Appliance) -> None:
    disable(appliance)
    assert set(told(appliance, NoticeKind.DEPARTED)) == {ZHANG.subject}


@pytest.mark.usefixtures("gone")
def test_a_list_that_is_being_sent_rests(appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of its rows: contracts go out in nobody's name who has left."""
    order = BatchOrder(published(appliance).id, typed_rows(3), stage=MergeStage.SENDING)
    merge, make = appliance.mail_merges.create(order, by=ZHANG.subject), appliance.drafting.draft

    def drafting(*args: Any, **kwargs: Any) -> Contract:
        made = make(*args, **kwargs)
        if appliance.database.query(accounts.account, ZHANG.subject).state is AccountState.ACTIVE:
            disable(appliance)
        return made

    monkeypatch.setattr(appliance.drafting, "draft", drafting)
    appliance.merge_rounds.run_round(lanes=1)
    rows = appliance.mail_merges.rows(merge.id, ZHANG.subject)
    assert RowState.SENT not in {each.state for each in rows[1:]}
    open_rows = {each.number for each in rows if each.state in (RowState.WAITING, RowState.MAKING)}
    assert open_rows == {rows[1].number, rows[2].number} and appliance.merge_rounds.run_round() == 0


@pytest.mark.usefixtures("gone")
def test_sessions_end_and_none_opens(appliance: Appliance) -> None:
    with appliance.database.transaction() as tx:
        secret = appliance.sessions.open_session(
            tx, ZHANG.subject, Strength.PASSKEY, ClientInfo("192.0.2.7", "test")
        ).secret
    assert appliance.sessions.find_holder(secret) is not None
    disable(appliance)
    assert appliance.sessions.find_holder(secret) is None
    with pytest.raises(StateRefused, match="not active"):
        appliance.accounts.administration.recover(ZHANG.subject, by=OFFICER)


def test_powers_end_and_stay_ended(appliance: Appliance) -> None:
    terms = PowerDraft(
        basis=PowerBasis.INSTRUMENT,
        grantor=ALPHA,
        principal="钱示例",
        agent=ZHANG.subject,
        scope=PowerScope(),
        since=appliance.now() - timedelta(days=1),
        until=appliance.now() + timedelta(days=30),
    )
    power = appliance.powers.register(terms, sample_document(1), by=CUSTODIAN.subject).id
    confirm_power(appliance, power)
    disable(appliance)
    ended = appliance.powers.get(power)
    assert ended.revoked is not None
    assert "power-revoked" in [kind for kind, actor in acts(appliance) if actor == DIRECTORY]
    appliance.directory_accounts.follow(SCIM, of(ZHANG))
    assert appliance.powers.get(power).revoked == ended.revoked


def test_a_request_for_enrolment_ends_and_none_is_made(world: World, appliance: Appliance) -> None:
    person = newcomer(appliance)
    enter(appliance, person.subject, AccountRole.SIGNER)
    request = ask(appliance, person.subject)
    assert appliance.authority.pending_credentials(person.subject)
    user = replace(of(ZHANG), key="new", login="new", name=person.name, email=person.email)
    appliance.directory_accounts.follow(SCIM, user)
    [held] = appliance.directory_accounts.report().held
    appliance.directory_accounts.release(HeldKind.LINK, count=1, digest=held.digest, by=ADMINISTRATORS)
    appliance.directory_accounts.remove(SCIM, "new")
    found = appliance.office.requests.find_request(request.id)
    assert (found.state, found.decided_by) == (EnrolmentRequestState.WITHDRAWN, DIRECTORY)
    with world.opened(role="scheduler") as scheduler:
        scheduler.office.requests.collect()
    assert appliance.office.requests.waiting() == []


def test_who_is_let_go_after_a_departure_is_gone_for_good(appliance: Appliance) -> None:
    person = newcomer(appliance)
    user = DirectoryUser("leaver", "leaver", person.name, "leaver@enterprise.example")
    subject = str(appliance.directory_accounts.follow(SCIM, user).subject)
    appliance.directory_accounts.remove(SCIM, "leaver")
    assert appliance.office.members.let_go(subject, by=OFFICER) is None
    again = appliance.directory_accounts.follow(SCIM, user)
    assert again.subject not in (None, subject)
    with appliance.database.reading() as tx:
        assert accounts.account(tx, subject).state is AccountState.LEFT
        assert directories.user_of(tx, subject) is None
