"""What everything about administrators works with: their secrets at rest, and their journal with its way into the
tamper-evident log.

A line is written in the transaction that makes it true, and what cannot be written does not happen. The log is in
the portal's database: a line goes there at once, or, while that database does not answer, with the next one. So an
operator can act while it is gone, and nothing is lost or told twice.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from appliance.accounts.codes import LoginCodes
from appliance.accounts.passkeys import PasskeyVerifier, RelyingParty
from appliance.accounts.tickets import Tickets
from appliance.administration.confirmed import RootConfirmations
from appliance.config import Settings
from appliance.errors import StorageError
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.administration import NOBODY, Actor, JournalKind, JournalLine, subject_of
from appliance.sealing import seal, unseal
from appliance.store import administrators as known_to_the_portal
from appliance.store.administration import journal
from appliance.store.database import Database, Transaction, reads

AT_ONCE = 500
"""Lines that go into the log in one transaction."""


class AdministrationJournal:
    """Writes lines, reads them, and sees them into the log. Thread-safe."""

    def __init__(
        self,
        database: Database,
        portal: Callable[[], Database],
        now: Callable[[], datetime],
        *,
        user: str = "",
    ) -> None:
        """*user* of the operating system is whoever runs a command on the machine, where that is known."""
        self._database = database
        self._portal = portal
        self.now = now
        self._user = user

    def append_line(
        self, tx: Transaction, kind: JournalKind, by: Actor, *, act: str | None = None, **detail: str | int
    ) -> None:
        """One line, in the caller's transaction; *detail* never has a secret."""
        behind = {"user": self._user} if self._user and by != NOBODY else {}
        journal.append(tx, kind, by.login, self.now(), act=act, detail={**detail, **behind})

    lines = reads(journal.lines)
    broken_at = reads(journal.broken_at)

    def forward_to_log(self) -> bool:
        """Puts the lines that are not there yet into the log, in their order; False while that does not work."""
        try:
            while self._forward_some():
                pass
        except StorageError:
            return False
        return True

    def _forward_some(self) -> bool:
        portal = self._portal()
        with portal.transaction() as tx, self._database.reading() as own:
            name = journal.identity(own)
            found = journal.after(own, known_to_the_portal.last_in_log(tx, name), limit=AT_ONCE)
            for line, digest in found:
                entry = append_event(tx, _event(name, line, digest))
                known_to_the_portal.in_log(tx, name, line.number, entry)
        return len(found) == AT_ONCE


def _event(name: str, line: JournalLine, digest: bytes) -> AuditEvent:
    public = {
        "act": line.request,
        "digest": digest.hex(),
        "journal": name,
        "line": line.number,
        "what": line.kind.value,
    }
    return AuditEvent(EventKind.ADMINISTRATION, line.at, subject_of(line.who), None, public)


class AdministrationContext:
    """The collaborators; every one is thread-safe. *portal* opens the portal's database when it is needed, so that
    the administration opens while that one does not; so does what needs the secret *key* of the console."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        portal: Callable[[], Database],
        journal: AdministrationJournal,
        key: Callable[[], bytes],
    ) -> None:
        self.database, self.portal, self.journal, self.now = database, portal, journal, journal.now
        self.site = _site(settings)
        self.codes = LoginCodes(OwnWrapping(key), self.site.name)
        self.confirmed = RootConfirmations(settings.home.confirmed)
        self.limits = settings.sessions
        self._key = key

    def derive_key(self, use: str) -> bytes:
        """A key (32 bytes) of the console for one *use*. Raises :class:`ConfigurationError` without its secret."""
        return derived(self._key(), use)

    def tickets(self) -> Tickets:
        """What pages carry between the steps of signing in. Raises as :meth:`derive_key`."""
        return Tickets(self.derive_key("tickets"))

    def passkeys(self) -> PasskeyVerifier:
        """Registers passkeys. Raises as :meth:`derive_key`."""
        return PasskeyVerifier(self.site, self.tickets(), self.derive_key("handles"), self.now)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction of the administration; what it wrote into the journal then goes into the log."""
        with self.database.transaction() as tx:
            yield tx
        self.journal.forward_to_log()


SMALLEST_KEY = 32
"""Bytes."""


class OwnWrapping:
    """Seals by AES-256-GCM under one secret *key* of the console, which opens while the authority is gone; each
    value for its context alone. Thread-safe.

    The key is asked for when it is used: not every process that looks after the administration has it.
    """

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._key = key

    def wrap_key(self, context: str, key: bytes) -> bytes:
        """*key*, sealed for *context*: nonce, ciphertext, tag."""
        return seal(self._own(), context, key)

    def unwrap_key(self, context: str, wrapped: bytes) -> bytes:
        """What was sealed for the same *context*. Raises :class:`NotPermitted` for anything else."""
        return unseal(self._own(), context, wrapped)

    def _own(self) -> bytes:
        return derived(self._key(), "wrapping")


def derived(key: bytes, use: str) -> bytes:
    """A key (32 bytes) for one *use*, from the console's secret *key*. Raises ValueError for a short one."""
    if len(key) < SMALLEST_KEY:
        raise ValueError(f"a key of the console has {SMALLEST_KEY} bytes or more")
    return hmac.digest(key, b"vermilion console: " + use.encode(), "sha256")


def _site(settings: Settings) -> RelyingParty:
    """Where administrators' passkeys belong; the devices of people in the portal are not asked for them."""
    console = settings.console
    name = f"{settings.organisation.name} console"
    return RelyingParty(console.relying_party, console.origin, name, discoverable=False)
