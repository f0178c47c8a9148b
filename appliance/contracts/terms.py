"""What the initiator says of a contract: its words, the order of signing, the deadline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from appliance.errors import PreconditionRefused
from appliance.language import Language, instants
from appliance.language.letters import without_hidden, words
from appliance.model.contract import Contract, Deadline, SigningOrder
from appliance.model.money import Money

LONGEST_TITLE, LONGEST_KIND, LONGEST_PURPOSE = 200, 60, 2000
"""In characters."""

DEFAULT_DAYS = 14
"""Until the deadline when nobody names one."""

END_OF_WORK = time(18, 0)
"""When a day ends on which a deadline falls for which nobody names an hour."""


@dataclass(frozen=True, slots=True)
class DraftTerms:
    """What the initiator (a person's subject) says of a contract: its title, type and purpose in words.

    A draft may lack type and purpose. Without a ``deadline`` a new draft gets one in two weeks, a revised one
    keeps its own. ``amount``: what the contract is worth; None when it names no amount. ``language``: in which
    signatures are worded on the document; the initiator's where nothing is said, a revised draft's own.
    """

    title: str
    kind: str
    purpose: str
    initiator: str
    deadline: Deadline | None = None
    order: SigningOrder = SigningOrder.SEQUENTIAL
    amount: Money | None = None
    language: Language | None = None


def tidy_terms(terms: DraftTerms, now: datetime, *, before: Deadline | None = None) -> DraftTerms:
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
    instants.zone_of(deadline.zone)
    if deadline.at <= now:
        raise PreconditionRefused(
            "The deadline {deadline} is in the past.", deadline=instants.named(deadline.at, deadline.zone)
        )


def default_deadline(now: datetime, zone: str, days: int = DEFAULT_DAYS) -> Deadline:
    """The end of work *days* from *now*, in *zone*."""
    day = now.astimezone(instants.zone_of(zone)).date() + timedelta(days=days)
    return Deadline(instants.on(day, END_OF_WORK, zone), zone)


def deadline_again(before: Deadline, sent: datetime, now: datetime) -> Deadline:
    """A deadline by the same rule: as many days from *now* as *before* was from *sent*, at the same time of day in
    its zone; as long from now where that was the same day."""
    zone = instants.zone_of(before.zone)
    due = before.at.astimezone(zone)
    days = (due.date() - sent.astimezone(zone).date()).days
    if days < 1:
        return Deadline(now + (before.at - sent), before.zone)
    day = now.astimezone(zone).date() + timedelta(days=days)
    return Deadline(instants.on(day, due.time(), zone), before.zone)


def revised_draft(contract: Contract, terms: DraftTerms) -> Contract:
    """The draft with the words, order and deadline of *terms*; initiator and everything else stay."""
    return replace(
        contract,
        title=terms.title,
        kind=terms.kind,
        purpose=terms.purpose,
        order=terms.order,
        deadline=terms.deadline or contract.deadline,
        amount=terms.amount,
        language=terms.language or contract.language,
    )
