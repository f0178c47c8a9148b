"""The people and companies of the demonstration, which evidently do not exist; their software authenticators, one
file each, counters kept; where the sample contract keeps room for their signatures; and how the other company,
whose representative comes from outside, signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import NotFound
from appliance.model.contract import Party
from appliance.model.office import OfficerDecision
from appliance.model.people import Person, SealKind
from appliance.office import SealDraft
from appliance.supervision import Say

if TYPE_CHECKING:
    from appliance.wiring import Appliance
from functools import cached_property
from pathlib import Path

from appliance.errors import PreconditionRefused
from appliance.home import Home
from appliance.language import Language
from appliance.model.contract import GuestDetails, Placement
from appliance.model.people import Seal
from hsm import config
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.files import file_lock
from hsm.intents import OfficerIntent, SigningIntent, WebAuthnActivation

ALPHA = "甲公司示例有限公司"
BETA = "乙公司示例有限公司"
ZONE = "Asia/Shanghai"


def _person(subject: str, name: str, organisation: str, email: str) -> Person:
    return Person(subject, name, organisation, email, Language.CHINESE, ZONE)


OFFICER = "officer-wang"
"""Enrols people and seals, by the ceremony's appointment; signs nothing."""

ZHANG = _person("person-zhang", "张示例", ALPHA, "zhang@alpha.example")
LI = _person("person-li", "李样本", BETA, "li@beta.example")
LI_INVITED = GuestDetails(LI.name, BETA, LI.email, "+86 138 0000 0000")
"""The same where his company is another one, and he comes from outside."""
REGISTRAR = _person(OFFICER, "王登记", ALPHA, "wang@alpha.example")
CUSTODIAN = _person("person-zhao", "赵保管", ALPHA, "zhao@alpha.example")
PEOPLE = (ZHANG, LI, CUSTODIAN)

CONTRACT_SEAL = Seal("seal-alpha-contract", ALPHA, SealKind.CONTRACT, (CUSTODIAN.subject,), 40.0)
"""Party A's seal: released by its custodian at the request of the person who signs for Party A."""

BETA_SEAL_MM = 40.0
"""Of Party B's seal, which the person who signs for Party B keeps."""


LAST_PAGE = 2

FIRST = Placement(page=LAST_PAGE, x=10.5, y=62.5, width=36.0, height=8.0)
SECOND = Placement(page=LAST_PAGE, x=53.5, y=62.5, width=36.0, height=8.0)
SEAL = Placement(page=LAST_PAGE, x=10.5, y=72.5, width=20.0, height=14.2)
SECOND_SEAL = Placement(page=LAST_PAGE, x=53.5, y=72.5, width=20.0, height=14.2)

SAMPLE_PLACES = (FIRST, SECOND, SEAL, SECOND_SEAL)


class DemonstrationAuthenticators:
    """The authenticators of a *home*, named by subject. One process at a time uses each."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._folder = home.people
        self._socket = home.authority_socket("activation")

    def register(self, subject: str, *, rp_id: str, origin: str) -> str:
        """Makes a new authenticator for *subject* and registers it at the authority; its fingerprint."""
        authenticator = SoftwareAuthenticator.create(rp_id, origin)
        with AuthorityClient(self._socket) as authority:
            answer = authenticator.register(authority.begin_registration(subject).challenge)
            fingerprint = authority.register_passkey(subject, answer).fingerprint
        authenticator.save(self._path(subject))
        return fingerprint

    def activate(self, subject: str, act: SigningIntent | OfficerIntent) -> WebAuthnActivation:
        """The assertion of *subject* for *act*, as on a page of the activation service; the new counter is on disk
        before it is given away."""
        with file_lock(self._folder / f"{subject}.lock"):
            authenticator = SoftwareAuthenticator.load(self._path(subject))
            authenticator.origin = self._origin
            activation = authenticator.activate(subject, act)
            authenticator.save(self._path(subject))
        return activation

    @cached_property
    def _origin(self) -> str:
        """Of the activation service now; when an authenticator was made it was perhaps another."""
        return config.load(self._home.root).activation.origins[0]

    def confirm(self, subject: str, act: SigningIntent | OfficerIntent) -> None:
        """Has *subject* activate *act*, as the activation service does for people. Raises what the authority
        refuses."""
        with AuthorityClient(self._socket) as authority:
            authority.approve(act, self.activate(subject, act))

    @property
    def are_for_trying(self) -> bool:
        """Whether the home is the demonstration's, and so nobody's who exists; an appliance's never is."""
        return not self._home.is_managed and self.has(ZHANG.subject)

    def require_trial(self) -> None:
        """Raises :class:`PreconditionRefused` unless they are for trying."""
        if not self.are_for_trying:
            raise PreconditionRefused("{home} was not made for trying; nothing was done.", home=self._home.root)

    def has(self, subject: str) -> bool:
        """Whether there is an authenticator of *subject*."""
        return self._path(subject).exists()

    def _path(self, subject: str) -> Path:
        return self._folder / f"{subject}.json"


_VERIFIED = "演示：营业执照与身份证原件，当面核对"


@dataclass(frozen=True, slots=True)
class Counterparty:
    """Confirms who acts for the other company, and makes its seal, as an officer does in the portal."""

    appliance: Appliance
    authenticators: DemonstrationAuthenticators
    say: Say

    def invite(self, contract_id: str, *, by: str) -> Party:
        """The representative, a party of the draft from now on; placed by the caller."""
        return self.appliance.drafting.add_guest(contract_id, LI_INVITED, by=by)

    def confirm(self, subject: str) -> Person:
        """The representative sets up an authenticator, and the officer confirms who that is."""
        appliance, settings = self.appliance, self.appliance.settings
        self._know_officer()
        self.authenticators.register(subject, rp_id=settings.web.relying_party, origin=settings.activation.origin)
        request = appliance.office.requests.submit_request(subject, by=subject)
        self._perform(appliance.office.drafts.draft_enrolment(request.id, verified=_VERIFIED, by=OFFICER))
        person = appliance.registry.person(subject)
        shown = {"name": person.name, "organisation": person.organisation}
        self.say("counterpart {name} ({organisation}), from outside, was confirmed by the officer", **shown)
        return person

    def make_seal(self, keeper: Person) -> str:
        """A seal of the company, which *keeper* alone keeps; its subject."""
        draft = SealDraft(BETA, SealKind.CONTRACT, (keeper.subject,), BETA_SEAL_MM)
        made = self._perform(self.appliance.office.drafts.draft_seal(draft, by=OFFICER))
        shown = {"organisation": BETA, "name": keeper.name}
        self.say("counterpart seal of {organisation}, kept and released by {name} alone", **shown)
        return made.subject

    def _perform(self, pending: OfficerDecision) -> OfficerDecision:
        decisions = self.appliance.office.decisions
        self.authenticators.confirm(OFFICER, decisions.to_activate(pending))
        return decisions.perform_decision(pending.id, by=OFFICER)

    def _know_officer(self) -> None:
        """The ceremony's officer is in the register, too."""
        try:
            self.appliance.registry.person(OFFICER)
        except NotFound:
            self.appliance.registry.add_person(REGISTRAR, None, by=OFFICER)
