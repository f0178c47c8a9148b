"""The office in one place, for those who wire it and those who show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.accounts.sessions import Sessions
from appliance.ledger.audit_trail import AuditTrail
from appliance.office.drafts import Preparing
from appliance.office.members import Members
from appliance.office.performing import Performing
from appliance.office.requests import EnrolmentRequests
from appliance.office.seals import Seals
from appliance.store.database import Database
from hsm.client import AuthorityClient


@dataclass(frozen=True, slots=True)
class Office:
    """``requests``: what people ask for; ``preparing``: acts for officers; ``performing``: their activations."""

    requests: EnrolmentRequests
    preparing: Preparing
    performing: Performing
    members: Members
    seals: Seals


def open_office(
    database: Database,
    audit: AuditTrail,
    authority: AuthorityClient,
    sessions: Sessions,
    now: Callable[[], datetime],
) -> Office:
    """The office of one process."""
    preparing = Preparing(database, authority, now)
    return Office(
        requests=EnrolmentRequests(database, audit, authority, now),
        preparing=preparing,
        performing=Performing(database, audit, authority, sessions, now),
        members=Members(database, audit, authority, sessions, preparing, now),
        seals=Seals(database, audit, authority, now),
    )
