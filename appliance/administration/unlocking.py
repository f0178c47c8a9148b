"""Attended unlock: two PIN custodians, each signed in, each with a passkey and a part of the token's PIN.

1. The first one activates a new intent by passkey; the authority verifies that, and stores the approval.
2. That person's part of the PIN stays in this process's memory, and nowhere else, until the intent expires.
3. The second one, another person, activates the same intent; the authority verifies that, too.
4. Both parts are sent to the authority together, which logs in once. Then this process forgets them in any case.

Where the PIN is not split, one of the two gives no part; both must activate all the same.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from appliance.administration.context import AdministrationContext
from appliance.errors import NotAllowed, PreconditionRefused, StateRefused
from appliance.model.administration import Actor, AdministratorRole, JournalKind
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError, BadRequest
from hsm.intents import OfficerIntent, WebAuthnActivation, officer_intent_from_wire
from hsm.names import pin_custodian_subject

LASTS = timedelta(minutes=10)
"""How long the first part waits for the second."""

PARTS = (1, 2)
LONGEST_PART = 128


@dataclass(frozen=True, slots=True)
class PinPart:
    """Which part of the PIN it is, 1 or 2; empty from somebody who has none."""

    number: int
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnlockStatus:
    """The unlocking as one administrator sees it: the ``act`` to activate, by one of these ``credentials`` (none
    for who is no PIN custodian); ``given`` is the part that waits for the other, by whom, until when."""

    act: OfficerIntent
    credentials: tuple[bytes, ...]
    given: int | None = None
    by: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _PendingPinPart:
    act: OfficerIntent
    login: str
    part: PinPart = field(repr=False)


class AttendedUnlock:
    """There is one, in the console's process. Thread-safe."""

    def __init__(self, context: AdministrationContext, authority: AuthorityClient) -> None:
        self._context = context
        self._authority = authority
        self._turn = threading.Lock()
        self._half: _PendingPinPart | None = None

    def status_for(self, by: Actor) -> UnlockStatus:
        """What *by* is asked for. Raises :class:`NotAllowed` for auditors, and what the authority refuses."""
        _require_may(by)
        known = self._authority.credentials(pin_custodian_subject(by.login))
        credentials = tuple(each.credential_id for each in known if each.credential_id is not None)
        with self._turn:
            half = self._waiting()
        if half is None:
            expires = self._context.now().replace(microsecond=0) + LASTS
            return UnlockStatus(OfficerIntent("unlock", {}, expires, secrets.token_bytes(16)), credentials)
        return UnlockStatus(half.act, credentials, half.part.number, half.login, half.act.expires)

    def give_part(self, fields: Any, part: PinPart, answer: WebAuthnActivation, *, by: Actor) -> bool:
        """Takes one PIN custodian's part; whether the authority is unlocked now. *fields* are the shown intent's.

        Raises :class:`StateRefused` when that intent is over or another one was begun, :class:`NotAllowed` for
        auditors and for who has given a part already, :class:`PreconditionRefused` for no part at all, and what
        the authority refuses: a wrong PIN is not tried again.
        """
        _require_may(by)
        act = _act(fields)
        with self._turn:
            half = self._waiting()
            self._require_fitting(half, act, part, by)
            self._authority.approve_unlock(act, answer)
            if half is None:
                self._keep(_PendingPinPart(act, by.login, part))
                self._append_line(JournalKind.PIN_PART_GIVEN, by)
                return False
            self._half = None
            self._unlock(act, half.part, part, by)
            return True

    def forget_part(self, by: Actor) -> None:
        """Forgets the part that waits: its owner withdraws it, or another administrator ends the attempt."""
        _require_may(by)
        with self._turn:
            if self._waiting() is None:
                raise StateRefused("No part of the PIN waits any more.")
            self._half = None
            self._append_line(JournalKind.PIN_PART_FORGOTTEN, by)

    def _unlock(self, act: OfficerIntent, first: PinPart, second: PinPart, by: Actor) -> None:
        ordered = sorted((first, second), key=lambda each: each.number)
        try:
            self._authority.unlock(act, [], pins=[each.pin for each in ordered if each.pin])
        except AuthorityError:
            self._append_line(JournalKind.UNLOCK_FAILED, by)
            raise
        self._append_line(JournalKind.AUTHORITY_UNLOCKED, by)

    def _require_fitting(self, half: _PendingPinPart | None, act: OfficerIntent, part: PinPart, by: Actor) -> None:
        if part.number not in PARTS or len(part.pin) > LONGEST_PART or not (part.pin or "-").isprintable():
            raise PreconditionRefused("A part of the PIN has at most {most} characters.", most=LONGEST_PART)
        if half is None:
            if act.expires <= self._context.now():
                raise StateRefused("This page was open for too long; it asks anew now.")
            return
        if by.login == half.login:
            raise NotAllowed("You have given your part already; another keeper gives the other one.")
        if act != half.act:
            raise StateRefused("Another keeper has begun in the meantime; answer for what is shown now.")
        if part.number == half.part.number:
            raise PreconditionRefused("Part {number} was given already; give the other one.", number=part.number)
        if not part.pin and not half.part.pin:
            raise PreconditionRefused("Neither of you has given a part of the PIN; one has to.")

    def _waiting(self) -> _PendingPinPart | None:
        if self._half is not None and self._half.act.expires <= self._context.now():
            self._half = None
        return self._half

    def _keep(self, half: _PendingPinPart) -> None:
        """Until the intent ends, also when nobody asks any more."""
        self._half = half
        timer = threading.Timer(LASTS.total_seconds(), self._drop, (half,))
        timer.daemon = True
        timer.start()

    def _drop(self, half: _PendingPinPart) -> None:
        with self._turn:
            if self._half is half:
                self._half = None

    def _append_line(self, kind: JournalKind, by: Actor) -> None:
        with self._context.writing() as tx:
            self._context.journal.append_line(tx, kind, by)


def _require_may(by: Actor) -> None:
    if by.role not in (AdministratorRole.SYSTEM, AdministratorRole.SECURITY):
        raise NotAllowed("Auditors unlock nothing.")


def _act(fields: Any) -> OfficerIntent:
    try:
        return officer_intent_from_wire(fields, "unlock")
    except BadRequest as error:
        raise StateRefused("This page was open for too long; it asks anew now.") from error
