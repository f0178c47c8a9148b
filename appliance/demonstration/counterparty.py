"""The other company of the demonstration: its representative comes from outside, for one contract, and keeps its
seal; the house's officer confirms both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.demonstration.participants import (
    BETA,
    BETA_SEAL_MM,
    LI_INVITED,
    OFFICER,
    REGISTRAR,
    DemonstrationAuthenticators,
)
from appliance.errors import NotFound
from appliance.model.contract import Party
from appliance.model.office import OfficerDecision
from appliance.model.people import Person, SealKind
from appliance.office import SealDraft
from appliance.supervision import Say

if TYPE_CHECKING:
    from appliance.wiring import Appliance

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
