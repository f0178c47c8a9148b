"""How officers' decisions are told: the reasons that they give, and who is notified."""

from __future__ import annotations

from datetime import datetime

from appliance.entered_text import require_text
from appliance.errors import NotFound
from appliance.model.contract import GUEST_PREFIX
from appliance.model.notice import Notice, NoticeKind
from appliance.store import contracts, guests, members, outbox
from appliance.store.database import Transaction


def notify_officers(tx: Transaction, kind: NoticeKind, now: datetime, *, about: str) -> None:
    """Every officer is told of what *about* names: a request or decision that waits, by its id; for a recovery,
    the ceremony's number, or the officer who has used it."""
    for officer in members.officers(tx):
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
