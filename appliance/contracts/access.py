"""The access check, reading contracts, and the record of their changes: how every command begins and ends.

Every command on a contract, reading included, obtains the contract from :func:`admit`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.acting_client import acting_client
from appliance.contracts.agreement_text import OF_PERSONS, standard_text
from appliance.contracts.authorisation_basis import StoredBasis, decode_basis
from appliance.contracts.permissions import (
    READING_BY_CLIENTS,
    ContractActor,
    Permission,
    refusal_for,
    refusal_for_client,
)
from appliance.contracts.rules import buckets_of, search_words_of
from appliance.documents.blobs import BlobStore
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.ledger.audit_trail import NOBODY, AuditEvent, EventKind, append_event
from appliance.model.contract import Contract
from appliance.model.intent import AgreementRecord, IntentRecord, IntentState
from appliance.store import (
    accounts,
    contracts,
    intents,
    ledger,
    participation_index,
    partners,
    people,
    seal_requests,
)
from appliance.store.database import Database, Transaction, reads
from hsm import canonical

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
    EventKind.CONTRACT_SUPPLEMENTED: "After you opened “{title}”, it was supplemented; look at it again.",
    EventKind.CONTRACT_REPLACED: "After you opened “{title}”, it was replaced by agreement; look at it again.",
    EventKind.CONTRACT_TERMINATED: "After you opened “{title}”, it was terminated by agreement; look at it again.",
    EventKind.AMENDMENT_VOIDED: "After you opened “{title}”, an agreement about it was voided; look at it again.",
    EventKind.CONTRACT_VOIDED: "After you opened “{title}”, all parties declared it void; look at it again.",
}
"""What the last change was, for those who act on an older version; all others are changes of a draft."""


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants to do with a contract at ``now``.

    ``by`` is who acts: a :class:`ContractActor`, or the subject of a person of whom only that is known. ``seen``
    is the version that was shown, None for callers that show nothing; ``party`` is the id of the party that acts
    or is acted on.
    """

    contract: str
    permission: Permission
    by: str | ContractActor
    now: datetime
    seen: int | None = None
    party: str | None = None


def admit(tx: Transaction, command: Command) -> Contract:
    """The only way for portal, export and commands to obtain a contract: as it stands, when *command* may be done.

    What obtains one otherwise acts for nobody, or reads by a rule of its own; ``test_admission.py`` lists each.

    1. It exists, and has the party that the command names; else :class:`NotFound`.
    2. It is as the actor has seen it; else :class:`StateRefused`, which says what happened since.
    3. The permissions allow it (:data:`appliance.contracts.permissions.TABLE`). Else :class:`StateRefused` when
       the contract is past it, :class:`PreconditionRefused` when it is not this actor's, or not yet; who may not
       read a contract gets the :class:`NotFound` of one that does not exist.
    """
    contract = contracts.load_contract(tx, command.contract)
    party = None if command.party is None else contract.require_party(command.party)
    if command.seen is not None and command.seen != contract.version:
        raise _stale(tx, contract)
    actor = command.by if isinstance(command.by, ContractActor) else _actor(tx, command.by)
    refusal = refusal_for(contract, command.permission, actor, command.now, party)
    if refusal is None:
        if acting_client() is not None and command.permission not in READING_BY_CLIENTS:
            accounts.require_initiating(tx, contract.initiator)
        return contract
    if command.permission is Permission.READ and not refusal.late:  # late: of a contract that this reader knew
        raise NotFound("There is no contract {contract}.", contract=command.contract)
    raise refusal.error()


def require_reader(tx: Transaction, contract_id: str, by: str, now: datetime) -> None:
    """Raises :class:`NotFound` unless *by* may read the contract at *now*."""
    admit(tx, Command(contract_id, Permission.READ, by, now))


def _actor(tx: Transaction, subject: str) -> ContractActor:
    """*subject* with the seals in that person's custody, and the partner that it administers."""
    seals, administers = people.seals_kept_by(tx, subject), partners.administered_by(tx, subject)
    return ContractActor(subject, seals=seals, administers=administers)


def require_changeable(tx: Transaction, contract: Contract) -> None:
    """For a command that changes what its actor may read: raises :class:`PreconditionRefused` while an API client
    acts that did not make *contract*, or in the name of an initiator who may start none any more."""
    reach = acting_client()
    if reach is None:
        return
    refusal = refusal_for_client(contract, Permission.EDIT, reach)
    if refusal is not None:
        raise refusal.error()
    accounts.require_initiating(tx, contract.initiator)


def drafting_client(tx: Transaction, initiator: str, kind: str) -> str | None:
    """The id of the API client that drafts a contract of the type *kind* in the name of *initiator*; None when a
    person drafts it. Raises :class:`PreconditionRefused` when that is out of the client's reach, or the initiator
    nobody who starts contracts here."""
    reach = acting_client()
    if reach is None:
        return None
    accounts.require_own_initiator(tx, initiator, reach.organisations)
    if not reach.covers(people.person(tx, initiator).organisation, kind):
        raise PreconditionRefused(
            "This API client makes contracts of these types: {kinds}.", kinds="; ".join(sorted(reach.kinds))
        )
    return reach.client


def _stale(tx: Transaction, contract: Contract) -> StateRefused:
    change = contracts.last_change(tx, contract.id)
    if change is None:
        return StateRefused(CHANGED, title=contract.title, actor=contract.initiator)
    kind, actor, _ = change
    name = actor if actor in NOBODY else people.person(tx, actor).name
    return StateRefused(SINCE.get(kind, CHANGED), title=contract.title, actor=name)


class Contracts:
    """Reads only. Thread-safe."""

    def __init__(self, database: Database, blobs: BlobStore, now: Callable[[], datetime]) -> None:
        self._database = database
        self._blobs = blobs
        self._now = now

    def read_contract(self, contract_id: str, by: str | ContractActor) -> Contract:
        """The contract, for *by* to read. Raises as :func:`admit`."""
        return self._database.query(admit, Command(contract_id, Permission.READ, by, self._now()))

    def document(self, contract: Contract, number: int | None = None) -> bytes:
        """The PDF at a revision, the current one by default. Raises :class:`NotFound`."""
        wanted = contract.current.number if number is None else number
        for revision in contract.revisions:
            if revision.number == wanted:
                return self._blobs.get(revision.digest)
        raise NotFound("Contract “{title}” has no revision {number}.", title=contract.title, number=wanted)

    def signatures(self, contract: Contract) -> tuple[IntentRecord, ...]:
        """The signatures that were completed, in the order in which they were made: what was activated, and the
        timestamped CMS (DER) in the PDF."""
        attempts = self._database.query(intents.of_contract, contract.id)
        return tuple(record for record in attempts if record.state is IntentState.COMPLETED)

    def acceptances(self, contract_id: str) -> tuple[AgreementRecord, ...]:
        """The acceptances of the agreement on electronic signing that the contract's signatures rest on, by entry.

        Signatures from before agreements were between parties rest on what the person who acted had accepted.
        """
        with self._database.reading() as tx:
            leaves = [canonical.decode(leaf) for _, leaf, _ in ledger.history_of(tx, contract_id)]
            signed = [leaf["public"] for leaf in leaves if leaf["kind"] == EventKind.PARTY_SIGNED]
            entries = {int(entry) for each in signed for entry in str(each.get("agreement", "")).split()}
            found = [intents.agreement_at_entry(tx, entry) for entry in entries]
            found += [
                record
                for person in {each["actor"] for each in signed if "agreement" not in each}
                if (record := intents.agreement_accepted_by(tx, person, OF_PERSONS)) is not None
            ]
        return tuple(sorted(found, key=lambda record: record.entry or 0))

    def agreement_texts(self, version: str) -> dict[Language, str]:
        """The text of *version*, by language, as people accepted it."""
        kept = self._database.query(intents.agreement_text_of, version)
        return kept or dict(standard_text(version).words)

    def authorisation_bases(self, contract_id: str) -> dict[str, StoredBasis]:
        """By party (id): the authorisation basis of each completed signature, where there is one."""
        kept = self._database.query(intents.bases_of, contract_id)
        return {party: decode_basis(record) for party, record in kept.items()}

    entries = reads(ledger.entries_of)


def record_change(tx: Transaction, contract: Contract, event: AuditEvent, *, appended: bool = False) -> Contract:
    """The contract as it is now: with the log entry of *event*, its next version, and the lists of all involved.

    *appended*: the caller has appended the event already, because it needed the entry's number.
    """
    if not appended:
        append_event(tx, event)
    contracts.touch(tx, contract.id, kind=event.kind, actor=event.actor, at=event.at)
    return refresh_lists(tx, contract.id)


def refresh_lists(tx: Transaction, contract_id: str) -> Contract:
    """The contract as it is now; everybody finds it in the list in which it belongs."""
    now = contracts.load_contract(tx, contract_id)
    requested = seal_requests.parties_requested(tx, contract_id)
    participation_index.refresh(tx, contract_id, buckets_of(now, requested), search_words_of(now))
    return now
