"""The office: officers decide who signs with what, make seals, and end what must end."""

from __future__ import annotations

from appliance.accounts.context import AccountsContext
from appliance.office.anchors import SignerAnchors
from appliance.office.appointing import Appointing, OfficerAccountForm, OfficerForm
from appliance.office.decisions import OfficerDecisions
from appliance.office.drafts import DecisionDrafts, SealDraft
from appliance.office.effects import describe_decision, subjects_of_decision
from appliance.office.members import Members
from appliance.office.requests import EnrolmentRequests
from appliance.office.seals import CompanySeals

__all__ = [
    "Appointing",
    "EnrolmentRequests",
    "Office",
    "OfficerAccountForm",
    "OfficerForm",
    "SealDraft",
    "describe_decision",
    "subjects_of_decision",
]


class Office:
    """``requests``: what people ask for; ``drafts``: acts for officers; ``decisions``: their activations;
    ``anchors``: certification authorities of outside signers."""

    def __init__(self, context: AccountsContext) -> None:
        self.requests = EnrolmentRequests(context)
        self.drafts = DecisionDrafts(context)
        self.decisions = OfficerDecisions(context)
        self.members = Members(context, self.drafts)
        self.seals = CompanySeals(context)
        self.anchors = SignerAnchors(context)
