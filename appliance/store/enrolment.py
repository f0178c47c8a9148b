"""Enrolment requests with the credentials that they propose, and appointments of officers that may be under
way: kept from the form until the account is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from appliance.errors import NotFound, StateRefused
from appliance.model.office import (
    EnrolmentRequest,
    EnrolmentRequestState,
    NewOfficer,
    ProposedCredential,
)
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of, refusing


def insert(tx: Transaction, request: EnrolmentRequest) -> None:
    """A new open request. Raises :class:`StateRefused` while another one of the subject waits, or without one."""
    with refusing(
        StateRefused(
            "{subject} is not known, or another request waits already; an officer decides that one first.",
            subject=request.subject,
        )
    ):
        row = fields_of(request, "id subject asked") | {"kinds": " ".join(request.kinds), "state": "open"}
        tx.insert("enrolment_requests", row)
    for position, each in enumerate(request.credentials, start=1):
        row = {"request": request.id, "position": position} | fields_of(each, "kind fingerprint")
        tx.insert("proposed_credentials", row)


def close(
    tx: Transaction,
    request_id: str,
    state: EnrolmentRequestState,
    *,
    at: datetime,
    by: str,
    reason: str | None = None,
) -> None:
    """open → *state*; what was proposed is forgotten. Raises :class:`StateRefused` when it was decided before."""
    decision = {"state": state, "decided": at, "decided_by": by, "reason": reason}
    if not tx.update("enrolment_requests", decision, id=request_id, state="open"):
        raise StateRefused("This request was decided in the meantime.")
    tx.execute("DELETE FROM proposed_credentials WHERE request = ?", (request_id,))


def request(tx: Transaction, request_id: str) -> EnrolmentRequest:
    """The request. Raises :class:`NotFound`."""
    found = _found(tx, "id = ?", request_id)
    if not found:
        raise unknown(request_id)
    return found[0]


def unknown(request_id: str) -> NotFound:
    """What is said of a request that is not there, or not for this person."""
    return NotFound("There is no enrolment request {id}.", id=request_id)


def open_request(tx: Transaction, subject: str) -> EnrolmentRequest | None:
    """The request of *subject* that waits, or None."""
    found = _found(tx, "subject = ? AND state = 'open'", subject)
    return found[0] if found else None


def has_passkey(tx: Transaction, subject: str) -> bool:
    """Whether *subject* has asked for a passkey to sign with, and no officer has refused it."""
    return tx.exists(
        "SELECT 1 FROM enrolment_requests WHERE subject = ? AND state IN ('open', 'approved')"
        " AND ' ' || kinds || ' ' LIKE '% webauthn %' LIMIT 1",
        (subject,),
    )


def waiting(tx: Transaction) -> list[EnrolmentRequest]:
    """The open requests, oldest first."""
    return _found(tx, "state = 'open' ORDER BY asked, rowid LIMIT 200")


def of_subject(tx: Transaction, subject: str) -> list[EnrolmentRequest]:
    """The requests of *subject*, newest first."""
    return _found(tx, "subject = ? ORDER BY asked DESC, rowid DESC LIMIT 50", subject)


def _found(tx: Transaction, where: str, *values: str) -> list[EnrolmentRequest]:
    found = _REQUESTS.all(tx, f"WHERE {where}", values, credentials=())
    return [replace(each, credentials=_credentials(tx, each.id)) for each in found]


def _credentials(tx: Transaction, request_id: str) -> tuple[ProposedCredential, ...]:
    return tuple(
        _CREDENTIALS.all(
            tx,
            "SELECT kind, fingerprint FROM proposed_credentials WHERE request = ? ORDER BY position",
            (request_id,),
        )
    )


_REQUESTS = Query(
    EnrolmentRequest,
    "SELECT id, subject, kinds, state, asked, decided, decided_by, reason FROM enrolment_requests",
    kinds=lambda kinds: tuple(kinds.split()),
)
_CREDENTIALS = Query(ProposedCredential)


_APPOINTED = "subject login name organisation ticket email password browser"
_APPOINTMENTS = Query(NewOfficer, f"SELECT {', '.join(_APPOINTED.split())} FROM appointments")  # noqa: S608  # names of this module
APPOINTMENT_LASTS = timedelta(days=7)
"""How long somebody has from the first form to the last one: by then the code is used up."""


def save_appointment(tx: Transaction, new: NewOfficer, *, at: datetime) -> None:
    """Keeps *new* beside others; those that were begun too long ago are forgotten."""
    tx.execute("DELETE FROM appointments WHERE begun < ?", (at - APPOINTMENT_LASTS,))
    tx.insert("appointments", fields_of(new, _APPOINTED) | {"begun": at})


def appointments(tx: Transaction) -> list[NewOfficer]:
    return _APPOINTMENTS.all(tx)


def forget_appointments(tx: Transaction, subject: str) -> None:
    """Drops all that is kept for *subject*, whose account is there."""
    tx.execute("DELETE FROM appointments WHERE subject = ?", (subject,))
