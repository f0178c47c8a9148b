"""The office: officers decide who signs with what, make seals, and end what must end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.accounts.sessions import PortalSessions
from appliance.ledger.audit_trail import AuditTrail
from appliance.office.appointing import Appointing, OfficerForm, RecoveryForm
from appliance.office.decisions import OfficerDecisions
from appliance.office.descriptions import describe_decision, subjects_of_decision
from appliance.office.drafts import DecisionDrafts, SealDraft
from appliance.office.members import Members
from appliance.office.requests import EnrolmentRequests
from appliance.office.seals import CompanySeals
from appliance.store.database import Database
from hsm.client import AuthorityClient

__all__ = [
    "Appointing",
    "EnrolmentRequests",
    "Office",
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


def open_office(
    database: Database,
    audit: AuditTrail,
    authority: AuthorityClient,
    sessions: PortalSessions,
    now: Callable[[], datetime],
) -> Office:
    """The office of one process."""
    preparing = DecisionDrafts(database, authority, now)
    return Office(
        requests=EnrolmentRequests(database, audit, authority, now),
        drafts=preparing,
        decisions=OfficerDecisions(database, audit, authority, sessions, now),
        members=Members(database, audit, authority, sessions, preparing, now),
        seals=CompanySeals(database, audit, authority, now),
    )
