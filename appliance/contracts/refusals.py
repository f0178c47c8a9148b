"""Why an act is refused: for each act one sentence for the wrong state and one for the wrong person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from appliance.contracts import rules
from appliance.contracts.acts import Actor, Permission, Refusal, Relation
from appliance.model.contract import Contract, Party

_WRONG_STATE: Final[Mapping[Permission, str]] = {
    Permission.EDIT: "“{title}” is {state}; only a draft can be changed.",
    Permission.DISCARD: "“{title}” is {state}; only a draft can be discarded.",
    Permission.SEND: "“{title}” is {state}; only a draft can be sent.",
    Permission.SIGN: "Contract “{title}” cannot be signed: it is {state}.",
    Permission.DECLINE: "“{title}” cannot be declined: it is {state}.",
    Permission.HAND_OVER: "“{title}” is {state}; handing over is possible only while it waits for signatures.",
    Permission.RECALL: "“{title}” is {state}; only what waits for signatures can be recalled.",
    Permission.CORRECT: (
        "“{title}” is {state}; only what was declined, recalled or expired is corrected and sent again."
    ),
    Permission.EXTEND: "“{title}” is {state}; the deadline can be extended only while it waits for signatures.",
    Permission.VOID: "“{title}” is {state}; only a completed contract can be voided.",
    Permission.AGREE_TO_VOID: "“{title}” is {state}; only a completed contract can be voided.",
    Permission.REFUSE_TO_VOID: "“{title}” is {state}; only a completed contract can be voided.",
    Permission.EXPORT: "“{title}” is {state}; evidence can be exported once it is completed.",
}

_WRONG_PERSON: Final[Mapping[Permission, str]] = {
    Permission.EDIT: "Only the initiator changes “{title}”.",
    Permission.DISCARD: "Only the initiator discards “{title}”.",
    Permission.SEND: "Only the initiator sends “{title}”.",
    Permission.SIGN: "You are not asked to sign “{title}”.",
    Permission.DECLINE: "You are not asked to sign “{title}”.",
    Permission.HAND_OVER: "You have no signature in “{title}” to hand over.",
    Permission.RECALL: "Only the initiator recalls “{title}”.",
    Permission.CORRECT: "Only the initiator corrects “{title}” and sends it again.",
    Permission.EXTEND: "Only the initiator extends the deadline of “{title}”.",
    Permission.VOID: "Only the initiator and those who signed “{title}” can propose to void it.",
    Permission.AGREE_TO_VOID: "Only those who signed “{title}” declare it void.",
    Permission.REFUSE_TO_VOID: "Only those who signed “{title}” can refuse to void it.",
    Permission.EXPORT: "Only the initiator, the signers and auditors export the evidence of “{title}”.",
}

_OF_SIGNERS: Final = frozenset({Permission.SIGN, Permission.DECLINE, Permission.HAND_OVER})


def no_part() -> Refusal:
    """Somebody who has nothing to do with the contract learns nothing of it, not even its title."""
    return Refusal("You have no part in this contract.", {})


def disposed(at: datetime) -> Refusal:
    """Nothing can be done any more, reading included."""
    return Refusal(
        "This contract was disposed of on {date}, after the time that policy keeps it; the log keeps its history.",
        {"date": at},
        late=True,
    )


def wrong_state(contract: Contract, permission: Permission) -> Refusal:
    """Nobody may do *act* in the contract's state."""
    return Refusal(_WRONG_STATE[permission], {"title": contract.title, "state": contract.state}, late=True)


def too_late(contract: Contract) -> Refusal:
    """The deadline has come, whether or not the contract has been ended for it yet."""
    deadline = contract.deadline
    return Refusal(
        "The deadline of “{title}” has passed: {deadline} ({zone}).",
        {"title": contract.title, "deadline": rules.local(deadline), "zone": deadline.zone},
    )


def wrong_person(
    contract: Contract, permission: Permission, relations: frozenset[Relation], party: Party | None
) -> Refusal:
    """Others may do *act* now, this person may not."""
    if permission is Permission.READ:  # a draft is nobody's business but its initiator's
        return no_part()
    if permission is Permission.HAND_OVER and Relation.GUEST in relations:
        return Refusal(
            "An outside signer cannot hand over “{title}”: decline it and name the right person to the initiator.",
            {"title": contract.title},
        )
    if permission in _OF_SIGNERS and Relation.WAITING in relations:
        return _not_your_turn(contract, party)
    if permission in _OF_SIGNERS and Relation.DONE in relations:
        return Refusal("You have signed “{title}” already; it is no longer your turn.", {"title": contract.title})
    return Refusal(_WRONG_PERSON[permission], {"title": contract.title})


def _not_your_turn(contract: Contract, party: Party | None) -> Refusal:
    turn = ", ".join(one.name for one in rules.whose_turn(contract)) or "–"
    if party is None:
        return Refusal(
            "It is not your turn yet to sign “{title}”; it is the turn of {turn}.",
            {"title": contract.title, "turn": turn},
        )
    return Refusal(
        "It is not {name}'s turn to sign “{title}”; it is the turn of {turn}.",
        {"name": party.name, "title": contract.title, "turn": turn},
    )


def about_voiding(contract: Contract, permission: Permission, actor: Actor) -> Refusal | None:
    """What stands in the way of voiding when state and person are right."""
    values: dict[str, object] = {"title": contract.title}
    proposal = contract.voiding
    if permission is Permission.VOID and proposal is not None:
        return Refusal("Voiding “{title}” has been proposed already; answer that proposal.", values, late=True)
    if permission in (Permission.AGREE_TO_VOID, Permission.REFUSE_TO_VOID):
        if proposal is None:
            return Refusal("Nobody proposes to void “{title}”.", values, late=True)
        if actor.subject in proposal.declared:
            return Refusal("You have declared “{title}” void already.", values)
    return None
