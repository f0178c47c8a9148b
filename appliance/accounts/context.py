"""What everything about accounts is done with: one place to hand over what all of it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.accounts.codes import LoginCodes
from appliance.accounts.passkeys import PasskeyVerifier, RelyingParty
from appliance.accounts.registry import PeopleRegistry
from appliance.accounts.sessions import PortalSessions
from appliance.accounts.tickets import LinkTokens, Tickets
from appliance.config import InterfaceSettings, Settings
from appliance.ledger.audit_trail import AuditEvent, AuditTrail, EventKind, Field
from appliance.store.database import Database, Transaction
from hsm.client import AuthorityClient


@dataclass(frozen=True, slots=True)
class AccountsContext:
    """The collaborators; every one is thread-safe."""

    database: Database
    audit: AuditTrail
    registry: PeopleRegistry
    sessions: PortalSessions
    links: LinkTokens
    codes: LoginCodes
    passkeys: PasskeyVerifier
    tickets: Tickets
    interface: InterfaceSettings
    now: Callable[[], datetime]


class AccountsPart:
    """One side of the accounts, over the collaborators of all of them."""

    def __init__(self, context: AccountsContext) -> None:
        self._database = context.database
        self._audit = context.audit
        self._registry = context.registry
        self._sessions = context.sessions
        self._links = context.links
        self._codes = context.codes
        self._passkeys = context.passkeys
        self._interface = context.interface
        self._now = context.now

    def _tell(
        self, tx: Transaction, kind: EventKind, by: str, public: Mapping[str, Field], **private: Field
    ) -> None:
        """An event of now in the log, in the caller's transaction."""
        self._audit.append(tx, AuditEvent(kind, self._now(), by, None, public, private))


def accounts_context(
    settings: Settings,
    database: Database,
    audit: AuditTrail,
    authority: AuthorityClient,
    links: LinkTokens,
    now: Callable[[], datetime],
) -> AccountsContext:
    """The context, with keys for tickets and handles that are derived from the key of *links*."""
    tickets = Tickets(links.derive_key("tickets"))
    site = RelyingParty(settings.web.relying_party, settings.web.origin, settings.organisation.name)
    return AccountsContext(
        database=database,
        audit=audit,
        registry=PeopleRegistry(database, audit, now),
        sessions=PortalSessions(database, audit, settings.sessions, now),
        links=links,
        codes=LoginCodes(authority, settings.organisation.name),
        passkeys=PasskeyVerifier(site, tickets, links.derive_key("handles"), now),
        tickets=tickets,
        interface=settings.interface,
        now=now,
    )
