"""What the initiator says of a contract: its words, the order of signing, the deadline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from appliance.errors import PreconditionRefused
from appliance.language.letters import without_hidden, words
from appliance.model.contract import Contract, Deadline, SigningOrder
from appliance.model.money import Money

LONGEST_TITLE, LONGEST_KIND, LONGEST_PURPOSE = 200, 60, 2000
"""In characters."""

USUAL_DAYS = 14
"""Until the deadline when nobody names one: at six in the evening of that day."""


@dataclass(frozen=True, slots=True)
class DraftTerms:
    """What the initiator (a person's subject) says of a contract: its title, type and purpose in words.

    A draft may lack type and purpose. Without a ``deadline`` a new draft gets one in two weeks, a revised one
    keeps its own. ``amount``: what the contract is worth; None when it names no amount.
    """

    title: str
    kind: str
    purpose: str
    initiator: str
    deadline: Deadline | None = None
    order: SigningOrder = SigningOrder.SEQUENTIAL
    amount: Money | None = None


def tidy(terms: DraftTerms, now: datetime, *, before: Deadline | None = None) -> DraftTerms:
    """*terms* without stray spaces and hidden letters. Raises :class:`PreconditionRefused` for what cannot be.

    A deadline that is in the past is refused unless it was so *before*.
    """
    tidied = replace(
        terms, title=words(terms.title), kind=words(terms.kind), purpose=without_hidden(terms.purpose).strip()
    )
    if not tidied.title:
        raise PreconditionRefused("A contract needs a title.")
    if len(tidied.title) > LONGEST_TITLE:
        raise PreconditionRefused("The title is too long; {most} characters are possible.", most=LONGEST_TITLE)
    if len(tidied.kind) > LONGEST_KIND:
        raise PreconditionRefused("The type is too long; {most} characters are possible.", most=LONGEST_KIND)
    if len(tidied.purpose) > LONGEST_PURPOSE:
        raise PreconditionRefused("The purpose is too long; {most} characters are possible.", most=LONGEST_PURPOSE)
    if tidied.deadline is not None and tidied.deadline != before:
        require_deadline(tidied.deadline, now)
    return tidied


def require_deadline(deadline: Deadline, now: datetime) -> None:
    """Raises :class:`PreconditionRefused` for a zone that does not exist, or a moment that is not to come."""
    zone_of(deadline.zone)
    if deadline.at <= now:
        raise PreconditionRefused(
            "The deadline {deadline} is in the past.", deadline=deadline.at.isoformat(timespec="minutes")
        )


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone. Raises :class:`PreconditionRefused` when there is none of this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise PreconditionRefused("There is no time zone {zone}.", zone=name) from error


def usual_deadline(now: datetime, zone: str) -> Deadline:
    """Two weeks from *now*, at six in the evening in *zone*."""
    day = now.astimezone(zone_of(zone)) + timedelta(days=USUAL_DAYS)
    return Deadline(day.replace(hour=18, minute=0, second=0, microsecond=0).astimezone(UTC), zone)


def revised(contract: Contract, terms: DraftTerms) -> Contract:
    """The draft with the words, order and deadline of *terms*; initiator and everything else stay."""
    return replace(
        contract,
        title=terms.title,
        kind=terms.kind,
        purpose=terms.purpose,
        order=terms.order,
        deadline=terms.deadline or contract.deadline,
        amount=terms.amount,
    )
