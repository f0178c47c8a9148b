"""The office: officers decide who signs with what, make seals, and end what must end."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.office.appointing import Appointing, OfficerForm, RecoveryForm
from appliance.office.context import OfficeContext
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
    "OfficeContext",
    "OfficerForm",
    "RecoveryForm",
    "SealDraft",
    "describe_decision",
    "open_office",
    "subjects_of_decision",
]


@dataclass(frozen=True, slots=True)
class Office:
    """``requests``: what people ask for; ``drafts``: acts for officers; ``decisions``: their activations."""

    requests: EnrolmentRequests
    drafts: DecisionDrafts
    decisions: OfficerDecisions
    members: Members
    seals: CompanySeals


def open_office(context: OfficeContext) -> Office:
    """The office of one process."""
    drafts = DecisionDrafts(context)
    return Office(
        EnrolmentRequests(context),
        drafts,
        OfficerDecisions(context),
        Members(context, drafts),
        CompanySeals(context),
    )
