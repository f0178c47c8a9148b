"""Inviting an outside signer, in the transaction that sends the contract."""

from __future__ import annotations

import secrets
from datetime import datetime

from appliance.history.chronicle import Chronicle
from appliance.history.events import EventKind, HistoryEvent
from appliance.model.contract import GUEST_PREFIX, Contract, Party
from appliance.model.guest import Invitation
from appliance.model.notice import Notice, NoticeKind
from appliance.store import guests, outbox
from appliance.store.database import Transaction


def is_guest(subject: str) -> bool:
    """Whether *subject* names an outside signer."""
    return subject.startswith(GUEST_PREFIX)


def invite(
    tx: Transaction,
    contract: Contract,
    party: Party,
    *,
    by: str,
    now: datetime,
    before: Invitation | None = None,
    asked_by: str | None = None,
) -> Invitation:
    """The invitation of a guest *party*, which ends an earlier one, with its entry in the log and its notice.

    *by* invites and vouches; *asked_by* is the guest, where it was they who asked for another link. The new link
    takes over the code and the tries of *before*. The notice (``guest-invited``) is about the invitation's id, of
    which its letter's link is made. Raises :class:`StateRefused` for a party that is no guest's.
    """
    guests.end(tx, party.id, now)
    invitation = Invitation(
        id=secrets.token_hex(16),
        person=party.subject,
        contract=contract.id,
        party=party.id,
        invited_by=by,
        invited=now,
        round=0 if before is None else before.round,
        tries=0 if before is None else before.tries,
        opened=None if before is None else before.opened,
    )
    guests.insert(tx, invitation)
    public = {"party": party.id, "person": party.subject, "invitation": invitation.id}
    Chronicle().tell(tx, HistoryEvent(EventKind.GUEST_INVITED, now, asked_by or by, contract.id, public))
    outbox.enqueue(tx, Notice(contract.id, party.subject, NoticeKind.GUEST_INVITED, now, invitation.id))
    return invitation
