"""Everybody that a contract can know, and contracts in every state, for tests of who may do what."""

from __future__ import annotations

from dataclasses import replace

from appliance.contracts.permissions import ContractActor, Permission
from appliance.language import Language
from appliance.model.contract import (
    Contract,
    ContractRevision,
    ContractState,
    OpenVoiding,
    PartyKind,
    PartyState,
    RevisionKind,
)
from appliance.model.people import Person
from tests.appliance.contracts.samples import NOON, contract, party

SEAL = "seal-cast"
INSIDERS = ("initiator", "first", "second", "third", "asker", "custodian", "former", "copied", "colleague")
PARTNERS = {"representative": "partner-cast", "company": "partner-cast", "rival": "partner-rival"}
"""Representatives of which partner: ``company`` and ``rival`` are the administrators of theirs."""

ROLES = (*INSIDERS, "auditor", "stranger", "guest", *PARTNERS)
"""Who there is: in a sent contract ``second`` is on turn; ``asker`` asks for the seal, after ``third``. A guest
or a representative stands in the place of ``second``."""

SUBJECTS = {role: f"person-cast-{role}" for role in ROLES} | {
    "guest": "person-guest-0123456789ab",
    **{role: f"person-guest-{number:012}" for number, role in enumerate(PARTNERS)},
}
SIGNERS = ("first", "second", "third", "asker")
ENDED = (ContractState.DECLINED, ContractState.RECALLED, ContractState.EXPIRED)
SIGNED = (ContractState.SIGNED, ContractState.COMPLETED, ContractState.VOIDED)


def who(role: str) -> ContractActor:
    """The one who plays *role*."""
    seals, administers = frozenset({SEAL} if role == "custodian" else ()), role in ("company", "rival")
    return ContractActor(SUBJECTS[role], role == "auditor", seals, None, PARTNERS[role] if administers else None)


def second_for(role: str) -> str:
    """Who stands in the second place of a contract that is tried by *role*."""
    return role if role == "guest" else "representative" if role in PARTNERS else "second"


def person(role: str) -> Person:
    """The same as a person of the register; all but ``first`` are of one organisation."""
    partner = PARTNERS.get(role)
    organisation = "乙公司示例有限公司" if role == "first" else f"{partner}" if partner else "丙集团示例有限公司"
    return Person(
        subject=SUBJECTS[role],
        name=f"示例 {role}",
        organisation=organisation,
        email=f"{role}@cast.example",
        language=Language.CHINESE,
        zone="Asia/Shanghai",
        guest=role == "guest" or partner is not None,
        partner=partner,
    )


def contract_in(state: ContractState, *, second: str = "second", voiding: bool = False) -> Contract:
    """Sequential; ``first`` has signed where anybody can have; *second* is in the second place."""
    roles = ("first", second, "third")
    parties = [
        replace(party(number), subject=SUBJECTS[role], partner=PARTNERS.get(role))
        for number, role in enumerate(roles, 1)
    ]
    parties.append(replace(party(4, PartyKind.SEAL), subject=SEAL, requester=SUBJECTS["asker"]))
    done = 4 if state in SIGNED else 0 if state in (ContractState.DRAFT, ContractState.DISCARDED) else 1
    signed = [replace(one, state=PartyState.SIGNED, signed_at=NOON) for one in parties[:done]]
    return replace(
        contract(),
        state=state,
        initiator=SUBJECTS["initiator"],
        parties=(*signed, *parties[done:]),
        former=(SUBJECTS["former"],),
        copied=(SUBJECTS["copied"],),
        colleagues=(SUBJECTS["colleague"],),
        revisions=(ContractRevision(0, RevisionKind.ORIGINAL, "0" * 64, 1000, NOON),),
        voiding=OpenVoiding("voiding-1", SUBJECTS["initiator"], "示例", NOON) if voiding else None,
    )


_DRAFTS = (ContractState.DRAFT, ContractState.DISCARDED)
_PARTIES = {*SIGNERS, "guest", "representative"}
_EVERYBODY = {"initiator", "custodian", "former", "copied", "auditor", "company", *_PARTIES}
_OWN_DRAFT = {ContractState.DRAFT: {"initiator"}}
_ON_TURN = {ContractState.SENT: {"second", "guest", "representative"}}
_OWN_SENT = {ContractState.SENT: {"initiator"}}
_UNSIGNED_ENDS = (ContractState.DECLINED, ContractState.RECALLED, ContractState.EXPIRED)
_COPIED = (ContractState.DRAFT, ContractState.SENT, ContractState.SIGNED, ContractState.COMPLETED)
_EXPORTERS = {"initiator", "auditor", *_PARTIES}

EXPECTED: dict[Permission, dict[ContractState, set[str]]] = {
    Permission.READ: {
        state: {"initiator", "auditor"} if state in _DRAFTS else _EVERYBODY for state in ContractState
    }
    | {ContractState.DRAFT: {"initiator", "auditor", "colleague"}},
    Permission.EDIT: _OWN_DRAFT,
    Permission.COMMENT: {ContractState.DRAFT: {"initiator", "colleague"}},
    Permission.DISCARD: _OWN_DRAFT,
    Permission.SEND: _OWN_DRAFT,
    Permission.SIGN: _ON_TURN,
    Permission.DECLINE: _ON_TURN,
    Permission.HAND_OVER: {ContractState.SENT: {"second", "third", "asker", "representative"}},
    Permission.RECALL: _OWN_SENT,
    Permission.CORRECT: {state: {"initiator"} for state in _UNSIGNED_ENDS},
    Permission.EXTEND: _OWN_SENT,
    Permission.REMIND: _OWN_SENT,
    Permission.COPY: {state: {"initiator"} for state in _COPIED},
    Permission.AMEND: {ContractState.COMPLETED: {"initiator", *SIGNERS}},
    Permission.DUPLICATE: {state: {"initiator"} for state in ContractState},
    Permission.VOID: {ContractState.COMPLETED: {"initiator", *SIGNERS}},
    Permission.AGREE_TO_VOID: {},
    Permission.REFUSE_TO_VOID: {},
    Permission.EXPORT: dict.fromkeys((ContractState.COMPLETED, ContractState.VOIDED), _EXPORTERS),
}
"""Who may do what, written out once more, apart from the table that is tested."""

WHILE_VOIDING: dict[Permission, set[str]] = {
    Permission.VOID: set(),
    Permission.AGREE_TO_VOID: _PARTIES,
    Permission.REFUSE_TO_VOID: _PARTIES,
}
"""What an open proposal changes."""


def expected(state: ContractState, act: Permission, *, voiding: bool = False) -> set[str]:
    """The roles that may do *act*."""
    if voiding and act in WHILE_VOIDING:
        return WHILE_VOIDING[act]
    return EXPECTED[act].get(state, set())
