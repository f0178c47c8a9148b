"""Somebody leaves with open contracts: who takes what over, who decides it, and what ends by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import (
    ALPHA,
    CUSTODIAN,
    OFFICER,
    ZHANG,
    ZONE,
)
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.timeline import Timeline
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.contract import Contract, Deadline, SigningOrder
from appliance.model.notice import NoticeKind
from appliance.model.powers import PowerBasis, PowerScope
from appliance.powers.register import PowerDraft
from appliance.seal_requests.status import Lapse, lapse_of
from appliance.store import accounts
from appliance.wiring import Appliance
from tests.office.conftest import VERIFIED, ask, enter, newcomer, perform
from tests.world import OURS, confirm, confirm_by, confirm_power, contract_now, know_officer, sample_document, send

WHY = "前任已离职"
ROLES = {
    ZHANG.subject: (AccountRole.INITIATOR, AccountRole.SIGNER),
    CUSTODIAN.subject: (AccountRole.INITIATOR, AccountRole.SIGNER, AccountRole.CUSTODIAN),
    OFFICER: (AccountRole.OFFICER,),
}


@contextmanager
def gone(appliance: Appliance, subject: str) -> Iterator[None]:
    """*subject* has left; back again afterwards, for the next test."""
    with appliance.database.transaction() as tx:
        accounts.set_state(tx, subject, AccountState.LEFT)
    try:
        yield
    finally:
        with appliance.database.transaction() as tx:  # nobody comes back: this is somebody new of the same name
            for table in ("account_roles", "accounts"):
                tx.execute(f"DELETE FROM {table} WHERE subject = ?", (subject,))  # noqa: S608 -- literals above
        enter(appliance, subject, *ROLES[subject])


@pytest.fixture(scope="module", autouse=True)
def _accounts(appliance: Appliance) -> None:
    know_officer(appliance)
    for subject, roles in ROLES.items():
        enter(appliance, subject, *roles)


def draft(appliance: Appliance) -> Contract:
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms(title="草稿", kind="采购", purpose="示例", initiator=ZHANG.subject, deadline=deadline)
    return appliance.drafting.draft(sample_document(1), terms)


def told(appliance: Appliance, recipient: str, contract: Contract) -> list[str]:
    with appliance.database.reading() as tx:
        rows = tx.execute("SELECT kind FROM outbox WHERE recipient = ? AND contract = ?", (recipient, contract.id))
        return [row[0] for row in rows]


def test_an_officer_names_who_signs_instead(appliance: Appliance) -> None:
    contract = send(appliance, sample_document(1))
    zhang, _, seal = contract.parties
    with gone(appliance, ZHANG.subject):
        left = appliance.handing_over.left_behind(ZHANG.subject)
        mine = [each for each in left if each.contract.id == contract.id]
        assert [None if each.party is None else each.party.id for each in mine] == [None, zhang.id, seal.id]
        assert CUSTODIAN.subject in {one.subject for one in mine[1].candidates.people}
        after = appliance.handing_over.reassign(
            contract.id, zhang.id, to=CUSTODIAN.subject, reason=WHY, by=OFFICER
        )
    assert after.parties[0].subject == CUSTODIAN.subject
    assert NoticeKind.YOUR_TURN in told(appliance, CUSTODIAN.subject, contract)
    event = Timeline(appliance.database).of(contract.id, OURS)[-1]
    assert (event.kind, event.facts[0].value) == ("party-handed-over", WHY)


def test_only_officer_or_initiator_decide_and_only_for_who_has_left(appliance: Appliance) -> None:
    contract = send(appliance, sample_document(1))
    zhang = contract.parties[0]
    with pytest.raises(StateRefused, match="still here"):
        appliance.handing_over.reassign(contract.id, zhang.id, to=CUSTODIAN.subject, reason=WHY, by=OFFICER)
    with gone(appliance, ZHANG.subject):
        for by in (CUSTODIAN.subject, ZHANG.subject, "person-li"):
            with pytest.raises(PreconditionRefused, match="Only an officer or the initiator"):
                appliance.handing_over.reassign(contract.id, zhang.id, to=CUSTODIAN.subject, reason=WHY, by=by)
        with pytest.raises(PreconditionRefused, match="reason"):
            appliance.handing_over.reassign(contract.id, zhang.id, to=CUSTODIAN.subject, reason=" ", by=OFFICER)
        with pytest.raises(PreconditionRefused, match=f"not of {ALPHA}"):
            appliance.handing_over.reassign(contract.id, zhang.id, to="person-li", reason=WHY, by=OFFICER)
    assert contract_now(appliance, contract.id) == contract


def test_a_draft_gets_another_owner(appliance: Appliance) -> None:
    made = draft(appliance)
    with gone(appliance, ZHANG.subject):
        with pytest.raises(PreconditionRefused, match="cannot start contracts"):
            appliance.handing_over.take_over(made.id, to="person-li", reason=WHY, by=OFFICER)
        after = appliance.handing_over.take_over(made.id, to=CUSTODIAN.subject, reason=WHY, by=OFFICER)
    assert after.initiator == CUSTODIAN.subject
    assert NoticeKind.TAKEN_OVER in told(appliance, CUSTODIAN.subject, made)
    with pytest.raises(PreconditionRefused):
        appliance.endings.discard(made.id, by=ZHANG.subject)
    appliance.endings.discard(made.id, by=CUSTODIAN.subject)


def test_the_powers_of_who_leaves_end_at_once(appliance: Appliance) -> None:
    leaver = newcomer(appliance)
    enter(appliance, leaver.subject, AccountRole.SIGNER)
    terms = PowerDraft(
        basis=PowerBasis.INSTRUMENT,
        grantor=ALPHA,
        principal="钱示例",
        agent=leaver.subject,
        scope=PowerScope(),
        since=appliance.now() - timedelta(days=1),
        until=appliance.now() + timedelta(days=30),
    )
    registered = appliance.powers.register(terms, sample_document(1), by=CUSTODIAN.subject)
    with pytest.raises(PreconditionRefused, match="not enrolled"):
        confirm_power(appliance, registered.id)
    request = ask(appliance, leaver.subject)
    perform(appliance, appliance.office.drafts.draft_enrolment(request.id, verified=VERIFIED, by=OFFICER))
    verified = confirm_power(
        appliance, appliance.powers.register(terms, sample_document(1), by=CUSTODIAN.subject).id
    )
    leaving = appliance.office.members.let_go(leaver.subject, by=OFFICER)
    assert leaving is not None
    perform(appliance, leaving)
    for power in (registered, verified):
        ended = appliance.powers.get(power.id)
        assert ended.revoked is not None
        assert ended.revoked.by == OFFICER


def test_a_request_for_a_seal_lapses_when_who_asked_leaves(appliance: Appliance) -> None:
    contract = send(appliance, sample_document(1), order=SigningOrder.PARALLEL)
    for party in contract.parties[:2]:
        prepared = appliance.cycle.prepare(contract.id, party.id)
        confirm(appliance, prepared.intent)
        appliance.cycle.sign(prepared.id)
        appliance.cycle.complete(prepared.id)
    prepared = appliance.cycle.prepare(contract.id, contract.parties[2].id)
    proposed = appliance.seal_requests.propose(prepared.id, by=ZHANG.subject, reason="盖章")
    confirm_by(appliance, ZHANG.subject, proposed.intent)
    asked = appliance.seal_requests.ask(prepared.id, by=ZHANG.subject)
    with appliance.database.reading() as tx:
        assert lapse_of(tx, asked, appliance.now()) is None
    with gone(appliance, CUSTODIAN.subject), appliance.database.reading() as tx:
        assert lapse_of(tx, asked, appliance.now()) is Lapse.NO_CUSTODIAN
    with gone(appliance, ZHANG.subject), appliance.database.reading() as tx:
        assert lapse_of(tx, asked, appliance.now()) is Lapse.LEFT
