"""Why an act is refused: for each act one sentence for the wrong state and one for the wrong person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from appliance.contracts import rules
from appliance.contracts.acts import Act, Refusal, Standing, Who
from appliance.model.contract import Contract, Party

_WRONG_STATE: Final[Mapping[Act, str]] = {
    Act.EDIT: "“{title}” is {state}; only a draft can be changed.",
    Act.DISCARD: "“{title}” is {state}; only a draft can be discarded.",
    Act.SEND: "“{title}” is {state}; only a draft can be sent.",
    Act.SIGN: "Contract “{title}” cannot be signed: it is {state}.",
    Act.DECLINE: "“{title}” cannot be declined: it is {state}.",
    Act.HAND_OVER: "“{title}” is {state}; handing over is possible only while it waits for signatures.",
    Act.RECALL: "“{title}” is {state}; only what waits for signatures can be recalled.",
    Act.CORRECT: "“{title}” is {state}; only what was declined, recalled or expired is corrected and sent again.",
    Act.EXTEND: "“{title}” is {state}; the deadline can be extended only while it waits for signatures.",
    Act.VOID: "“{title}” is {state}; only a completed contract can be voided.",
    Act.AGREE_TO_VOID: "“{title}” is {state}; only a completed contract can be voided.",
    Act.REFUSE_TO_VOID: "“{title}” is {state}; only a completed contract can be voided.",
    Act.EXPORT: "“{title}” is {state}; evidence can be exported once it is completed.",
}

_WRONG_PERSON: Final[Mapping[Act, str]] = {
    Act.EDIT: "Only the initiator changes “{title}”.",
    Act.DISCARD: "Only the initiator discards “{title}”.",
    Act.SEND: "Only the initiator sends “{title}”.",
    Act.SIGN: "You are not asked to sign “{title}”.",
    Act.DECLINE: "You are not asked to sign “{title}”.",
    Act.HAND_OVER: "You have no signature in “{title}” to hand over.",
    Act.RECALL: "Only the initiator recalls “{title}”.",
    Act.CORRECT: "Only the initiator corrects “{title}” and sends it again.",
    Act.EXTEND: "Only the initiator extends the deadline of “{title}”.",
    Act.VOID: "Only the initiator and those who signed “{title}” can propose to void it.",
    Act.AGREE_TO_VOID: "Only those who signed “{title}” declare it void.",
    Act.REFUSE_TO_VOID: "Only those who signed “{title}” can refuse to void it.",
    Act.EXPORT: "Only the initiator, the signers and auditors export the evidence of “{title}”.",
}

_OF_SIGNERS: Final = frozenset({Act.SIGN, Act.DECLINE, Act.HAND_OVER})


def stranger() -> Refusal:
    """Somebody who has nothing to do with the contract learns nothing of it, not even its title."""
    return Refusal("You have no part in this contract.", {})


def disposed(at: datetime) -> Refusal:
    """Nothing can be done any more, reading included."""
    return Refusal(
        "This contract was disposed of on {date}, after the time that policy keeps it; the log keeps its history.",
        {"date": at},
        late=True,
    )


def wrong_state(contract: Contract, act: Act) -> Refusal:
    """Nobody may do *act* in the contract's state."""
    return Refusal(_WRONG_STATE[act], {"title": contract.title, "state": contract.state}, late=True)


def too_late(contract: Contract) -> Refusal:
    """The deadline has come, whether or not the contract has been ended for it yet."""
    deadline = contract.deadline
    return Refusal(
        "The deadline of “{title}” has passed: {deadline} ({zone}).",
        {"title": contract.title, "deadline": rules.local(deadline), "zone": deadline.zone},
    )


def wrong_standing(contract: Contract, act: Act, what: frozenset[Standing], party: Party | None) -> Refusal:
    """Others may do *act* now, this person may not."""
    if act is Act.READ:  # a draft is nobody's business but its initiator's
        return stranger()
    if act is Act.HAND_OVER and Standing.GUEST in what:
        return Refusal(
            "An outside signer cannot hand over “{title}”: decline it and name the right person to the initiator.",
            {"title": contract.title},
        )
    if act in _OF_SIGNERS and Standing.WAITING in what:
        return _not_your_turn(contract, party)
    if act in _OF_SIGNERS and Standing.DONE in what:
        return Refusal("You have signed “{title}” already; it is no longer your turn.", {"title": contract.title})
    return Refusal(_WRONG_PERSON[act], {"title": contract.title})


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


def about_voiding(contract: Contract, act: Act, who: Who) -> Refusal | None:
    """What stands in the way of voiding when state and person are right."""
    values: dict[str, object] = {"title": contract.title}
    proposal = contract.voiding
    if act is Act.VOID and proposal is not None:
        return Refusal("Voiding “{title}” has been proposed already; answer that proposal.", values, late=True)
    if act in (Act.AGREE_TO_VOID, Act.REFUSE_TO_VOID):
        if proposal is None:
            return Refusal("Nobody proposes to void “{title}”.", values, late=True)
        if who.subject in proposal.declared:
            return Refusal("You have declared “{title}” void already.", values)
    return None
