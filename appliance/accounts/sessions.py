"""Sessions: who is signed in, from where, until when; kept here, so that each can be listed and ended.

The cookie holds 256 random bits; the database has only their SHA-256, so that who reads it cannot come in.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from appliance.config import SessionSettings
from appliance.errors import NotFound
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.accounts import Account, AccountRole, AccountState, OpenedSession, Session, Strength
from appliance.model.administration import ConsoleSession
from appliance.model.people import Person
from appliance.store import accounts, people, single_sign_on
from appliance.store import sessions as store
from appliance.store.database import Database, Transaction

TOUCH_EVERY = timedelta(seconds=60)
"""How exactly it is known when a session was used last: not every page view is written down."""

KEPT = timedelta(days=30)
"""How long the rows of sessions stay that are over."""

LONGEST_AGENT = 300
"""Characters of a browser's description that are stored."""


@dataclass(frozen=True, slots=True)
class SessionHolder:
    """Somebody who is signed in: the session, the person, and the account (None for a guest)."""

    session: Session
    person: Person
    account: Account | None

    @property
    def roles(self) -> frozenset[AccountRole]:
        return self.account.roles if self.account else frozenset()


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """Where a session is opened from: network address, and what the browser says of itself."""

    address: str
    agent: str = ""


S = TypeVar("S", bound=Session | ConsoleSession)


class SessionTable(Protocol[S]):
    """The stored sessions of one application, by the SHA-256 of the cookie; a module of :mod:`appliance.store`.
    Each function runs in the caller's transaction."""

    def find(self, tx: Transaction, identifier: bytes) -> S | None:
        """The session that nobody ended."""

    def of_subject(self, tx: Transaction, subject: str, *, now: datetime, idle_since: datetime) -> list[S]:
        """The sessions of one owner that still work."""

    def owner(self, tx: Transaction, identifier: bytes) -> str | None:
        """Whose session it is, or was before it ended."""

    def touch(self, tx: Transaction, identifier: bytes, *, now: datetime) -> None:
        """Remembers that it is used."""

    def end(self, tx: Transaction, identifier: bytes, *, subject: str, now: datetime) -> bool:
        """Ends a session of *subject*; False when there is none that goes on."""


class SessionRules(Generic[S]):
    """When sessions of one application work and end; the same for portal and console. Thread-safe."""

    def __init__(
        self,
        database: Database,
        table: SessionTable[S],
        settings: SessionSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._table = table
        self._idle = timedelta(minutes=settings.idle_minutes)
        self.longest = timedelta(hours=settings.longest_hours)
        self._now = now

    def find_session(self, tx: Transaction, secret: str) -> S | None:
        """The session of a cookie's *secret*, or None: unknown, ended, or run out."""
        return self.working(self._table.find(tx, session_id_of(secret)))

    def working(self, session: S | None) -> S | None:
        """*session* while it works."""
        now = self._now()
        if session is None or session.until <= now or session.seen + self._idle <= now:
            return None
        return session

    def touch_session(self, session: S, secret: str) -> None:
        """Remembers that the session is used, once a minute."""
        now = self._now()
        if now - session.seen >= TOUCH_EVERY:
            self._database.commit(self._table.touch, session_id_of(secret), now=now)

    def sessions_of(self, owner: str) -> list[S]:
        """The sessions of *owner* that still work, the one used last first."""
        now = self._now()
        return self._database.query(self._table.of_subject, owner, now=now, idle_since=now - self._idle)

    def close(self, secret: str) -> None:
        """Signing out: the session of this cookie ends, if there is one."""
        identifier = session_id_of(secret)
        with self._database.transaction() as tx:
            owner = self._table.owner(tx, identifier)
            if owner is not None:
                self._table.end(tx, identifier, subject=owner, now=self._now())

    def end_own(self, tx: Transaction, session_id: str, owner: str) -> None:
        """Ends the session *session_id* (64 hex digits) of *owner*. Raises :class:`NotFound` for all others."""
        try:
            identifier = bytes.fromhex(session_id)
        except ValueError as error:
            raise _no_such_session() from error
        if not self._table.end(tx, identifier, subject=owner, now=self._now()):
            raise _no_such_session()


class PortalSessions(SessionRules[Session]):
    """Opens, finds and ends sessions of the portal. Thread-safe.

    Sessions that an identity provider opened work while it is *provider* (an issuer, empty for none): what another
    one has opened is over when the settings name that one no more."""

    def __init__(
        self, database: Database, settings: SessionSettings, now: Callable[[], datetime], *, provider: str
    ) -> None:
        super().__init__(database, store, settings, now)
        self._provider = provider

    def open_session(self, tx: Transaction, subject: str, strength: Strength, where: ClientInfo) -> OpenedSession:
        """A session of an account, in the transaction that found the sign-in right."""
        now = self._now()
        return self._open(tx, _new(subject, strength, now, now + self.longest, where))

    def open_guest_session(
        self,
        tx: Transaction,
        subject: str,
        *,
        guest_of: tuple[str, str],
        where: ClientInfo,
        until: datetime,
        embedded: str | None = None,
    ) -> OpenedSession:
        """A session of an outside signer, for one party of one contract (*guest_of*) and not beyond *until*, in
        the transaction that found the way in right: a correction of the guest comes before it, or ends it. With
        *embedded* it is one of the frame of this link (an id), and of no page."""
        now = self._now()
        session = _new(subject, Strength.GUEST, now, min(until, now + self.longest), where)
        return self._open(tx, replace(session, guest_of=guest_of, embedded=embedded))

    def embedded_session(self, tx: Transaction, secret: str, link: str) -> Session | None:
        """The session of the frame of *link* (an id) that a cookie's *secret* belongs to, while it works."""
        return self.working(store.find_embedded(tx, session_id_of(secret), link))

    def find_holder(self, secret: str) -> SessionHolder | None:
        """Who holds the cookie's *secret*, or None: unknown, ended, run out, or the account is not active."""
        with self._database.reading() as tx:
            session = self.find_session(tx, secret)
            if session is None or not self._is_providers(tx, session):
                return None
            person = people.person(tx, session.subject)
            account = None if session.guest_of is not None else accounts.account(tx, session.subject)
        if account is not None and not _opens(account, session.strength):
            return None
        self.touch_session(session, secret)
        return SessionHolder(session, person, account)

    def _is_providers(self, tx: Transaction, session: Session) -> bool:
        """Whether *session* is one of today's identity provider, or of no provider."""
        if session.strength is not Strength.SINGLE_SIGN_ON:
            return True
        return bool(self._provider) and single_sign_on.issuer_of(tx, bytes.fromhex(session.id)) == self._provider

    def owner_of(self, secret: str) -> str | None:
        """Whose session it is or was, also when it has run out or was ended; None for one that nobody knows."""
        return self._database.query(store.owner, session_id_of(secret))

    def revoke_session(self, session_id: str, *, by: str) -> None:
        """Ends one's own session. Raises as :meth:`end_own`."""
        with self._database.transaction() as tx:
            self.end_own(tx, session_id, by)
            self._record_ended(tx, by, by, 1)

    def revoke_others(self, keep: str, *, by: str) -> int:
        """Ends all sessions of *by* but the one with the id *keep*; how many there were."""
        return self._database.commit(self.end_all_sessions, by, by=by, but=keep)

    def end_all_sessions(self, tx: Transaction, subject: str, *, by: str, but: str = "") -> int:
        """The same for any *subject*, inside the caller's transaction."""
        ended = store.end_all(tx, subject, now=self._now(), but=bytes.fromhex(but))
        if ended:
            self._record_ended(tx, subject, by, ended)
        return ended

    def _open(self, tx: Transaction, new: Session) -> OpenedSession:
        secret = secrets.token_urlsafe(32)
        session = replace(new, id=session_id_of(secret).hex())
        store.forget(tx, self._now() - KEPT)
        store.insert_session(tx, session)
        return OpenedSession(session, secret)

    def _record_ended(self, tx: Transaction, subject: str, by: str, count: int) -> None:
        public: dict[str, Field] = {"subject": subject, "count": count}
        append_event(tx, AuditEvent(EventKind.SESSION_REVOKED, self._now(), by, None, public))


def _opens(account: Account, strength: Strength) -> bool:
    """Whether *account* is in use, and is one of those who sign in so."""
    in_use = account.state is AccountState.ACTIVE
    return in_use and (strength is not Strength.SINGLE_SIGN_ON or account.single_sign_on)


def _no_such_session() -> NotFound:
    return NotFound("There is no such session; it may have ended already.")


def _new(subject: str, strength: Strength, now: datetime, until: datetime, where: ClientInfo) -> Session:
    return Session("", subject, strength, now, now, until, where.address, where.agent[:LONGEST_AGENT])


def session_id_of(secret: str) -> bytes:
    """What is kept of a cookie's *secret*: its SHA-256 (32 bytes)."""
    return hashlib.sha256(secret.encode()).digest()
