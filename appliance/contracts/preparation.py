"""Prepare: append a revision with the appearance and an empty signature, and put the intent on disk."""

from __future__ import annotations

import secrets
from datetime import datetime

from appliance.appearances.seals import appearance_of
from appliance.contracts import authorisation_basis, rules
from appliance.contracts.failpoints import Failpoint
from appliance.contracts.preconditions import Signing, require_preconditions
from appliance.contracts.services import SigningRoom
from appliance.errors import StateRefused
from appliance.language import Language
from appliance.ledger.events import AuditEvent, EventKind
from appliance.model.contract import Contract, Party, PartyKind
from appliance.model.intent import IntentRecord, IntentState, PreparedSigning, SigningOrigin
from appliance.pdf.values import (
    Appearance,
    LockScope,
    PersonAppearance,
    PreparedRevision,
    PrepareOrder,
)
from appliance.store import appearances, contracts, intents, people
from appliance.store.database import Transaction
from appliance.store.grounds import PREPARED
from hsm.intents import SigningIntent

NOBODY = SigningOrigin()


class Preparation:
    """The first step for one signer. It asks nobody's key for anything, and may be repeated."""

    def __init__(self, room: SigningRoom) -> None:
        self._room = room

    def prepare(self, contract_id: str, party_id: str, circumstances: SigningOrigin = NOBODY) -> PreparedSigning:
        """What the signer is to look at and activate.

        An intent that the same party had prepared before is abandoned. Raises :class:`PreconditionRefused`, or
        :class:`StateRefused` when the contract changed in the meantime.
        """
        room = self._room
        now = room.now()
        with room.database.reading() as tx:
            contract = contracts.load(tx, contract_id)
            party = rules.party_of(contract, party_id)
            require_preconditions(room.preconditions, tx, Signing(contract, party, now))
            appearance = _appearance(tx, party, contract.language, now)
            custodians = self._custodians(tx, contract, party)
        base = room.blobs.get(contract.current.digest)
        prepared = room.workshop.prepare(base, _order(contract, party, appearance, now))
        room.reach(Failpoint.REVISION_PREPARED)
        record = self._record(contract, party, prepared, circumstances, custodians)
        with room.database.transaction() as tx:
            self._persist(tx, contract, party, record)
        room.reach(Failpoint.INTENT_PERSISTED)
        return PreparedSigning(record.id, contract.title, record.intent, prepared.document, contract.pages)

    def _record(
        self,
        contract: Contract,
        party: Party,
        prepared: PreparedRevision,
        circumstances: SigningOrigin,
        custodians: int,
    ) -> IntentRecord:
        now, room = self._room.now(), self._room
        lifetime = room.seal_lifetime if party.kind is PartyKind.SEAL else room.lifetime
        act = SigningIntent(
            contract=contract.id,
            party=party.id,
            field=party.field,
            signer=party.subject,
            digest=prepared.digest,
            expires=min(now + lifetime, contract.deadline.at).replace(microsecond=0),
            nonce=secrets.token_bytes(16),
            custodians=custodians,
        )
        return IntentRecord(
            id=secrets.token_hex(16),
            intent=act,
            base=contract.current.number,
            suffix=prepared.document[contract.current.size :],
            contents=(prepared.contents.offset, prepared.contents.length),
            state=IntentState.PREPARED,
            created=now,
            origin=circumstances,
        )

    def _custodians(self, tx: Transaction, contract: Contract, party: Party) -> int:
        if party.kind is not PartyKind.SEAL:
            return 1
        return self._room.seals.needed(contract, people.seal(tx, party.subject))

    def _persist(self, tx: Transaction, contract: Contract, party: Party, record: IntentRecord) -> None:
        seen = contracts.load(tx, contract.id)
        if seen.current.number != record.base:
            raise StateRefused(
                "Another party signed “{title}” in the meantime; prepare again.", title=contract.title
            )
        if rules.signing_party(seen, record.intent).responsible != party.responsible:
            raise StateRefused(
                "Somebody else acts for this party by now; look at “{title}” again.", title=seen.title
            )
        signing = Signing(seen, party, record.created)
        require_preconditions(self._room.preconditions, tx, signing)
        intents.abandon_of_party(tx, party.id, "prepared again")
        intents.insert(tx, record)
        rests_on = authorisation_basis.save_basis(
            tx, record.id, PREPARED, self._room.basis_finder.find_basis(tx, signing)
        )
        event = AuditEvent(
            kind=EventKind.SIGNATURE_PREPARED,
            contract=contract.id,
            at=record.created,
            actor=party.responsible,
            public={
                "party": party.id,
                "field": party.field,
                "digest": record.intent.digest.hex(),
                "base": contract.current.digest,
                "pages": contract.pages,
                "expires": record.intent.fields()["expires"],
                **rests_on,
            },
            private={"address": record.origin.address, "location": record.origin.location},
        )
        self._room.audit.append(tx, event)


def _order(contract: Contract, party: Party, appearance: Appearance, now: datetime) -> PrepareOrder:
    return PrepareOrder(
        field=party.field,
        appearance=appearance,
        when=now,
        certify=rules.is_first_signature(contract),
        lock=LockScope.ALL if rules.is_last_signature(contract, party) else LockScope.OWN,
        reason=contract.purpose,
    )


def _appearance(tx: Transaction, party: Party, language: Language, now: datetime) -> Appearance:
    if party.kind is PartyKind.SEAL:
        return appearance_of(tx, people.seal(tx, party.subject))
    person = people.person(tx, party.subject)
    return PersonAppearance(
        name=person.name,
        when=now,
        zone=person.zone,
        organisation=person.organisation,
        image=appearances.chosen_picture(tx, person.subject),
        language=language,
    )
