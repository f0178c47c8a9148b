"""What every part of the office works with, and how officers' decisions are told: the reasons that they give, and
who is notified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.accounts.sessions import PortalSessions
from appliance.entered_text import require_text
from appliance.errors import NotFound
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.contract import GUEST_PREFIX
from appliance.model.notice import Notice, NoticeKind
from appliance.store import contracts, directory, guests, outbox
from appliance.store.database import Database, Transaction
from hsm.client import AuthorityClient


@dataclass(frozen=True, slots=True)
class OfficeContext:
    """The collaborators; every one is thread-safe."""

    database: Database
    authority: AuthorityClient
    sessions: PortalSessions
    now: Callable[[], datetime]


class OfficeService:
    """One part of the office, over the collaborators of all of them."""

    def __init__(self, context: OfficeContext) -> None:
        self._database = context.database
        self._authority = context.authority
        self._sessions = context.sessions
        self._now = context.now

    def _tell(
        self, tx: Transaction, kind: EventKind, by: str, public: Mapping[str, Field], **private: Field
    ) -> None:
        """An event of now in the log, in the caller's transaction."""
        append_event(tx, AuditEvent(kind, self._now(), by, None, public, private))


def notify_officers(tx: Transaction, kind: NoticeKind, now: datetime, *, about: str) -> None:
    """Every officer is told of what *about* names: a request or decision that waits, by its id; for a recovery,
    the ceremony's number, or the officer who has used it."""
    for officer in directory.officers(tx):
        outbox.enqueue(tx, Notice(None, officer, kind, now, about))


def notify_inviter(tx: Transaction, guest: str, now: datetime) -> None:
    """Whoever invited *guest* is told that the guest waits for an officer; nobody, for people with accounts."""
    if not guest.startswith(GUEST_PREFIX):
        return
    try:
        held = guests.of_person(tx, guest)
    except NotFound:
        return
    initiator = contracts.load_contract(tx, held.contract).initiator
    outbox.enqueue(tx, Notice(held.contract, initiator, NoticeKind.GUEST_REGISTERED, now, held.party))


def checked_reason(text: str, missing: str) -> str:
    """*text* tidied. Raises :class:`PreconditionRefused` with *missing* when there is none, or for too much."""
    return require_text(text, missing=missing, too_long="This has more than {most} characters.", most=500)
