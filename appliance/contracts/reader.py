"""Reading contracts: what the portal shows and what goes into an evidence package."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.contracts.agreement_text import OF_PERSONS, standard_text
from appliance.contracts.authorisation_basis import StoredBasis, decode_basis
from appliance.contracts.rules import party_of
from appliance.documents.blobs import BlobStore
from appliance.errors import NotFound
from appliance.language import Language
from appliance.ledger.events import EventKind
from appliance.model.acceptance import AgreementRecord
from appliance.model.contract import Contract, Party
from appliance.model.intent import IntentState, SigningOrigin
from appliance.store import agreements, contracts, events, grounds, intents
from appliance.store.database import Database
from hsm import canonical
from hsm.cms import parse
from hsm.intents import SigningIntent
from hsm.timestamp import local_token


@dataclass(frozen=True, slots=True)
class SignatureRecord:
    """One completed signature: what was activated, the timestamped CMS (DER) in the PDF, the token inside it."""

    party: Party
    act: SigningIntent
    cms: bytes
    token: bytes
    at: datetime
    circumstances: SigningOrigin


class Contracts:
    """Reads only. Thread-safe."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    def get(self, contract_id: str) -> Contract:
        """The contract as it stands. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return contracts.load(tx, contract_id)

    def document(self, contract: Contract, number: int | None = None) -> bytes:
        """The PDF at a revision, the current one by default. Raises :class:`NotFound`."""
        wanted = contract.current.number if number is None else number
        for revision in contract.revisions:
            if revision.number == wanted:
                return self._blobs.get(revision.digest)
        raise NotFound("Contract “{title}” has no revision {number}.", title=contract.title, number=wanted)

    def signatures(self, contract_id: str) -> tuple[SignatureRecord, ...]:
        """The signatures that were completed, in the order in which they were made."""
        with self._database.reading() as tx:
            contract = contracts.load(tx, contract_id)
            attempts = intents.of_contract(tx, contract_id)
        return tuple(
            SignatureRecord(
                party=party_of(contract, record.intent.party),
                act=record.intent,
                cms=record.cms or b"",
                token=local_token(parse(record.cms or b"")) or b"",
                at=record.stamped or record.created,
                circumstances=record.origin,
            )
            for record in attempts
            if record.state is IntentState.COMPLETED
        )

    def acceptances(self, contract_id: str) -> tuple[AgreementRecord, ...]:
        """The acceptances of the agreement on electronic signing that the contract's signatures rest on, by entry.

        Signatures from before agreements were between parties rest on what the person who acted had accepted.
        """
        with self._database.reading() as tx:
            leaves = [canonical.decode(leaf) for _, leaf, _ in events.told(tx, contract_id)]
            signed = [leaf["public"] for leaf in leaves if leaf["kind"] == EventKind.PARTY_SIGNED]
            entries = {int(entry) for each in signed for entry in str(each.get("agreement", "")).split()}
            found = [agreements.at_entry(tx, entry) for entry in entries]
            found += [
                record
                for person in {each["actor"] for each in signed if "agreement" not in each}
                if (record := agreements.accepted_by(tx, person, OF_PERSONS)) is not None
            ]
        return tuple(sorted(found, key=lambda record: record.entry or 0))

    def agreement_texts(self, version: str) -> dict[Language, str]:
        """The text of *version*, by language, as people accepted it."""
        with self._database.reading() as tx:
            kept = agreements.text_of(tx, version)
        return kept or dict(standard_text(version).words)

    def authorisation_bases(self, contract_id: str) -> dict[str, StoredBasis]:
        """By party (id): on what each completed signature rests, as far as anything was asked for or found."""
        with self._database.reading() as tx:
            kept = grounds.of_contract(tx, contract_id)
        return {party: decode_basis(record) for party, record in kept.items()}

    def entries(self, contract_id: str) -> tuple[int, ...]:
        """The numbers of the log entries that tell the contract's history, in order."""
        with self._database.reading() as tx:
            return events.of_contract(tx, contract_id)
