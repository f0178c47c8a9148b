"""Sessions of the console: who is signed in, from where, until when. The portal's cookies are worth nothing
here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from appliance.accounts.sessions import KEPT, LONGEST_AGENT, TOUCH_EVERY, ClientInfo, session_id_of
from appliance.administration.context import AdministrationContext
from appliance.errors import NotFound
from appliance.model.administration import (
    Actor,
    Administrator,
    AdministratorState,
    ConsoleSession,
    JournalKind,
    OpenedConsoleSession,
)
from appliance.store.administration import administrators
from appliance.store.administration import sessions as store
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class ConsoleSessionHolder:
    """Somebody who is signed in to the console."""

    session: ConsoleSession
    administrator: Administrator

    @property
    def actor(self) -> Actor:
        """Who acts in this session."""
        return Actor(self.administrator.login, self.administrator.role)


class ConsoleSessions:
    """Opens, finds and ends sessions. Thread-safe."""

    def __init__(self, room: AdministrationContext) -> None:
        self._room = room
        self._idle = timedelta(minutes=room.limits.idle_minutes)
        self._longest = timedelta(hours=room.limits.longest_hours)

    def open_session(self, tx: Transaction, login: str, where: ClientInfo) -> OpenedConsoleSession:
        """A new session, in the transaction that found the sign-in right."""
        now, secret = self._room.now(), secrets.token_urlsafe(32)
        name = session_id_of(secret).hex()
        agent = where.agent[:LONGEST_AGENT]
        session = ConsoleSession(name, login, now, now, now + self._longest, where.address, agent)
        store.forget(tx, now - KEPT)
        store.insert(tx, session)
        return OpenedConsoleSession(session, secret)

    def find_holder(self, secret: str, *, touch: bool = True) -> ConsoleSessionHolder | None:
        """Who holds the cookie's *secret*, or None: unknown, ended, run out, or the account is not active.

        Without *touch* it is no sign of life: a page that asks again by itself does not keep anybody signed in.
        """
        now, identifier = self._room.now(), session_id_of(secret)
        with self._room.database.reading() as tx:
            session = store.find(tx, identifier)
            if session is None or session.until <= now or session.seen + self._idle <= now:
                return None
            administrator = administrators.administrator(tx, session.login)
        if administrator.state is not AdministratorState.ACTIVE:
            return None
        if touch and now - session.seen >= TOUCH_EVERY:
            with self._room.database.transaction() as tx:
                store.touch(tx, identifier, now=now)
        return ConsoleSessionHolder(session, administrator)

    def sessions_of(self, login: str) -> list[ConsoleSession]:
        """The sessions of *login* that still work, the one used last first."""
        now = self._room.now()
        with self._room.database.reading() as tx:
            return store.of_login(tx, login, now=now, idle_since=now - self._idle)

    def close(self, secret: str) -> None:
        """Signing out: the session of this cookie ends, if there is one."""
        identifier = session_id_of(secret)
        with self._room.database.transaction() as tx:
            session = store.find(tx, identifier)
            if session is not None:
                store.end(tx, identifier, subject=session.login, now=self._room.now())

    def revoke_session(self, session_id: str, *, by: Actor) -> None:
        """Ends one's own session *session_id* (64 hex digits). Raises :class:`NotFound` for all others."""
        try:
            identifier = bytes.fromhex(session_id)
        except ValueError as error:
            raise NotFound("There is no such session; it may have ended already.") from error
        with self._room.writing() as tx:
            if not store.end(tx, identifier, subject=by.login, now=self._room.now()):
                raise NotFound("There is no such session; it may have ended already.")
            self._room.journal.append_line(tx, JournalKind.SESSIONS_ENDED, by, login=by.login, count=1)

    def end_all_sessions(self, tx: Transaction, login: str, *, by: Actor, but: str = "") -> int:
        """Ends all sessions of *login* but one, inside the caller's transaction; how many there were."""
        ended = store.end_all(tx, login, now=self._room.now(), but=bytes.fromhex(but))
        if ended:
            self._room.journal.append_line(tx, JournalKind.SESSIONS_ENDED, by, login=login, count=ended)
        return ended
