"""A real home with seals of its own for each test, more custodians, and a policy on seals."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from appliance.contracts.draft_rules import DraftTerms
from appliance.demonstration.participants import (
    ALPHA,
    CUSTODIAN,
    LI,
    OFFICER,
    ZHANG,
    ZONE,
)
from appliance.model.contract import Contract, Deadline, SigningOrder
from appliance.model.intent import SigningOrigin
from appliance.model.office import OfficerDecision
from appliance.model.people import Person, SealKind, SealRequest
from appliance.office import SealDraft
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused
from hsm.intents import OfficerIntent, SigningIntent
from tests.office.conftest import VERIFIED, newcomer, perform, register
from tests.world import World, confirm_by, contract_now, sample_document, shared_world

POLICY = """
[types."双印合同".seals]
custodians = 2
[types."他人申请".seals]
requester_may_sign = false
[types."先审合同".seals]
after_review = true
"""
DOCUMENT = sample_document(2)
HERE = SigningOrigin("192.0.2.9")
_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as running:
        running.home.policy.write_text(POLICY, encoding="utf-8")
        yield running


@dataclass(slots=True)
class Site:
    """Makes seals, sends contracts that want them, asks and approves, in one line each."""

    appliance: Appliance
    devices: dict[str, SoftwareAuthenticator] = field(default_factory=dict)

    def enrol(self, name: str) -> Person:
        """A person of the organisation who can be a custodian."""
        person = newcomer(self.appliance, name=name)
        _, self.devices[person.subject] = register(self.appliance, person.subject)
        office = self.appliance.office
        request = office.requests.submit_request(person.subject, by=person.subject)
        self.done(office.drafts.draft_enrolment(request.id, verified=VERIFIED, by=OFFICER))
        return person

    def done(self, act: OfficerDecision) -> OfficerDecision:
        """The officer activates *act*."""
        return perform(self.appliance, act)

    def seal(self, *custodians: Person, needed: int = 1, kind: SealKind = SealKind.CONTRACT) -> str:
        """A new seal of the organisation."""
        subjects = tuple(each.subject for each in custodians)
        act = self.appliance.office.drafts.draft_seal(SealDraft(ALPHA, kind, subjects, 40.0, needed), by=OFFICER)
        return self.done(act).subject

    def draft(self, seal: str, kind: str = "采购", *, people: tuple[str, ...] = (LI.subject,)) -> Contract:
        """A draft for *people* and the seal that Zhang asks for."""
        deadline = Deadline(self.appliance.now() + timedelta(days=3), ZONE)
        terms = DraftTerms("用印示例合同", kind, "示例", ZHANG.subject, deadline, SigningOrder.PARALLEL)
        draft = self.appliance.drafting.draft(DOCUMENT, terms)
        for person in people:
            self.appliance.drafting.add_person(draft.id, subject=person, by=ZHANG.subject)
        self.appliance.drafting.add_seal(draft.id, seal=seal, requester=ZHANG.subject, by=ZHANG.subject)
        return contract_now(self.appliance, draft.id)

    def sent(self, seal: str, kind: str = "采购") -> Contract:
        return self.appliance.sending.send(self.draft(seal, kind).id, by=ZHANG.subject)

    def confirm(self, subject: str, act: SigningIntent | OfficerIntent) -> None:
        """*subject* activates *act*, with the own device or the demonstration's."""
        device = self.devices.get(subject)
        if device is None:
            confirm_by(self.appliance, subject, act)
            return
        with AuthorityClient(self.appliance.settings.home.authority_socket("activation")) as service:
            service.approve(act, device.activate(subject, act))

    def asked(self, contract: Contract, *, reason: str = "年度采购") -> SealRequest:
        """Zhang asks for the seal, which is the last party."""
        opened = self.appliance.signing.open(contract.id, contract.parties[-1].id, HERE).intent
        intent = self.appliance.seal_requests.propose(opened.id, by=ZHANG.subject, reason=reason)
        self.confirm(ZHANG.subject, intent.intent)
        return self.appliance.seal_requests.ask(intent.id, by=ZHANG.subject)

    def approve(self, request: SealRequest, custodian: Person) -> Contract:
        self.confirm(custodian.subject, self.appliance.seal_requests.act(request))
        return self.approve_here(request, custodian)

    def approve_here(self, request: SealRequest, custodian: Person) -> Contract:
        """What the portal does for *custodian*, whatever was activated."""
        return self.appliance.seal_requests.approve(request.id, by=custodian.subject)

    def require_refused(self, request: SealRequest, custodian: Person) -> None:
        """The authority refuses the activation of *custodian* and remembers nothing of it."""
        act = self.appliance.seal_requests.act(request)
        before = self.appliance.authority.approvals(act)
        with pytest.raises(ActivationRefused):
            self.confirm(custodian.subject, act)
        assert self.appliance.authority.approvals(act) == before

    def state(self, request: SealRequest) -> str:
        return self.appliance.seal_requests.get(request.id).state.value


@pytest.fixture(scope="package")
def site(world: World) -> Iterator[Site]:
    with world.opened() as appliance:
        yield Site(appliance)


@pytest.fixture(scope="package")
def custodians(site: Site) -> tuple[Person, Person, Person]:
    """The demonstration's custodian, and two more."""
    return CUSTODIAN, site.enrol("周保管"), site.enrol("吴保管")
