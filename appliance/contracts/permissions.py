"""Who may do what with a contract, and when: one table, asked by every command and shown by the portal.

Rows of :data:`TABLE` allow; what no row allows is refused, with one sentence for the wrong state and one for the
wrong person. What a row allows may still wait for a turn, be too late, or be nothing for an API client. Pure:
values in, answers out, but for the client that acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from appliance.acting_client import ClientReach, acting_client
from appliance.errors import ApplianceError, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import SYSTEM
from appliance.model.contract import GUEST_PREFIX, Contract, ContractState, Party, PartyState
from appliance.signing_methods import SigningMethod
from hsm.errors import Sentence


class Permission(StrEnum):
    """What somebody can do with a contract."""

    READ = "read"
    EDIT = "edit"
    COMMENT = "comment"
    """Write and resolve comments on a draft."""
    DISCARD = "discard"
    SEND = "send"
    SIGN = "sign"
    DECLINE = "decline"
    HAND_OVER = "hand-over"
    RECALL = "recall"
    CORRECT = "correct"
    """Make a new draft like a contract that has ended unsigned."""
    EXTEND = "extend"
    REMIND = "remind"
    """Have those whose turn it is reminded now (催办)."""
    COPY = "copy"
    """Say who else may read the contract, and is told when it is completed (抄送)."""
    AMEND = "amend"
    """Draft an agreement that supplements, replaces or terminates the completed contract."""
    DUPLICATE = "duplicate"
    """Make a new draft with the same document, parties and fields."""
    VOID = "void"
    """Propose that all parties declare the completed contract void."""
    AGREE_TO_VOID = "agree-to-void"
    REFUSE_TO_VOID = "refuse-to-void"
    EXPORT = "export"


class Relation(StrEnum):
    """What somebody is to a contract; one person can be several, an initiator who signs for example."""

    INITIATOR = "initiator"
    ON_TURN = "signer-on-turn"
    WAITING = "signer-waiting"
    DONE = "signer-done"
    """Has answered: signed, or declined."""
    GUEST = "guest"
    """From outside, without an account; always a signer of this one contract too."""
    REPRESENTATIVE = "representative"
    """Of a partner organisation; always a signer too."""
    PARTNER_ADMINISTRATOR = "partner-administrator"
    """The administrator of a partner organisation of which somebody signs."""
    CUSTODIAN = "custodian"
    FORMER = "former"
    COPIED = "copied"
    """Gets a copy, and signs nothing."""
    COLLEAGUE = "colleague"
    """With whom the draft is shared, to be discussed before it is sent."""
    AUDITOR = "auditor"
    APPLIANCE = "appliance"
    """No person: the appliance itself, on behalf of somebody who was admitted already, or of who runs it."""
    API_CLIENT = "api-client"
    """A program that reads what is within its reach, in nobody's name."""
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class ContractActor:
    """Somebody who acts: ``seals`` are those in whose custody, ``guest_of`` is (contract, party) of a guest,
    ``administers`` the id of the partner organisation whose administrator it is."""

    subject: str
    auditor: bool = False
    seals: frozenset[str] = frozenset()
    guest_of: tuple[str, str] | None = None
    administers: str | None = None


APPLIANCE = ContractActor(SYSTEM)
"""The appliance itself."""

ACTING_CLIENT = ContractActor("api-client")
"""The API client for which this thread works, when it reads or exports in nobody's name; a stranger to every
contract while none acts."""


@dataclass(frozen=True, slots=True)
class Refusal(Sentence):
    """The reason for a refusal; ``late`` when it is the contract's state."""

    late: bool = False

    def error(self) -> ApplianceError:
        """The refusal as an error: :class:`StateRefused` when late, else :class:`PreconditionRefused`."""
        kind = StateRefused if self.late else PreconditionRefused
        return kind(self.template, **self.values)


__all__ = [
    "ACTING_CLIENT",
    "TABLE",
    "ContractActor",
    "Permission",
    "PermissionRule",
    "Refusal",
    "Relation",
    "permissions_of",
    "refusal_for",
    "refusal_for_client",
    "relations_of",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PermissionRule:
    """In these states, somebody with one of ``relations`` has ``permission``, unless also one of ``unless``."""

    permission: Permission
    states: frozenset[ContractState]
    relations: frozenset[Relation]
    unless: frozenset[Relation] = frozenset()


def _of(*members: T) -> frozenset[T]:
    return frozenset(members)


_ALWAYS = frozenset(ContractState)
_SENT_ONCE = _ALWAYS - {ContractState.DRAFT, ContractState.DISCARDED}
_DRAFT, _SENT = _of(ContractState.DRAFT), _of(ContractState.SENT)
_COMPLETED, _FINISHED = _of(ContractState.COMPLETED), _of(ContractState.COMPLETED, ContractState.VOIDED)
_UNSIGNED_END = _of(ContractState.DECLINED, ContractState.RECALLED, ContractState.EXPIRED)
_INITIATOR, _COLLEAGUE, _ON_TURN = _of(Relation.INITIATOR), _of(Relation.COLLEAGUE), _of(Relation.ON_TURN)
_SIGNERS = _of(Relation.ON_TURN, Relation.WAITING, Relation.DONE)
_UNSIGNED, _SIGNED, _GUEST = _of(Relation.ON_TURN, Relation.WAITING), _of(Relation.DONE), _of(Relation.GUEST)
_FROM_OUTSIDE = _of(Relation.GUEST, Relation.REPRESENTATIVE)
_OTHERS = _of(
    *(Relation.GUEST, Relation.CUSTODIAN, Relation.FORMER, Relation.COPIED, Relation.PARTNER_ADMINISTRATOR)
)
_COPIED = _of(ContractState.DRAFT, ContractState.SENT, ContractState.SIGNED, ContractState.COMPLETED)

TABLE: tuple[PermissionRule, ...] = (
    PermissionRule(Permission.READ, _ALWAYS, _of(Relation.INITIATOR, Relation.AUDITOR, Relation.API_CLIENT)),
    PermissionRule(Permission.READ, _SENT_ONCE, _SIGNERS | _OTHERS),
    PermissionRule(Permission.READ, _DRAFT, _COLLEAGUE),
    PermissionRule(Permission.EDIT, _DRAFT, _INITIATOR),
    PermissionRule(Permission.COMMENT, _DRAFT, _INITIATOR | _COLLEAGUE),
    PermissionRule(Permission.DISCARD, _DRAFT, _INITIATOR),
    PermissionRule(Permission.SEND, _DRAFT, _INITIATOR),
    PermissionRule(Permission.SIGN, _SENT, _ON_TURN),
    PermissionRule(Permission.DECLINE, _SENT, _ON_TURN),
    PermissionRule(Permission.HAND_OVER, _SENT, _UNSIGNED, unless=_GUEST),
    PermissionRule(Permission.RECALL, _SENT, _INITIATOR),
    PermissionRule(Permission.CORRECT, _UNSIGNED_END, _INITIATOR),
    PermissionRule(Permission.EXTEND, _SENT, _INITIATOR),
    PermissionRule(Permission.REMIND, _SENT, _INITIATOR),
    PermissionRule(Permission.COPY, _COPIED, _INITIATOR),
    PermissionRule(Permission.AMEND, _COMPLETED, _INITIATOR),
    PermissionRule(Permission.AMEND, _COMPLETED, _SIGNED, unless=_FROM_OUTSIDE),
    PermissionRule(Permission.DUPLICATE, _ALWAYS, _INITIATOR),
    PermissionRule(Permission.VOID, _COMPLETED, _INITIATOR),
    PermissionRule(Permission.VOID, _COMPLETED, _SIGNED, unless=_FROM_OUTSIDE),
    PermissionRule(Permission.AGREE_TO_VOID, _COMPLETED, _SIGNED),
    PermissionRule(Permission.REFUSE_TO_VOID, _COMPLETED, _SIGNED),
    PermissionRule(Permission.EXPORT, _FINISHED, _of(Relation.INITIATOR, Relation.DONE, Relation.AUDITOR)),
    PermissionRule(Permission.EXPORT, _FINISHED, _of(Relation.APPLIANCE, Relation.API_CLIENT)),
)
"""All that is allowed."""

OF_SIGNERS = _of(Permission.SIGN, Permission.DECLINE, Permission.HAND_OVER)
"""What is done with one's own signature: refused from the deadline on, though the scheduler may not have ended the
contract yet."""

READING_BY_CLIENTS = _of(Permission.READ, Permission.EXPORT)
"""What an API client can do with every contract within its reach; all else only with those that it made."""
_NOT_BY_CLIENTS = OF_SIGNERS | _of(Permission.COMMENT, Permission.AGREE_TO_VOID, Permission.REFUSE_TO_VOID)
"""What people do themselves, whatever an API client's scopes are."""


def relations_of(contract: Contract, actor: ContractActor, party: Party | None = None) -> frozenset[Relation]:
    """What *actor* is to *contract*; with *party*, as a signer for that party alone. Never empty."""
    found = set(_as_signer(contract, actor, party))
    if actor.guest_of is not None and actor.guest_of[0] != contract.id:
        return _of(Relation.STRANGER)
    if found and actor.subject.startswith(GUEST_PREFIX):
        own = (one for one in contract.parties if one.responsible == actor.subject)
        found.add(Relation.REPRESENTATIVE if any(one.partner for one in own) else Relation.GUEST)
    if actor.administers is not None and any(one.partner == actor.administers for one in contract.parties):
        found.add(Relation.PARTNER_ADMINISTRATOR)
    if actor.subject == contract.initiator:
        found.add(Relation.INITIATOR)
    if any(one.subject in actor.seals for one in contract.parties):
        found.add(Relation.CUSTODIAN)
    if actor.subject in contract.former:
        found.add(Relation.FORMER)
    if actor.subject in contract.copied:
        found.add(Relation.COPIED)
    if actor.subject in contract.colleagues:
        found.add(Relation.COLLEAGUE)
    if actor == APPLIANCE:
        found.add(Relation.APPLIANCE)
    if actor == ACTING_CLIENT and acting_client() is not None:
        found.add(Relation.API_CLIENT)
    if actor.auditor:
        found.add(Relation.AUDITOR)
    return frozenset(found or {Relation.STRANGER})


def _as_signer(contract: Contract, actor: ContractActor, only: Party | None) -> set[Relation]:
    parties = contract.parties if only is None else (only,)
    own = [one for one in parties if one.responsible == actor.subject]
    turn = contract.on_turn
    return {
        Relation.DONE
        if one.state is not PartyState.WAITING
        else Relation.ON_TURN
        if one in turn
        else Relation.WAITING
        for one in own
    }


def refusal_for(
    contract: Contract, permission: Permission, actor: ContractActor, now: datetime, party: Party | None = None
) -> Refusal | None:
    """None when *actor* has *permission* at *now*, else why not; *party* narrows what signers do to one party.
    While an API client acts, it is held to what such clients do, besides."""
    what = relations_of(contract, actor, party)
    if what == {Relation.STRANGER}:
        return no_part()
    if contract.disposed is not None:
        return disposed(contract.disposed)
    if contract.state not in {state for rule in TABLE if rule.permission is permission for state in rule.states}:
        return wrong_state(contract, permission)
    if permission in OF_SIGNERS and now >= contract.deadline.at:
        return too_late(contract)
    if not any(_allows(rule, contract.state, what) for rule in TABLE if rule.permission is permission):
        return wrong_person(contract, permission, what, party)
    reach = acting_client()
    of_client = None if reach is None else refusal_for_client(contract, permission, reach)
    return of_client or about_voiding(contract, permission, actor)


def refusal_for_client(contract: Contract, permission: Permission, reach: ClientReach) -> Refusal | None:
    """None when the API client of *reach*, within which *contract* is, may do this in somebody's name."""
    if permission in _NOT_BY_CLIENTS:
        return Refusal(
            "No API client does this with “{title}”: people sign, decline, comment and declare void themselves.",
            {"title": contract.title},
        )
    if permission not in READING_BY_CLIENTS and contract.api_client != reach.client:
        return Refusal(
            "“{title}” was not made by this API client, which can read it and not change it.",
            {"title": contract.title},
        )
    return None


def _allows(rule: PermissionRule, state: ContractState, what: frozenset[Relation]) -> bool:
    return state in rule.states and bool(rule.relations & what) and not rule.unless & what


def permissions_of(contract: Contract, actor: ContractActor, now: datetime) -> dict[Permission, Refusal | None]:
    """Every permission: None when *actor* has it, else why not. The portal shows only what is allowed."""
    return {each: refusal_for(contract, each, actor, now) for each in Permission}


_WRONG_STATE: Final[Mapping[Permission, str]] = {
    Permission.EDIT: "“{title}” is {state}; only a draft can be changed.",
    Permission.COMMENT: "“{title}” is {state}; only a draft is discussed.",
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
    Permission.REMIND: "“{title}” is {state}; nobody is reminded unless it waits for signatures.",
    Permission.COPY: "“{title}” is {state}; nobody gets a copy of it any more.",
    Permission.AMEND: (
        "“{title}” is {state}; only a completed contract can be supplemented, replaced or terminated by agreement."
    ),
    Permission.DUPLICATE: "“{title}” is {state}; it cannot be duplicated.",
    Permission.VOID: "“{title}” is {state}; only a completed contract can be voided.",
    Permission.AGREE_TO_VOID: "“{title}” is {state}; only a completed contract can be voided.",
    Permission.REFUSE_TO_VOID: "“{title}” is {state}; only a completed contract can be voided.",
    Permission.EXPORT: "“{title}” is {state}; evidence can be exported once it is completed.",
}

_WRONG_PERSON: Final[Mapping[Permission, str]] = {
    Permission.EDIT: "Only the initiator changes “{title}”.",
    Permission.COMMENT: "Only the initiator, and colleagues with whom “{title}” is shared, comment on it.",
    Permission.DISCARD: "Only the initiator discards “{title}”.",
    Permission.SEND: "Only the initiator sends “{title}”.",
    Permission.SIGN: "You are not asked to sign “{title}”.",
    Permission.DECLINE: "You are not asked to sign “{title}”.",
    Permission.HAND_OVER: "You have no signature in “{title}” to hand over.",
    Permission.RECALL: "Only the initiator recalls “{title}”.",
    Permission.CORRECT: "Only the initiator corrects “{title}” and sends it again.",
    Permission.EXTEND: "Only the initiator extends the deadline of “{title}”.",
    Permission.REMIND: "Only the initiator has the others reminded of “{title}”.",
    Permission.COPY: "Only the initiator says who gets a copy of “{title}”.",
    Permission.AMEND: (
        "Only the initiator of “{title}”, and who signed it without being from outside, draft an agreement that"
        " changes it; ask the initiator."
    ),
    Permission.DUPLICATE: "Only the initiator duplicates “{title}”.",
    Permission.VOID: (
        "Only the initiator of “{title}”, and who signed it without being from outside, can propose to void it;"
        " ask the initiator."
    ),
    Permission.AGREE_TO_VOID: "Only those who signed “{title}” declare it void.",
    Permission.REFUSE_TO_VOID: "Only those who signed “{title}” can refuse to void it.",
    Permission.EXPORT: "Only the initiator, the signers and auditors export the evidence of “{title}”.",
}


def no_part() -> Refusal:
    """For somebody who has no relation to the contract: reveals nothing of it, not even its title."""
    return Refusal("You have no part in this contract.", {})


def disposed(at: datetime) -> Refusal:
    """Nothing can be done any more, reading included."""
    return Refusal(
        "This contract was disposed of on {date}, after the time that policy keeps it; the log keeps its history.",
        {"date": at},
        late=True,
    )


def wrong_state(contract: Contract, permission: Permission) -> Refusal:
    """Nobody has *permission* in the contract's state."""
    return Refusal(_WRONG_STATE[permission], {"title": contract.title, "state": contract.state}, late=True)


def too_late(contract: Contract) -> Refusal:
    """The deadline has come, whether or not the contract has been ended for it yet."""
    deadline = contract.deadline
    return Refusal(
        "The deadline of “{title}” has passed: {deadline} ({zone}).",
        {"title": contract.title, "deadline": deadline.local(), "zone": deadline.zone},
    )


def wrong_person(
    contract: Contract, permission: Permission, relations: frozenset[Relation], party: Party | None
) -> Refusal:
    """Others have *permission* now, this person has not."""
    if permission is Permission.READ:  # a draft is its initiator's business, and theirs who discuss it
        return no_part()
    if permission is Permission.HAND_OVER and Relation.GUEST in relations:
        return Refusal(
            "An outside signer cannot hand over “{title}”: decline it and name the right person to the initiator.",
            {"title": contract.title},
        )
    if permission in OF_SIGNERS and Relation.WAITING in relations:
        return _not_your_turn(contract, party)
    if permission in OF_SIGNERS and Relation.DONE in relations:
        return Refusal("You have signed “{title}” already; it is no longer your turn.", {"title": contract.title})
    return Refusal(_WRONG_PERSON[permission], {"title": contract.title})


def _not_your_turn(contract: Contract, party: Party | None) -> Refusal:
    turn = ", ".join(one.name for one in contract.on_turn) or "–"
    if party is None:
        return Refusal(
            "It is not your turn yet to sign “{title}”; it is the turn of {turn}.",
            {"title": contract.title, "turn": turn},
        )
    return Refusal(
        "It is not {name}'s turn to sign “{title}”; it is the turn of {turn}.",
        {"name": party.name, "title": contract.title, "turn": turn},
    )


def about_voiding(contract: Contract, permission: Permission, actor: ContractActor) -> Refusal | None:
    """What stands in the way of voiding when state and person are right."""
    values: dict[str, object] = {"title": contract.title}
    proposal = contract.voiding
    vouched = next((each.name for each in contract.parties if each.method is SigningMethod.VOUCHED), None)
    if permission is Permission.VOID and vouched is not None:
        return Refusal(
            "{name} had a certificate for “{title}” alone, which signs nothing else. Conclude an agreement on its"
            " termination instead.",
            {**values, "name": vouched},
        )
    elsewhere = next(
        (each.name for each in contract.parties if each.method is SigningMethod.OWN_CERTIFICATE), None
    )
    if permission is Permission.VOID and elsewhere is not None:
        return Refusal(
            "{name} signed “{title}” elsewhere, and can sign no declaration here. Conclude an agreement on its"
            " termination instead.",
            {**values, "name": elsewhere},
        )
    if permission is Permission.VOID and proposal is not None:
        return Refusal("Voiding “{title}” has been proposed already; answer that proposal.", values, late=True)
    if permission in (Permission.AGREE_TO_VOID, Permission.REFUSE_TO_VOID):
        if proposal is None:
            return Refusal("Nobody proposes to void “{title}”.", values, late=True)
        if actor.subject in proposal.declared:
            return Refusal("You have declared “{title}” void already.", values)
    return None
