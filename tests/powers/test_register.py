"""The register: one registers, a second verifies; what a letter cannot be is refused; what was decided stays."""

from __future__ import annotations

from datetime import timedelta

import pysqlite3
import pytest

from appliance.demonstration.participants import ALPHA, BETA, CONTRACT_SEAL, CUSTODIAN, LI, OFFICER, ZHANG
from appliance.errors import DocumentRefused, NotFound, PreconditionRefused, StateRefused
from appliance.model.accounts import AccountRole, NewAccount
from appliance.model.powers import PowerBasis, PowerScope, PowerState
from appliance.wiring import Appliance
from tests.powers.conftest import LETTER, Office
from tests.world import OURS, confirm, confirm_power, contract_now, know_officer


def test_the_letter_is_kept_as_it_was_given(office: Office, appliance: Appliance) -> None:
    power = office.registered(scope=PowerScope(kinds=(" 采购 ", "采购", "")))
    assert power.state is PowerState.REGISTERED
    assert power.scope.kinds == ("采购",)
    assert appliance.powers.letter(power) == LETTER
    assert power in appliance.powers.waiting(OURS)
    assert len(power.entries) == 1


def test_only_a_second_person_verifies_who_is_not_the_agent(office: Office, appliance: Appliance) -> None:
    know_officer(appliance)
    power, by_officer = office.registered(), appliance.powers.register(office.draft(), LETTER, by=OFFICER)
    for by, said in ((CUSTODIAN, "yourself"), (ZHANG, "for you")):
        with pytest.raises(PreconditionRefused, match=said):
            appliance.powers.refuse(power.id, reason="示例", by=by.subject)
    with pytest.raises(PreconditionRefused, match="yourself"):
        confirm_power(appliance, by_officer.id)
    verified = confirm_power(appliance, power.id)
    assert verified.state is PowerState.VERIFIED
    assert verified.verified is not None
    assert verified.verified.by == OFFICER
    with pytest.raises(StateRefused, match="already"):
        confirm_power(appliance, power.id)
    with pytest.raises(StateRefused, match="already"):
        appliance.powers.refuse(power.id, reason="示例", by=LI.subject)


def test_what_was_refused_or_revoked_never_counts_again(office: Office, appliance: Appliance) -> None:
    refused = appliance.powers.refuse(office.registered().id, reason="签字不清", by=LI.subject)
    revoked = appliance.powers.revoke(office.verified().id, reason="不再授权", by=CUSTODIAN.subject)
    assert (refused.state, revoked.state) == (PowerState.REFUSED, PowerState.REVOKED)
    for power in (refused, revoked):
        with pytest.raises(StateRefused):
            confirm_power(appliance, power.id)
        with pytest.raises(StateRefused):
            appliance.powers.revoke(power.id, reason="示例", by=CUSTODIAN.subject)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grantor": " "}, "Name the grantor"),
        ({"principal": ""}, "Name the grantor"),
        ({"scope": PowerScope(kinds=("长" * 201,))}, "too long"),
        ({"scope": PowerScope(seals=(CONTRACT_SEAL.subject,)), "grantor": BETA}, "not one of"),
        ({"basis": PowerBasis.CONTRACT}, "Name the contract"),
    ],
)
def test_what_no_power_can_be(office: Office, changes: dict[str, object], said: str) -> None:
    with pytest.raises(PreconditionRefused, match=said):
        office.registered(**changes)


def test_the_term_is_within_what_policy_allows(office: Office) -> None:
    now = office.appliance.now()
    for since, until, said in (
        (now, now, "after it begins"),
        (now - timedelta(days=9), now - timedelta(days=1), "ended already"),
        (now, now + timedelta(days=1097), "in days: 1096"),
    ):
        with pytest.raises(PreconditionRefused, match=said):
            office.registered(since=since, until=until)


def test_unknown_people_seals_and_documents_that_are_none(office: Office, appliance: Appliance) -> None:
    with pytest.raises(NotFound):
        office.registered(agent="person-nobody")
    with pytest.raises(NotFound):
        office.registered(scope=PowerScope(seals=("seal-nothing",)))
    with pytest.raises(PreconditionRefused, match="needs its document"):
        appliance.powers.register(office.draft(), None, by=CUSTODIAN.subject)
    with pytest.raises(DocumentRefused):
        appliance.powers.register(office.draft(), b"no PDF", by=CUSTODIAN.subject)


def test_a_letter_that_the_principal_signed_here(office: Office, appliance: Appliance) -> None:
    letter = office.sent("授权委托书")
    draft = office.draft(basis=PowerBasis.CONTRACT, contract=letter.id, agent=LI.subject)
    with pytest.raises(PreconditionRefused, match="not completed"):
        appliance.powers.register(draft, None, by=CUSTODIAN.subject)
    for _ in letter.parties:
        letter = office.signed(letter)
    letter = appliance.finalisation.finalise(letter.id)
    power = appliance.powers.register(draft, None, by=CUSTODIAN.subject)
    assert (power.contract, power.document) == (letter.id, letter.current.digest)
    assert appliance.powers.letter(power) == appliance.contracts.document(letter)
    assert appliance.workshop.require_plain(appliance.powers.letter(power)).pages > 0, (
        "the activation service shows it"
    )
    for_zhang = office.draft(basis=PowerBasis.CONTRACT, contract=letter.id)
    with pytest.raises(PreconditionRefused, match=f"not signed for {ALPHA} by anybody but the agent"):
        appliance.powers.register(for_zhang, None, by=CUSTODIAN.subject)
    confirm_power(appliance, power.id)
    voided(appliance, letter.id)
    ended = appliance.powers.get(power.id)
    assert ended.state is PowerState.REVOKED, "nothing rests on a letter that is void"
    with pytest.raises(PreconditionRefused, match="not completed"):
        appliance.powers.register(draft, None, by=CUSTODIAN.subject)


def test_an_initiator_names_only_contracts_that_they_may_read(office: Office, appliance: Appliance) -> None:
    letter = office.sent("授权委托书")
    for _ in letter.parties:
        letter = office.signed(letter)
    letter = appliance.finalisation.finalise(letter.id)
    draft = office.draft(basis=PowerBasis.CONTRACT, contract=letter.id, agent=LI.subject)
    administration, roles = appliance.accounts.administration, frozenset({AccountRole.INITIATOR})
    new = NewAccount("person", "colleague", "同事示例", ALPHA, "colleague@alpha.example", roles)
    colleague = administration.invite(new, by=CUSTODIAN.subject).subject
    with pytest.raises(NotFound, match="There is no contract"):
        appliance.powers.register(draft, None, by=colleague)
    administration.set_roles(colleague, frozenset({AccountRole.REVIEWER}), by=CUSTODIAN.subject)
    assert appliance.powers.register(draft, None, by=colleague).contract == letter.id


def test_who_may_not_sign_it_any_more_does_not_take_it_back(office: Office, appliance: Appliance) -> None:
    power = office.verified()
    beta = appliance.powers.register(
        office.draft(grantor=BETA, agent=LI.subject, scope=PowerScope()), LETTER, by=CUSTODIAN.subject
    )
    confirm_power(appliance, beta.id)
    contract = office.signed(office.signed(office.sent()))
    contract = appliance.finalisation.finalise(contract.id)
    appliance.voiding.propose(contract.id, reason="示例", by=ZHANG.subject)
    declaration = appliance.voiding.prepare(contract.id, by=ZHANG.subject)
    appliance.powers.revoke(power.id, reason="示例", by=CUSTODIAN.subject)
    with pytest.raises(PreconditionRefused, match="was revoked"):
        confirm(appliance, declaration.intent)
        appliance.voiding.declare(contract.id, declaration.id)
    with pytest.raises(PreconditionRefused, match="was revoked"):
        appliance.voiding.prepare(contract.id, by=ZHANG.subject)
    assert contract_now(appliance, contract.id).voiding.declared == ()  # type: ignore[union-attr]
    appliance.powers.revoke(beta.id, reason="示例", by=CUSTODIAN.subject)


def voided(appliance: Appliance, contract: str) -> None:
    appliance.voiding.propose(contract, reason="示例", by=ZHANG.subject)
    for person in (ZHANG, LI):
        declaration = appliance.voiding.prepare(contract, by=person.subject)
        confirm(appliance, declaration.intent)
        appliance.voiding.declare(contract, declaration.id)


def test_the_database_itself_keeps_a_power_as_it_is(office: Office, appliance: Appliance) -> None:
    power = office.verified()
    for change in (
        "grantor = 'another'",
        "until = '2099-01-01T00:00:00Z'",
        "amount = 1, currency = 'CNY'",
        "verified_by = NULL, verified = NULL",
        "verified_by = registered_by",
    ):
        with pytest.raises(pysqlite3.IntegrityError), appliance.database.transaction() as tx:
            tx.execute(f"UPDATE powers SET {change} WHERE id = ?", (power.id,))  # noqa: S608 -- literals above
    with pytest.raises(pysqlite3.IntegrityError), appliance.database.transaction() as tx:
        tx.execute("DELETE FROM powers WHERE id = ?", (power.id,))
