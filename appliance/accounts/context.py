"""The collaborators of accounts and office, in one value that is passed to each of their services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from appliance.accounts.codes import LoginCodes
from appliance.accounts.passkeys import PasskeyVerifier, RelyingParty
from appliance.accounts.registry import PeopleRegistry
from appliance.accounts.sessions import PortalSessions
from appliance.accounts.tickets import LinkTokens, Tickets
from appliance.config import Settings
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.store.database import Database, Transaction
from hsm.client import AuthorityClient


class AccountsContext:
    """The collaborators; every one is thread-safe. Keys for tickets and handles are derived from *links*."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        authority: AuthorityClient,
        links: LinkTokens,
        now: Callable[[], datetime],
    ) -> None:
        self.database, self.authority, self.links, self.now = database, authority, links, now
        self.interface, self.issuer = settings.interface, settings.organisation.name
        site = RelyingParty(settings.web.relying_party, settings.web.origin, self.issuer)
        self.registry = PeopleRegistry(database, now)
        self.sessions = PortalSessions(database, settings.sessions, now, provider=settings.openid.issuer)
        self.codes = LoginCodes(authority, self.issuer)
        self.tickets = Tickets(links.derive_key("tickets"))
        self.passkeys = PasskeyVerifier(site, self.tickets, links.derive_key("handles"), now)


class AccountsPart:
    """Base of the services of accounts and office, which share these collaborators."""

    def __init__(self, context: AccountsContext) -> None:
        self._database = context.database
        self._authority = context.authority
        self._registry = context.registry
        self._sessions = context.sessions
        self._links = context.links
        self._codes = context.codes
        self._passkeys = context.passkeys
        self._interface = context.interface
        self._now = context.now

    def _append_event(
        self, tx: Transaction, kind: EventKind, by: str, public: Mapping[str, Field], **private: Field
    ) -> None:
        """An event of now in the log, in the caller's transaction."""
        append_event(tx, AuditEvent(kind, self._now(), by, None, public, private))
