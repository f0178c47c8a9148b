"""An outside signer's invitation to one party of one contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from appliance.model.accounts import OpenedSession
from appliance.model.contract import Contract, ContractState

AFTERWARDS = timedelta(days=30)
"""How long after the deadline, and after each new link, a guest can still fetch the signed document."""

_ENDED = (ContractState.DECLINED, ContractState.RECALLED, ContractState.EXPIRED)
_NEVER_BEGUN = (ContractState.DRAFT, ContractState.DISCARDED)


@dataclass(frozen=True, slots=True)
class GuestInvitation:
    """One link with its second channel. ``round`` counts the codes, ``tries`` the wrong ones of this round.

    ``invited_by`` is who invited the guest and answers for the identity. ``opened`` is when the guest first came
    in, by whatever link; ``used`` when this one let somebody in by the code, which it does once; ``ended`` when
    another one took its place, ``revoked`` when it went to somebody for whom it was not meant. ``arrived``
    is when the link was first opened.
    """

    id: str
    person: str
    contract: str
    party: str
    invited_by: str
    invited: datetime
    round: int = 0
    tries: int = 0
    opened: datetime | None = None
    ended: datetime | None = None
    used: datetime | None = None
    revoked: datetime | None = None
    arrived: datetime | None = None

    def is_shut_out(self, contract: Contract, now: datetime) -> bool:
        """Whether the *contract* ended unsigned, or its deadline passed before the guest had ever come in."""
        never_begun = contract.state in _NEVER_BEGUN or contract.is_overdue(now)
        return contract.state in _ENDED or (self.opened is None and never_begun)

    def until(self, contract: Contract) -> datetime:
        """When the guest can no longer come in, not even to fetch the signed document."""
        return max(contract.deadline.at, self.invited) + AFTERWARDS


class GuestAccessMethod(StrEnum):
    """How a guest comes in by a link, besides a passkey of theirs."""

    CODE = "code"
    """By this link, once, with the code that the initiator tells."""
    ANOTHER_LINK = "another-link"
    """The link was used, or another one took its place: one more goes to the guest's own address."""
    CLOSED = "closed"
    """The contract ended before the guest had come in, or too long ago."""


@dataclass(frozen=True, slots=True)
class GuestPasskey:
    """A passkey that a guest registered; ``public_key`` is COSE (RFC 9053)."""

    credential_id: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True)
class GuestAccess:
    """What a link leads to now: the ``invitation`` that holds, the ``contract``, and the ways in."""

    invitation: GuestInvitation
    contract: Contract
    method: GuestAccessMethod
    passkeys: tuple[GuestPasskey, ...] = ()


@dataclass(frozen=True, slots=True)
class GuestAdmission:
    """To what a guest is let in, with the session."""

    contract: str
    party: str
    session: OpenedSession
