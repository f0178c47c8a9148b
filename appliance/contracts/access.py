"""Before anything is done with a contract: it is as the one who acts has seen it, and the act is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.contracts import rules
from appliance.contracts.permissions import Actor, Permission, refusal_for, require_permission
from appliance.errors import NotFound, StateRefused
from appliance.ledger.events import SYSTEM, EventKind
from appliance.model.contract import Contract
from appliance.store import contracts, custody, people
from appliance.store.database import Transaction


def actor_of(
    tx: Transaction, subject: str, *, auditor: bool = False, guest_of: tuple[str, str] | None = None
) -> Actor:
    """*subject* as the state machine knows people: with the seals in that person's custody."""
    return Actor(subject, auditor, custody.seals_kept_by(tx, subject), guest_of)


def require_reader(tx: Transaction, contract_id: str, actor: Actor, now: datetime) -> Contract:
    """The contract, when *who* may read it. Raises the :class:`NotFound` of a contract that is not there."""
    contract = contracts.load(tx, contract_id)
    refusal = refusal_for(contract, Permission.READ, actor, now)
    if refusal is not None:
        if refusal.late:  # of a contract that this reader knew
            raise refusal.error()
        raise NotFound("There is no contract {contract}.", contract=contract_id)
    return contract


CHANGED: Final = "After you opened “{title}”, {actor} changed it; look at it again."

SINCE: Final[Mapping[str, str]] = {
    EventKind.CONTRACT_SENT: "After you opened “{title}”, {actor} sent it for signing; look at it again.",
    EventKind.PARTY_SIGNED: "After you opened “{title}”, {actor} signed it; look at it again.",
    EventKind.PARTY_DECLINED: "After you opened “{title}”, {actor} declined to sign it; look at it again.",
    EventKind.PARTY_HANDED_OVER: (
        "After you opened “{title}”, {actor} handed a signature over to somebody else; look at it again."
    ),
    EventKind.CONTRACT_RECALLED: "After you opened “{title}”, {actor} recalled it; look at it again.",
    EventKind.CONTRACT_DISCARDED: "After you opened “{title}”, {actor} discarded it.",
    EventKind.DEADLINE_EXTENDED: ("After you opened “{title}”, {actor} extended its deadline; look at it again."),
    EventKind.CONTRACT_EXPIRED: "After you opened “{title}”, it expired unsigned; look at it again.",
    EventKind.CONTRACT_COMPLETED: "After you opened “{title}”, it was completed; look at it again.",
    EventKind.VOID_PROPOSED: "After you opened “{title}”, {actor} proposed to void it; look at it again.",
    EventKind.VOID_DECLARED: "After you opened “{title}”, {actor} declared it void; look at it again.",
    EventKind.VOID_REFUSED: "After you opened “{title}”, {actor} refused to void it; look at it again.",
    EventKind.CONTRACT_VOIDED: "After you opened “{title}”, all parties declared it void; look at it again.",
}
"""What the last change was, for those who act on an older version; all others are changes of a draft."""


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody (*by*, a subject) wants to do: ``seen`` is the version that was shown, None for callers that
    show nothing; ``party`` is the id of the party that acts or is acted on."""

    permission: Permission
    by: str
    seen: int | None = None
    party: str | None = None


def admitted(tx: Transaction, contract_id: str, deed: Command, now: datetime) -> Contract:
    """The contract as it stands, when *deed* may be done to it.

    Raises :class:`NotFound`, :class:`StateRefused` (changed since it was seen, or past it) or
    :class:`PreconditionRefused` (not this person's, or not yet).
    """
    contract = contracts.load(tx, contract_id)
    party = None if deed.party is None else rules.party_of(contract, deed.party)
    if deed.seen is not None and deed.seen != contract.version:
        raise _stale(tx, contract)
    require_permission(contract, deed.permission, actor_of(tx, deed.by), now, party)
    return contract


def _stale(tx: Transaction, contract: Contract) -> StateRefused:
    change = contracts.last_change(tx, contract.id)
    if change is None:
        return StateRefused(CHANGED, title=contract.title, actor=contract.initiator)
    kind, actor, _ = change
    name = actor if actor == SYSTEM else people.person(tx, actor).name
    return StateRefused(SINCE.get(kind, CHANGED), title=contract.title, actor=name)
