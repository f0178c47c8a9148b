"""Two companies with a contract of each and a partner of each, unmistakable words in every internal field, and
everybody who looks.

Alpha's contract is completed, another of Alpha's waits for a guest; Beta's contract is completed. Each marker is a
word that stands in one internal field of one side.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from appliance.accounts.sessions import ClientInfo
from appliance.contracts.agreement import AgreementSides
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import (
    ALPHA,
    BETA,
    CONTRACT_SEAL,
    CUSTODIAN,
    LI,
    OFFICER,
    ZHANG,
    ZONE,
    DemonstrationAuthenticators,
)
from appliance.errors import StateRefused
from appliance.identity import IdentityCheck
from appliance.language import Language
from appliance.model.accounts import PEOPLES_ROLES, AccountRole, LinkPurpose
from appliance.model.contract import AgreementSide, Contract, Deadline, GuestDetails, Placement, SigningOrder
from appliance.model.partners import PartnerDetails, PartnerDocumentKind, RepresentativeDetails, VouchingMeans
from appliance.model.people import Against, IdentityDocument, Person
from appliance.model.powers import PowerBasis, PowerScope
from appliance.powers.register import PowerDraft
from appliance.store import people
from appliance.wiring import Appliance
from tests.captures.made import ordered_by_plan
from tests.portal.estate import HERE, sent
from tests.portal.office_visits import asked_for, performed
from tests.portal.visitors import signed_in
from tests.review.documents import purchase
from tests.world import agree, confirm, contract_now, sample_document

GAMMA = GuestDetails("外来人", "丙公司示例有限公司", "guest@gamma.example", "+86 138 0000 0000")
SHARED = "told-to-everybody"
"""What a party writes for all others: it has to be seen by both sides."""


@dataclass(frozen=True, slots=True)
class Side:
    """One company: who drafts its contract, who reviews it, and how its markers begin."""

    name: str
    organisation: str
    initiator: str
    reviewer: str
    officer: str

    def marker(self, what: str) -> str:
        return f"{self.name}-only-{what}"


ONE = Side("alpha", ALPHA, ZHANG.subject, CUSTODIAN.subject, OFFICER)
OTHER = Side("beta", BETA, LI.subject, "person-beta-reviewer", "officer-beta")
OF_EVERY_SIDE = ("title", "party", "waiver", "returned", "power-refused", "power-revoked", "identity", "withdrawn")
OF_EVERY_SIDE += ("hold", "draft", "kind", "department", "annex", "vouched", "capture")
OF_ALPHA = ("handed-over", "seal", "seal-refused")
PARTNERS = {"delta": ONE, "epsilon": OTHER}
"""Partner organisations, each with the side that registered it, of whose contract it is a party."""

MARKERS = {
    ONE.name: frozenset(map(ONE.marker, (*OF_EVERY_SIDE, *OF_ALPHA))),
    OTHER.name: frozenset(map(OTHER.marker, OF_EVERY_SIDE)),
    **{name: frozenset({f"{name}-only-handed-over"}) for name in PARTNERS},
}


@dataclass(slots=True)
class Stage:
    """``ids`` are the candidates for each place of an address; ``visitors`` the browsers by side and role."""

    appliance: Appliance
    portal: Flask
    ids: dict[str, set[str]] = field(default_factory=dict)
    visitors: dict[tuple[str, str], FlaskClient] = field(default_factory=dict)
    completed: dict[str, Contract] = field(default_factory=dict)
    unsent: dict[str, Contract] = field(default_factory=dict)
    prepared: tuple[str, str] = ("", "")
    """A contract and an intent by which Alpha may sign it."""

    def speak(self, language: str) -> None:
        """Everybody reads *language* from now on."""
        with self.appliance.database.transaction() as tx:
            tx.execute("UPDATE people SET language = ?", (language,))
        self.visitors["nobody", "nobody"].set_cookie("language", language)

    def keep(self, **ids: str) -> None:
        for place, value in ids.items():
            self.ids.setdefault(place, set()).add(value)


def built(appliance: Appliance, portal: Flask) -> Stage:
    stage = Stage(appliance, portal)
    _people(stage)
    _alpha(stage)
    _beta(stage)
    _guest(stage)
    _waiting(stage)
    for name, side in PARTNERS.items():
        _partner(stage, name, side)
    return stage


def _people(stage: Stage) -> None:
    everybody = PEOPLES_ROLES
    _visitor(stage, ONE, "initiator", ZHANG.subject, everybody)
    _visitor(stage, ONE, "custodian and reviewer", CUSTODIAN.subject, everybody)
    _visitor(stage, ONE, "colleague", "person-alpha-colleague", everybody)
    _visitor(stage, OTHER, "initiator", LI.subject, everybody)
    _visitor(stage, OTHER, "reviewer", OTHER.reviewer, everybody)
    for side, officer in ((ONE, OFFICER), (OTHER, OTHER.officer)):
        _visitor(stage, side, "officer", officer, frozenset({AccountRole.OFFICER}))
        _visitor(stage, side, "auditor", f"auditor-{side.name}", frozenset({AccountRole.AUDITOR}))
        _visitor(stage, side, "operator", f"operator-{side.name}", frozenset({AccountRole.OPERATOR}))
    stage.keep(absent=CUSTODIAN.subject)
    nobody = stage.portal.test_client()
    nobody.environ_base["HTTP_ACCEPT"] = "text/html"
    stage.visitors["nobody", "nobody"] = nobody


def _visitor(stage: Stage, side: Side, role: str, subject: str, roles: frozenset[AccountRole]) -> None:
    mail = f"{subject}@example.test"
    person = Person(subject, f"示例 {role}", side.organisation, mail, Language.ENGLISH, ZONE)
    with suppress(StateRefused):
        stage.appliance.registry.add_person(person, None, by=OFFICER)
    stage.visitors[side.name, role] = signed_in(stage.portal, stage.appliance, subject, roles)
    feed = stage.appliance.reminders.feeds.renew_feed(subject)
    stage.keep(calendar=feed.rpartition("/")[2].removesuffix(".ics"))


def _draft(stage: Stage, side: Side) -> Contract:
    """A draft with a past: another title and party, a review that sent it back, and one that waived findings."""
    appliance, by = stage.appliance, side.initiator
    with appliance.database.transaction() as tx:
        people.set_department(tx, by, side.marker("department"))
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms(side.marker("title"), "采购", "示例", by, deadline, SigningOrder.SEQUENTIAL)
    draft = appliance.drafting.draft(sample_document(1), terms)
    gone = appliance.drafting.add_guest(draft.id, replace(GAMMA, name=side.marker("party")), by=by)
    appliance.drafting.remove_party(draft.id, gone.id, by=by)
    appliance.drafting.revise(draft.id, replace(terms, title="采购合同"), by=by)
    annex = appliance.annexes.attach(draft.id, f"{side.marker('annex')}.csv", b"a,b", by=by)
    appliance.annexes.detach(draft.id, annex.id, by=by)
    stage.keep(annex=appliance.annexes.attach(draft.id, "清单.csv", b"a,b", by=by).id)
    draft = appliance.drafting.replace_document(draft.id, purchase(without="违约责任"), by=by)
    reviewing = appliance.reviewing
    reviewing.ask(draft.id, by=by)
    reviewing.send_back(draft.id, side.marker("returned"), by=side.reviewer)
    reviewing.ask(draft.id, by=by)
    for item in reviewing.review_status(draft).open:
        reviewing.waive(draft.id, item.key, side.marker("waiver"), by=side.reviewer)
    reviewing.sign_off(draft.id, by=side.reviewer)
    stage.keep(reviewing=draft.id, contract=draft.id)
    return draft


def _signed(stage: Stage, contract: Contract, position: int) -> Contract:
    appliance = stage.appliance
    opened = appliance.signing.open(contract.id, contract.parties[position].id, HERE)
    stage.keep(intent=opened.intent.id)
    confirm(appliance, opened.intent.intent)
    return appliance.signing.sign(opened.intent.id, HERE)


def _finished(stage: Stage, side: Side, contract: Contract) -> None:
    """Sealed off; one of the other side proposes to void it, who writes for everybody."""
    appliance = stage.appliance
    appliance.finalisation.finalise(contract.id)
    appliance.voiding.propose(contract.id, reason=SHARED, by=side.initiator)
    stage.keep(declaration=appliance.voiding.prepare(contract.id, by=side.initiator).id)
    appliance.retention.place_hold(contract.id, reason=side.marker("hold"), by=side.officer)
    stage.completed[side.name] = contract_now(appliance, contract.id)
    stage.keep(completed=contract.id, code=appliance.document_codes.code_of(contract.id) or "")


def _notes(stage: Stage, side: Side, agent: str) -> None:
    """Powers for somebody of the other side and a check of that person's identity, each with inner notes."""
    appliance, now = stage.appliance, stage.appliance.now()
    for what in ("power-refused", "power-revoked"):
        draft = PowerDraft(
            PowerBasis.INSTRUMENT, side.organisation, "示例", agent, PowerScope(), now, now + timedelta(days=90)
        )
        power = appliance.powers.register(draft, sample_document(1), by=side.initiator)
        decide = appliance.powers.refuse if what == "power-refused" else appliance.powers.revoke
        decide(power.id, reason=side.marker(what), by=side.reviewer)
        stage.keep(power=power.id)
    note = side.marker("identity")
    check = IdentityCheck(
        IdentityDocument.PASSPORT, "E12345678", Against.ORIGINAL, answers=side.reviewer, note=note
    )
    record = appliance.identity.record(agent, check, by=side.reviewer)
    appliance.identity.withdraw(agent, record.id, reason=side.marker("withdrawn"), by=side.reviewer)
    stage.keep(checked=agent, check=record.id)


def _unsent(stage: Stage, side: Side) -> None:
    appliance = stage.appliance
    plan = ordered_by_plan(appliance, side.initiator, side.marker("capture"))
    stage.keep(capture_plan=plan.id, capture=appliance.captures.by_plan(plan)[0].id)
    terms = DraftTerms(side.marker("draft"), side.marker("kind"), side.marker("draft"), side.initiator)
    stage.unsent[side.name] = appliance.drafting.draft(sample_document(1), terms)
    stage.keep(draft=stage.unsent[side.name].id, contract=stage.unsent[side.name].id)


def _alpha(stage: Stage) -> None:
    """Alpha drafts: its seal is refused once, and a signature handed over."""
    appliance, draft = stage.appliance, _draft(stage, ONE)
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    appliance.drafting.add_person(draft.id, subject=LI.subject, by=ZHANG.subject)
    appliance.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, by=ZHANG.subject)
    contract = appliance.sending.send(draft.id, by=ZHANG.subject)
    contract = _signed(stage, _signed(stage, contract, 0), 1)
    request = _asked(stage, contract, ONE.marker("seal"))
    appliance.seal_requests.refuse(request, by=CUSTODIAN.subject, reason=ONE.marker("seal-refused"))
    contract = _signed(stage, contract, 2)
    _finished(stage, ONE, contract)
    _notes(stage, ONE, LI.subject)
    _unsent(stage, ONE)


def _asked(stage: Stage, contract: Contract, reason: str) -> str:
    appliance = stage.appliance
    opened = appliance.signing.open(contract.id, contract.parties[2].id, HERE)
    proposed = appliance.seal_requests.propose(opened.intent.id, by=ZHANG.subject, reason=reason)
    DemonstrationAuthenticators(appliance.settings.home).confirm(ZHANG.subject, proposed.intent)
    request = appliance.seal_requests.ask(opened.intent.id, by=ZHANG.subject)
    stage.keep(seal_request=request.id, seal=CONTRACT_SEAL.subject, intent=opened.intent.id)
    return request.id


def _beta(stage: Stage) -> None:
    appliance, draft = stage.appliance, _draft(stage, OTHER)
    for person in (LI.subject, ZHANG.subject):
        appliance.drafting.add_person(draft.id, subject=person, by=LI.subject)
    contract = appliance.sending.send(draft.id, by=LI.subject)
    contract = _signed(stage, _signed(stage, contract, 0), 1)
    _finished(stage, OTHER, contract)
    _notes(stage, OTHER, ZHANG.subject)
    _unsent(stage, OTHER)


def _waiting(stage: Stage) -> None:
    """One that Alpha's initiator has opened to sign."""
    contract = sent(stage.appliance, ZHANG.subject, LI.subject)
    opened = stage.appliance.signing.open(contract.id, contract.parties[0].id, HERE)
    stage.prepared = contract.id, opened.intent.id
    between = AgreementSides(contract.parties[0].side, (AgreementSide("丁方"),))
    stage.keep(agreement=stage.appliance.agreements.propose(ZHANG.subject, between).id)


def _partner(stage: Stage, name: str, side: Side) -> None:
    """A partner that *side* has registered, with two representatives, one of whom hands a part over."""
    appliance, by = stage.appliance, side.initiator
    details = PartnerDetails(f"合作单位 {name}", registration=f"HRB {name}")
    partner = appliance.partners.register(details, VouchingMeans.OTHER, side.marker("vouched"), by=by)
    subjects = []
    for role in ("administrator", "representative"):
        whom = RepresentativeDetails(f"示例 {role}", f"{role}@{name}.example", "", Language.ENGLISH, ZONE)
        subject = appliance.representatives.invite(partner.id, whom, by=subjects[0] if subjects else by).subject
        client = signed_in(stage.portal, appliance, subject, [AccountRole.REPRESENTATIVE])
        stage.visitors[name, role] = client
        request = asked_for(appliance, subject)
        performed(appliance, appliance.office.drafts.draft_enrolment(request.id, verified="示例", by=OFFICER))
        subjects.append(subject)
        stage.keep(representative=subject)
    document = appliance.partners.add_document(
        partner.id, PartnerDocumentKind.LICENCE, sample_document(1), by=subjects[0]
    )
    stage.keep(partner=partner.id, partner_document=document.id)
    contract = sent(appliance, subjects[1], initiator=by)
    reason, party = f"{name}-only-handed-over", contract.parties[0].id
    appliance.handing_over.hand_over(contract.id, party, to=subjects[0], reason=reason, by=subjects[1])
    stage.keep(contract=contract.id)


def _guest(stage: Stage) -> None:
    """Another contract of Alpha's, handed over within Alpha, waits for somebody of a third company."""
    appliance, draft = stage.appliance, _draft(stage, ONE)
    appliance.drafting.add_person(draft.id, subject=CUSTODIAN.subject, by=ZHANG.subject)
    invited = appliance.drafting.add_guest(draft.id, GAMMA, by=ZHANG.subject)
    appliance.drafting.place(draft.id, invited.id, [Placement(0, 10, 10, 30, 10)], by=ZHANG.subject)
    contract = appliance.sending.send(draft.id, by=ZHANG.subject)
    handed = ONE.marker("handed-over")
    party = contract.parties[0].id
    contract = appliance.handing_over.hand_over(
        contract.id, party, to=ZHANG.subject, reason=handed, by=CUSTODIAN.subject
    )
    agree(appliance, ZHANG, GAMMA.organisation)
    contract = _signed(stage, contract, 0)
    guest = contract.parties[1]
    until = appliance.now() + timedelta(hours=1)
    where = ClientInfo("192.0.2.7")
    with appliance.database.transaction() as tx:
        opened = appliance.sessions.open_guest_session(
            tx, guest.subject, guest_of=(contract.id, guest.id), where=where, until=until
        )
    client = stage.portal.test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    client.set_cookie("session", opened.secret)
    stage.visitors["gamma", "guest"] = client
    stage.keep(contract=contract.id, inviting=contract.id, elsewhere=contract.id)
    stage.keep(guest_party=guest.id, guest=guest.subject)
    stage.keep(guest_link=appliance.links.token_of(LinkPurpose.GUEST, appliance.guests.of_party(guest.id).id))
