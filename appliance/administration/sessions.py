"""Sessions of the console: who is signed in, from where, until when. The portal's cookies are worth nothing
here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from appliance.accounts.sessions import KEPT, LONGEST_AGENT, ClientInfo, SessionRules, session_id_of
from appliance.administration.context import AdministrationContext
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


class ConsoleSessions(SessionRules[ConsoleSession]):
    """Opens, finds and ends sessions of the console. Thread-safe."""

    def __init__(self, context: AdministrationContext) -> None:
        super().__init__(context.database, store, context.limits, context.now)
        self._context = context

    def open_session(self, tx: Transaction, login: str, where: ClientInfo) -> OpenedConsoleSession:
        """A new session, in the transaction that found the sign-in right."""
        now, secret = self._context.now(), secrets.token_urlsafe(32)
        name = session_id_of(secret).hex()
        agent = where.agent[:LONGEST_AGENT]
        session = ConsoleSession(name, login, now, now, now + self.longest, where.address, agent)
        store.forget(tx, now - KEPT)
        store.insert(tx, session)
        return OpenedConsoleSession(session, secret)

    def find_holder(self, secret: str, *, touch: bool = True) -> ConsoleSessionHolder | None:
        """Who holds the cookie's *secret*, or None: unknown, ended, run out, or the account is not active.

        Without *touch* it is no sign of life: a page that asks again by itself does not keep anybody signed in.
        """
        with self._context.database.reading() as tx:
            session = self.find_session(tx, secret)
            if session is None:
                return None
            administrator = administrators.administrator(tx, session.login)
        if administrator.state is not AdministratorState.ACTIVE:
            return None
        if touch:
            self.touch_session(session, secret)
        return ConsoleSessionHolder(session, administrator)

    def revoke_session(self, session_id: str, *, by: Actor) -> None:
        """Ends one's own session. Raises as :meth:`end_own`."""
        with self._context.writing() as tx:
            self.end_own(tx, session_id, by.login)
            self._context.journal.append_line(tx, JournalKind.SESSIONS_ENDED, by, login=by.login, count=1)

    def end_all_sessions(self, tx: Transaction, login: str, *, by: Actor, but: str = "") -> int:
        """Ends all sessions of *login* but one, inside the caller's transaction; how many there were."""
        ended = store.end_all(tx, login, now=self._context.now(), but=bytes.fromhex(but))
        if ended:
            self._context.journal.append_line(tx, JournalKind.SESSIONS_ENDED, by, login=login, count=ended)
        return ended
