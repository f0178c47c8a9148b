"""What officers decide: requests for enrolment, and decisions of theirs that wait for an activation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from appliance.model.accounts import AccountRole, AccountState
from appliance.model.directories import DirectorySource
from hsm.intents import OfficerIntent


@dataclass(frozen=True, slots=True)
class ProposedCredential:
    """What somebody has registered at the authority and wants to sign with: ``kind`` is webauthn or pin-totp, the
    ``fingerprint`` is what the person reads to the officer."""

    kind: str
    fingerprint: str


class EnrolmentRequestState(StrEnum):
    """``withdrawn``: by the person who asked."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


SET_UP_AGAIN = "Passkeys for signing are now registered on the confirmation page. Please set yours up again."
"""Why a request from before that was refused (migration 0038); a message id."""


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """Somebody's wish to sign with credentials of these ``kinds``; ``reason`` is why it was refused: an officer's
    words or, where the appliance itself did, :data:`SET_UP_AGAIN`.

    The ``credentials`` are named here while the request is open, and forgotten once it is decided.
    """

    id: str
    subject: str
    kinds: tuple[str, ...]
    credentials: tuple[ProposedCredential, ...]
    state: EnrolmentRequestState
    asked: datetime
    decided: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None

    @property
    def is_ended_by_upgrade(self) -> bool:
        """Whether no officer refused it."""
        return self.reason == SET_UP_AGAIN and self.decided_by == "system"


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """Somebody as the office lists them. ``login`` and ``state`` are None without an account (guests);
    ``partner`` is the id of the partner organisation whose representative it is. ``manager`` (a subject) is who
    they work under, with name and organisation; ``departed``: since when their directory says they are gone, while
    no officer has recorded it."""

    subject: str
    name: str
    organisation: str
    email: str
    department: str
    login: str | None
    state: AccountState | None
    guest: bool
    enrolled: bool
    waiting: bool
    roles: frozenset[AccountRole]
    partner: str | None = None
    manager: str | None = None
    manager_name: str | None = None
    manager_organisation: str | None = None
    departed: datetime | None = None


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """What a directory says of somebody whose account follows it: the user's ``login`` there, ``since`` when it is
    known here, and the code of a ``problem``, as those of :class:`appliance.model.directories.KnownUser`.
    ``other_name`` is the name there where the certificate has another one."""

    source: DirectorySource
    login: str
    since: datetime
    problem: str | None
    other_name: str | None


@dataclass(frozen=True, slots=True)
class DepartedPerson:
    """Somebody whom their directory has disabled or removed ``since`` then, or who has come back after that.

    ``enrolled``: a certificate is still to be ended. ``open_work``: contracts under way wait for them."""

    subject: str
    name: str
    organisation: str
    email: str
    department: str
    manager_name: str | None
    source: DirectorySource
    since: datetime
    enrolled: bool
    open_work: bool


@dataclass(frozen=True, slots=True)
class OpenContract:
    """A contract that waits for somebody; a ``draft`` nobody but its initiator has seen yet."""

    id: str
    title: str
    draft: bool


@dataclass(frozen=True, slots=True)
class NewOfficer:
    """An officer who is to come by a code of a ceremony, as a form has it. The ``ticket`` names the form; by its
    ``reference`` the passkey to which it led is known. ``email`` and ``password`` (its hash) count only for the
    ``browser`` in which they were typed."""

    subject: str
    login: str
    name: str
    organisation: str
    ticket: str = field(repr=False)
    email: str = ""
    password: str = field(default="", repr=False)
    browser: str = field(default="", repr=False)

    @property
    def reference(self) -> str:
        """By which a passkey that this form led to is known again."""
        return hashlib.sha256(self.ticket.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class NewPinCustodian:
    """An administrator who is to keep a part of the PIN, and the ``passkeys`` of the console: credential id and
    public key (COSE) of each."""

    subject: str
    name: str
    passkeys: tuple[tuple[bytes, bytes], ...]
    rp_id: str


class OfficerDecisionKind(StrEnum):
    """The operations of the authority that officers ask for here."""

    ENROL_PERSON = "enrol_person"
    ENROL_OFFICER = "enrol_officer"
    ADD_CREDENTIAL = "add_credential"
    ENROL_SEAL = "enrol_seal"
    REVOKE_CREDENTIAL = "revoke_credential"
    RETIRE = "retire"
    RESUME_SEAL = "resume_seal"
    ADD_CUSTODIAN = "add_custodian"
    REMOVE_CUSTODIAN = "remove_custodian"
    SET_CUSTODIANS_NEEDED = "set_custodians_needed"
    CHANGE_PICTURE = "change_picture"
    DESTROY_SEAL = "destroy_seal"
    ROTATE = "rotate"
    REVOKE_CERTIFICATE = "revoke_certificate"
    ENROL_PIN_CUSTODIAN = "enrol_keeper"
    CONFIRM_POWER = "confirm_power"
    APPROVE_ANCHOR = "approve_anchor"
    ADD_REMOTE_KEY = "add_remote_key"


SERVICE_DECISIONS = frozenset(
    {OfficerDecisionKind.ROTATE, OfficerDecisionKind.REVOKE_CERTIFICATE, OfficerDecisionKind.ENROL_PIN_CUSTODIAN}
)
"""About the keys of services, and who unlocks them; administrators prepare them."""

SEAL_DECISIONS = frozenset(
    {
        OfficerDecisionKind.RESUME_SEAL,
        OfficerDecisionKind.ADD_CUSTODIAN,
        OfficerDecisionKind.REMOVE_CUSTODIAN,
        OfficerDecisionKind.SET_CUSTODIANS_NEEDED,
        OfficerDecisionKind.CHANGE_PICTURE,
        OfficerDecisionKind.DESTROY_SEAL,
    }
)
"""What changes a seal that exists."""


class OfficerDecisionState(StrEnum):
    """``open``: waits for an officer, or for the second one; ``withdrawn``: by the partner that asked for it."""

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class OfficerDecision:
    """A decision of officers about ``subject``; ``approved_by`` are the officers who said yes so far.

    ``details`` are its public arguments, ``notes`` what the appliance keeps besides (how the identity was
    verified, the seal's kind and width); ``request`` is the enrolment request that it decides.
    """

    id: str
    kind: OfficerDecisionKind
    subject: str
    details: Mapping[str, Any]
    notes: Mapping[str, Any]
    nonce: bytes
    expires: datetime
    prepared_by: str
    prepared: datetime
    state: OfficerDecisionState
    approved_by: tuple[str, ...] = ()
    request: str | None = None
    reason: str | None = None

    def waits(self, now: datetime) -> bool:
        """Whether officers can still activate it."""
        return self.state is OfficerDecisionState.OPEN and now < self.expires

    def intent(self, **more: object) -> OfficerIntent:
        """What officers activate, with *more* arguments than the decision has itself."""
        return OfficerIntent(self.kind.value, {**self.details, **more}, self.expires, self.nonce)
