"""Voiding a completed contract: proposed with a reason, void once everybody has signed a declaration of it.

Nothing is taken from the contract: its document and signatures stay as they are. What is added are declarations,
one for each person who acted for a party, signed with that person's own key and timestamped, in the log.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime

from appliance.contracts import rules
from appliance.contracts.access import Command, admitted
from appliance.contracts.authorisation_basis import Authorised, Identified
from appliance.contracts.changes import record_change, to_everybody
from appliance.contracts.permissions import Permission
from appliance.contracts.preconditions import SigningContext
from appliance.contracts.rules import require_reason
from appliance.contracts.services import ContractRecords, SigningBackend, SigningRules
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.events import AuditEvent, EventKind, Field
from appliance.model.contract import Contract, ContractState, OpenVoiding
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.model.voiding import VoidDeclaration
from appliance.powers.ending import end_with_instrument
from appliance.store import contracts, people, voidings
from appliance.store.database import Transaction
from hsm import canonical
from hsm.cms import add_signature_timestamp, signature_value
from hsm.intents import Activation, SigningIntent, instant
from hsm.timestamp import parse_token

RECORD_FORMAT = "vermilion-voiding/1"
CONTRACT = "voiding"
FIELD = "void-declaration"
"""What stands before the contract's id, and for the field: a declaration is no signature of the contract."""


class Voiding:
    """Proposed, declared by one after the other, or refused by one, which ends the proposal. Thread-safe."""

    def __init__(self, records: ContractRecords, rules: SigningRules, backend: SigningBackend) -> None:
        self._records = records
        self._rules = rules
        self._backend = backend

    def propose(self, contract_id: str, *, reason: str, by: str, seen: int | None = None) -> Contract:
        """The contract with an open proposal; the others are told. Nobody has declared anything yet, *by* neither.

        Raises :class:`StateRefused` or :class:`PreconditionRefused` when it is not allowed.
        """
        now, reason = self._records.now(), require_reason(reason)
        with self._records.database.transaction() as tx:
            contract = admitted(tx, contract_id, Command(Permission.VOID, by, seen), now)
            proposal = OpenVoiding(secrets.token_hex(12), by, reason, now)
            voidings.insert(tx, contract_id, proposal)
            event = AuditEvent(
                EventKind.VOID_PROPOSED, now, by, contract_id, {"voiding": proposal.id}, {"reason": reason}
            )
            proposed = record_change(tx, self._records.audit, contract, event)
            self._tell_others(tx, proposed, NoticeKind.VOID_PROPOSED, by, now)
            return proposed

    def prepare(self, contract_id: str, *, by: str, seen: int | None = None) -> VoidDeclaration:
        """What *by* is to look at and activate: ``record`` says it all, ``act`` goes to the authenticator."""
        now = self._records.now()
        with self._records.database.transaction() as tx:
            contract = admitted(tx, contract_id, Command(Permission.AGREE_TO_VOID, by, seen), now)
            self._require_entitled(tx, contract, by, now)
            proposal = _open(contract)
            record = _record(contract, proposal, people.person(tx, by), now)
            act = SigningIntent(
                contract=f"{CONTRACT}-{contract_id}",
                party=by,
                field=FIELD,
                signer=by,
                digest=hashlib.sha256(record).digest(),
                expires=(now + self._rules.lifetime).replace(microsecond=0),
                nonce=secrets.token_bytes(16),
            )
            declaration = VoidDeclaration(secrets.token_hex(12), contract_id, proposal.id, by, record, act, now)
            voidings.forget_expired(tx, now)
            voidings.insert_declaration(tx, declaration)
        return declaration

    def declare(self, contract_id: str, declaration_id: str, activations: Sequence[Activation]) -> Contract:
        """The contract once the declaration is signed, timestamped and in the log; void if it was the last one.

        Raises :class:`NotFound` for a declaration about another contract, :class:`ActivationRefused`,
        :class:`StateRefused` or :class:`PreconditionRefused`. After a crash the declaration expires unsigned and
        is prepared again.
        """
        with self._records.database.reading() as tx:
            declaration = voidings.declaration(tx, contract_id, declaration_id)
            self._require_open(tx, declaration)
        cms = self._backend.authority.sign_document(declaration.intent, activations)
        token = self._backend.timestamps.issue_token(hashlib.sha256(signature_value(cms)).digest())
        at = parse_token(token).gen_time
        with self._records.database.transaction() as tx:
            contract = self._require_open(tx, declaration)
            event = _declared(declaration, at)
            entry = self._records.audit.append(tx, event)
            voidings.sign(tx, declaration, at=at, cms=add_signature_timestamp(cms, token), entry=entry)
            declared = record_change(tx, self._records.audit, contract, event, appended=True)
            return self._void(tx, declared, declaration) if _is_unanimous(declared) else declared

    def refuse(self, contract_id: str, *, reason: str, by: str, seen: int | None = None) -> Contract:
        """*by* will not declare it void: the proposal ends, the contract stays completed, all are told."""
        now, reason = self._records.now(), require_reason(reason)
        with self._records.database.transaction() as tx:
            contract = admitted(tx, contract_id, Command(Permission.REFUSE_TO_VOID, by, seen), now)
            proposal = _open(contract)
            voidings.refuse(tx, proposal.id, by=by, reason=reason, at=now)
            event = AuditEvent(
                EventKind.VOID_REFUSED, now, by, contract_id, {"voiding": proposal.id}, {"reason": reason}
            )
            refused = record_change(tx, self._records.audit, contract, event)
            self._tell_others(tx, refused, NoticeKind.VOID_REFUSED, by, now)
            return refused

    def declarations(self, contract_id: str) -> tuple[VoidDeclaration, ...]:
        """The signed declarations of the proposal that voided the contract, or of the open one, as evidence."""
        with self._records.database.reading() as tx:
            return voidings.declarations(tx, contract_id)

    def _require_open(self, tx: Transaction, declaration: VoidDeclaration) -> Contract:
        """The contract while the declaration can be signed."""
        now = self._records.now()
        contract = admitted(tx, declaration.contract, Command(Permission.AGREE_TO_VOID, declaration.person), now)
        self._require_entitled(tx, contract, declaration.person, now)
        if _open(contract).id != declaration.voiding or now >= declaration.intent.expires:
            raise StateRefused("This declaration can no longer be signed here; prepare it again.")
        return contract

    def _require_entitled(self, tx: Transaction, contract: Contract, person: str, now: datetime) -> None:
        """Who takes a contract back needs what signing it takes: identity and authority, as they are now."""
        for party in contract.parties:
            if party.responsible == person:
                for precondition in (Identified(self._rules.basis_finder), Authorised(self._rules.basis_finder)):
                    precondition.require(tx, SigningContext(contract, party, now))

    def _void(self, tx: Transaction, contract: Contract, last: VoidDeclaration) -> Contract:
        now = self._records.now()
        voidings.finish(tx, last.voiding, at=now)
        end_with_instrument(tx, self._records.audit, contract.id, by=last.person, at=now)
        contracts.move(tx, contract, ContractState.VOIDED)
        public: dict[str, Field] = {"voiding": last.voiding}
        event = AuditEvent(EventKind.CONTRACT_VOIDED, now, last.person, contract.id, public)
        voided = record_change(tx, self._records.audit, contract, event)
        self._records.notify(tx, to_everybody(voided, NoticeKind.VOIDED, now))
        return voided

    def _tell_others(self, tx: Transaction, contract: Contract, kind: NoticeKind, by: str, now: datetime) -> None:
        others = (subject for subject in rules.everybody(contract) if subject != by)
        self._records.notify(tx, [Notice(contract.id, subject, kind, now) for subject in others])


def _open(contract: Contract) -> OpenVoiding:
    if contract.voiding is None:
        raise PreconditionRefused("Nobody proposes to void “{title}”.", title=contract.title)
    return contract.voiding


def _is_unanimous(contract: Contract) -> bool:
    return set(rules.signatories(contract)) <= set(_open(contract).declared)


def _record(contract: Contract, proposal: OpenVoiding, person: Person, now: datetime) -> bytes:
    return canonical.encode(
        {
            "contract": contract.id,
            "declared": instant(now),
            "digest": contract.current.digest,
            "format": RECORD_FORMAT,
            "name": person.name,
            "organisation": person.organisation,
            "parties": [party.id for party in contract.parties if party.responsible == person.subject],
            "person": person.subject,
            "proposed": instant(proposal.at),
            "proposed_by": proposal.by,
            "reason": proposal.reason,
            "title": contract.title,
            "voiding": proposal.id,
        }
    )


def _declared(declaration: VoidDeclaration, at: datetime) -> AuditEvent:
    public: dict[str, Field] = {
        "voiding": declaration.voiding,
        "signer": declaration.person,
        "signed": declaration.intent.digest.hex(),
    }
    return AuditEvent(EventKind.VOID_DECLARED, at, declaration.person, declaration.contract, public)
