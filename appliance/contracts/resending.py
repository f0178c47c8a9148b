"""Correct and resend: a new draft in place of a contract that was declined, recalled or expired."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.contracts import drafting, terms
from appliance.contracts.acts import Permission
from appliance.contracts.admission import Command, admitted
from appliance.contracts.changes import record_change
from appliance.contracts.joining import Signatory, new_party
from appliance.contracts.room import SigningRoom
from appliance.ledger.events import AuditEvent, EventKind
from appliance.model.contract import Contract, ContractRevision, ContractState, Party, PartyKind, RevisionKind
from appliance.store import contract_dates, contracts, parties, people, successions
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class ReplacementLinks:
    """The contract that one replaces, and the one that replaces it; None where there is none."""

    replaces: Contract | None
    replaced_by: Contract | None


class Resending:
    """Thread-safe."""

    def __init__(self, room: SigningRoom) -> None:
        self._room = room

    def draft_again(self, contract_id: str, *, by: str, seen: int | None = None) -> Contract:
        """A draft like the contract that has ended: its document, words, parties with their fields, order, dates
        and language, and as long until the deadline as there was from sending. What is to be changed is changed
        there. People and seals are named as the register has them now; guests stay who they are, with the key
        that they have, and get a new link when the draft is sent.

        Asked again, it gives the draft, or what became of it, unless that was thrown away. Raises
        :class:`StateRefused` or :class:`PreconditionRefused` when it is not allowed.
        """
        now = self._room.now()
        with self._room.database.transaction() as tx:
            before = admitted(tx, contract_id, Command(Permission.CORRECT, by, seen), now)
            known = successions.successor(tx, before.id)
            if known is not None:
                return contracts.load(tx, known)
            draft = self._drafted(tx, before, now)
            for party in before.parties:
                draft = self._joined(tx, draft, party)
            for entry in contract_dates.of_contract(tx, before.id):
                contract_dates.keep(tx, draft.id, replace(entry, set_by=by, set_at=now))
            public = {"successor": draft.id}
            event = AuditEvent(EventKind.CONTRACT_CORRECTED, now, by, before.id, public)
            self._room.audit.append(tx, event)
            return draft

    def links(self, contract: Contract) -> ReplacementLinks:
        """What *contract* replaces, and what replaces it."""
        with self._room.database.reading() as tx:
            before, after = successions.replaced(tx, contract.id), successions.successor(tx, contract.id)
            return ReplacementLinks(
                None if before is None else contracts.load(tx, before),
                None if after is None else contracts.load(tx, after),
            )

    def _drafted(self, tx: Transaction, before: Contract, now: datetime) -> Contract:
        original = before.original
        draft = replace(
            before,
            id=secrets.token_hex(12),
            deadline=terms.deadline_again(before.deadline, _sent_at(before), now),
            state=ContractState.DRAFT,
            created=now,
            parties=(),
            revisions=(ContractRevision(0, RevisionKind.ORIGINAL, original.digest, original.size, now),),
            former=(),
            voiding=None,
        )
        contracts.insert(tx, draft)
        successions.insert(tx, draft.id, replaces=before.id)
        event = drafting.drafted_event(draft, now, replaces=before.id)
        return record_change(tx, self._room.audit, draft, event)

    def _joined(self, tx: Transaction, draft: Contract, party: Party) -> Contract:
        """The draft with one party more, who signs where *party* would have signed."""
        if party.kind is PartyKind.SEAL:
            seal = people.seal(tx, party.subject)
            name, organisation = seal.label, seal.organisation
        else:
            person = people.person(tx, party.subject)
            name, organisation = person.name, person.organisation
        signatory = Signatory(party.kind, party.subject, name, organisation, party.requester, party.phone)
        anew = new_party(draft, signatory, party.placement)
        joined = replace(anew, more=party.more, cross_page=party.cross_page)
        parties.insert(tx, draft.id, joined)
        return record_change(tx, self._room.audit, draft, drafting.added_event(draft, joined, self._room.now()))


def _sent_at(contract: Contract) -> datetime:
    """When the contract was sent: when it got its fields."""
    fields = (each.at for each in contract.revisions if each.kind is RevisionKind.FIELDS)
    return next(fields, contract.created)
