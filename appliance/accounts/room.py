"""What everything about accounts is done with: one place to hand over what all of it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.accounts.codes import LoginCodes
from appliance.accounts.links import Links
from appliance.accounts.passkeys import Passkeys, Site
from appliance.accounts.registry import Registry
from appliance.accounts.sessions import Sessions
from appliance.accounts.tickets import Tickets
from appliance.config import InterfaceSettings, Settings
from appliance.ledger.audit_trail import AuditTrail
from appliance.store.database import Database
from hsm.client import AuthorityClient


@dataclass(frozen=True, slots=True)
class AccountsRoom:
    """The collaborators; every one is thread-safe."""

    database: Database
    audit: AuditTrail
    registry: Registry
    sessions: Sessions
    links: Links
    codes: LoginCodes
    passkeys: Passkeys
    tickets: Tickets
    interface: InterfaceSettings
    now: Callable[[], datetime]


def accounts_room(
    settings: Settings,
    database: Database,
    audit: AuditTrail,
    authority: AuthorityClient,
    links: Links,
    now: Callable[[], datetime],
) -> AccountsRoom:
    """The room, with keys for tickets and handles that are derived from the key of *links*."""
    tickets = Tickets(links.secret("tickets"))
    site = Site(settings.web.relying_party, settings.web.origin, settings.organisation.name)
    return AccountsRoom(
        database=database,
        audit=audit,
        registry=Registry(database, audit, now),
        sessions=Sessions(database, audit, settings.sessions, now),
        links=links,
        codes=LoginCodes(authority, settings.organisation.name),
        passkeys=Passkeys(site, tickets, links.secret("handles"), now),
        tickets=tickets,
        interface=settings.interface,
        now=now,
    )
