"""A contract with the seal of another company: its own people keep it, ask for it and release it."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.contracts.agreement import AgreementSides
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ALPHA, CONTRACT_SEAL, CUSTODIAN, LI, OFFICER, ZHANG, ZONE
from appliance.errors import PreconditionRefused, StateRefused
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.language import Language
from appliance.ledger.audit_trail import EventKind
from appliance.ledger.disclosure import Audience
from appliance.ledger.timeline import Timeline
from appliance.model.contract import AgreementSide, Contract, ContractState, Deadline, PartyState, SigningOrder
from appliance.model.people import Person, SealKind, SealRequest, SealRequestState, UseFilter
from appliance.model.vouching import Vouching
from appliance.office import SealDraft
from appliance.store import vouchings
from appliance.verification import Indication
from hsm import canonical
from hsm.errors import ActivationRefused
from tests.evidence.unpacked import run, unpack
from tests.office.conftest import VERIFIED, register
from tests.seals.conftest import DOCUMENT, HERE, Site
from tests.world import World, contract_now, sequenced

COMPANY, LOOKALIKE = "丁公司外部有限公司", "丁公司 外部有限公司"
_numbers = itertools.count(1)


def from_outside(site: Site, name: str, organisation: str = COMPANY) -> Person:
    """An outside signer whom an officer has confirmed."""
    subject = f"person-guest-{next(_numbers):012x}"
    person = Person(subject, name, organisation, f"{subject}@outside.test", Language.CHINESE, ZONE, guest=True)
    site.appliance.registry.add_person(person, None, by=OFFICER)
    _, site.devices[subject] = register(site.appliance, subject)
    office = site.appliance.office
    request = office.requests.submit_request(subject, by=subject)
    site.done(office.drafts.draft_enrolment(request.id, verified=VERIFIED, by=OFFICER))
    return site.appliance.registry.person(subject)


def seal_of(site: Site, *custodians: Person, needed: int = 1, organisation: str = COMPANY) -> str:
    """A new seal of the company."""
    subjects = tuple(each.subject for each in custodians)
    drafts = site.appliance.office.drafts
    act = drafts.draft_seal(SealDraft(organisation, SealKind.CONTRACT, subjects, 40.0, needed), by=OFFICER)
    return site.done(act).subject


def agreed(site: Site, person: Person, *others: str) -> None:
    """*person* accepts the agreement for the own company, unless somebody of it has."""
    between = AgreementSides(person.side, tuple(AgreementSide(other) for other in others))
    agreements = site.appliance.agreements
    with suppress(StateRefused):
        proposal = agreements.propose(person.subject, between)
        site.confirm(person.subject, proposal.intent)
        agreements.accept(proposal.id, by=person.subject)


@pytest.fixture(scope="module")
def director(site: Site) -> Person:
    person = from_outside(site, "钱外部")
    agreed(site, person, ALPHA)
    agreed(site, ZHANG, COMPANY)
    return person


@pytest.fixture(scope="module")
def clerk(site: Site) -> Person:
    return from_outside(site, "孙外部")


def sent(site: Site, seal: str, requester: Person, *, kind: str = "采购") -> Contract:
    """In any order, for Zhang, who has signed, and the seal that *requester* asks for."""
    appliance = site.appliance
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("两家公司的合同", kind, "示例", ZHANG.subject, deadline, SigningOrder.PARALLEL)
    draft = appliance.drafting.draft(DOCUMENT, terms)
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    appliance.drafting.add_seal(draft.id, seal=seal, requester=requester.subject, by=ZHANG.subject)
    contract = appliance.sending.send(draft.id, by=ZHANG.subject)
    return signed(site, contract, 0)


def signed(site: Site, contract: Contract, position: int) -> Contract:
    opened = site.appliance.signing.open(contract.id, contract.parties[position].id, HERE)
    site.confirm(contract.parties[position].subject, opened.intent.intent)
    return site.appliance.signing.sign(opened.intent.id, HERE)


def asked(site: Site, contract: Contract, reason: str = "年度采购") -> SealRequest:
    """Who asks for the seal activates it."""
    requests, party = site.appliance.seal_requests, contract.parties[-1]
    opened = site.appliance.signing.open(contract.id, party.id, HERE).intent
    intent = requests.propose(opened.id, by=party.responsible, reason=reason)
    site.confirm(party.responsible, intent.intent)
    return requests.ask(intent.id, by=party.responsible)


def test_who_keeps_the_seal_alone_releases_it_by_asking(site: Site, director: Person) -> None:
    contract = sent(site, seal_of(site, director), director)
    request = asked(site, contract)
    assert (request.state, request.approved_by) == (SealRequestState.USED, (director.subject,))
    assert contract_now(site.appliance, contract.id).state is ContractState.SIGNED
    assert site.appliance.seal_requests.ask(request.intent, by=director.subject) == request


def test_who_does_not_keep_it_needs_its_custodian(site: Site, director: Person, clerk: Person) -> None:
    contract = sent(site, seal_of(site, director), clerk)
    request = asked(site, contract)
    assert request.state is SealRequestState.WAITING
    with pytest.raises(PreconditionRefused, match="Only a custodian"):
        site.approve_here(request, CUSTODIAN)
    site.require_refused(request, CUSTODIAN)
    assert site.approve(request, director).parties[-1].state is PartyState.SIGNED


def test_who_keeps_it_with_another_needs_the_other_where_it_takes_two(
    site: Site, director: Person, clerk: Person
) -> None:
    contract = sent(site, seal_of(site, director, clerk, needed=2), director)
    request = asked(site, contract)
    assert (request.state, request.approved_by) == (SealRequestState.WAITING, (director.subject,))
    assert site.approve(request, clerk).parties[-1].state is PartyState.SIGNED


def test_what_policy_says_of_the_house_s_seals_is_not_asked_of_another_company(
    site: Site, director: Person
) -> None:
    """Two custodians, another person than the signer, a review before: they are how this house keeps its seals."""
    for kind in ("双印合同", "他人申请", "先审合同"):
        contract = sent(site, seal_of(site, director), director, kind=kind)
        assert asked(site, contract).state is SealRequestState.USED


@pytest.mark.parametrize("who", [ZHANG, CUSTODIAN, LI])
def test_nobody_of_the_house_keeps_it_or_asks_for_it(site: Site, director: Person, who: Person) -> None:
    with pytest.raises(PreconditionRefused, match="outside signers of"):
        seal_of(site, director, who)
    seal = seal_of(site, director)
    with pytest.raises(PreconditionRefused, match="outside signers of"):
        site.appliance.office.drafts.seals.draft_custodian(seal, who.subject, by=OFFICER)
    with pytest.raises(PreconditionRefused, match="only its own people can ask"):
        sent(site, seal, who)


def test_a_company_of_almost_the_same_name_has_nothing_to_do_with_it(site: Site, director: Person) -> None:
    stranger = from_outside(site, "李外部", LOOKALIKE)
    with pytest.raises(PreconditionRefused, match="outside signers of"):
        seal_of(site, director, stranger)
    seal = seal_of(site, director)
    with pytest.raises(PreconditionRefused, match="only its own people can ask"):
        sent(site, seal, stranger)
    contract = sent(site, seal, director)
    intent = site.appliance.signing.open(contract.id, contract.parties[-1].id, HERE).intent.intent
    with pytest.raises(ActivationRefused, match="of that company alone"):
        site.confirm(stranger.subject, intent)


def test_nobody_from_outside_asks_for_a_seal_of_the_house(site: Site, director: Person) -> None:
    with pytest.raises(PreconditionRefused, match="outside signer cannot ask"):
        sent(site, CONTRACT_SEAL.subject, director)
    with pytest.raises(PreconditionRefused, match="custodian's role"):
        site.appliance.office.drafts.seals.draft_custodian(CONTRACT_SEAL.subject, director.subject, by=OFFICER)


def test_somebody_for_whom_only_an_initiator_vouches_neither_keeps_nor_asks_for_it(
    site: Site, director: Person
) -> None:
    """Officers vouch for a seal, so they know its people. The authority refuses such people itself."""
    guest = from_outside(site, "冯外部")
    seal, draft = seal_of(site, director), site.draft(CONTRACT_SEAL.subject)
    with site.appliance.database.transaction() as tx:
        vouchings.ask(tx, Vouching(guest.subject, draft.id, "party", site.appliance.now()))
    with pytest.raises(PreconditionRefused, match="outside signers of"):
        seal_of(site, guest)
    with pytest.raises(PreconditionRefused, match="whom officers have confirmed"):
        sent(site, seal, guest)


def test_only_companies_whose_people_officers_have_confirmed_get_a_seal(site: Site, director: Person) -> None:
    with pytest.raises(PreconditionRefused, match="may not name"):
        seal_of(site, director, organisation="戊公司")


def test_a_suspended_seal_is_refused_while_drafting(site: Site, director: Person) -> None:
    seal = seal_of(site, director)
    site.appliance.office.seals.suspend(seal, reason="遗失", by=OFFICER)
    with pytest.raises(PreconditionRefused, match="suspended"):
        sent(site, seal, director)
    with pytest.raises(StateRefused, match="changed this seal"):
        site.appliance.office.seals.suspend(seal, reason="遗失", by=OFFICER)


def test_its_company_accepts_the_agreement_by_its_own_people_alone(site: Site, director: Person) -> None:
    """The custodian has accepted for the company, so whoever of it asks for the seal rests on that."""
    other = "己公司外部有限公司"
    keeper = from_outside(site, "周外部", other)
    contract = sent_to_unagreed(site, seal_of(site, keeper, organisation=other), keeper)
    with pytest.raises(PreconditionRefused, match="has not accepted"):
        asked(site, contract)
    agreed(site, from_outside(site, "吴外部", other), ALPHA)
    assert asked(site, contract).state is SealRequestState.USED


def sent_to_unagreed(site: Site, seal: str, keeper: Person) -> Contract:
    agreed(site, ZHANG, keeper.organisation)
    return sent(site, seal, keeper)


def test_each_company_sees_why_its_own_seal_was_used_and_the_other_one_that_it_was(
    site: Site, director: Person, clerk: Person
) -> None:
    seal = seal_of(site, director)
    contract = sent(site, seal, clerk)
    site.approve(asked(site, contract, reason="内部理由"), director)
    appliance = site.appliance
    theirs = appliance.seal_uses.of_company(Audience.of_person(director), UseFilter())
    ours = appliance.seal_uses.of_company(Audience.of_person(ZHANG), UseFilter())
    assert seal in (theirs.seals or ()) and seal not in (ours.seals or ())
    assert CONTRACT_SEAL.subject in (ours.seals or ()) and CONTRACT_SEAL.subject not in (theirs.seals or ())


def test_a_reminder_does_not_name_the_custodians_of_the_other_company(
    site: Site, director: Person, clerk: Person
) -> None:
    seal, appliance = seal_of(site, director), site.appliance
    contract = sent(site, seal, clerk)
    request = asked(site, contract)
    with appliance.database.transaction() as tx:  # as if they had been told long ago
        tx.execute("DELETE FROM outbox WHERE about = ?", (request.id,))
    assert appliance.reminders.on_demand.remind_now(contract.id, by=ZHANG.subject) == 1
    events = Timeline(appliance.database).of(contract.id, Audience.of_person(ZHANG))
    [told] = [each for each in events if each.kind == EventKind.SIGNERS_REMINDED]
    assert [fact.value for fact in told.facts if fact.label == "Reminded"] == [contract.parties[-1].name]


def test_the_evidence_says_whose_seal_it_is_and_passes_every_tool(
    site: Site, world: World, director: Person, clerk: Person, tmp_path: Path
) -> None:
    appliance, seal = site.appliance, seal_of(site, director)
    contract = sent(site, seal, clerk)
    site.approve(asked(site, contract, reason="内部理由"), director)
    appliance.finalisation.finalise(contract.id)
    with sequenced(appliance, world):
        package = Exporting(appliance).export(contract.id, Audience.of_person(ZHANG)).package
        other = Exporting(appliance).export(contract.id, Audience.of_person(director)).package

    report = appliance.verifier.verify(package, file="evidence.zip")
    assert report.indication is Indication.PASSED, report.reasons
    [remark] = [each for each in report.remarks if "officers of the house vouch" in str(each)]
    assert f"{COMPANY}合同专用章" in str(remark)
    folder = unpack(package, tmp_path)
    for command in ("sh check.sh", "python3 check.py"):
        done = run(command, folder)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "registration officers of the house" in (folder / "README.en.txt").read_text("utf-8")
    files = {name: bytes(data) for name, data in read_zip(package).files.items()}
    told = canonical.decode(next(data for name, data in files.items() if name.endswith("history.json")))
    assert "内部理由" not in json.dumps(told, ensure_ascii=False)
    theirs = {name: bytes(data) for name, data in read_zip(other).files.items()}
    history = canonical.decode(next(data for name, data in theirs.items() if name.endswith("history.json")))
    assert "内部理由" in json.dumps(history, ensure_ascii=False)
