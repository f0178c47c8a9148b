"""Exporting: from a completed contract and its log to an evidence package, made for one organisation."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol

from appliance.accounts.registry import PeopleRegistry
from appliance.config import Settings
from appliance.contracts.access import Command, Contracts, admit
from appliance.contracts.annexes import Annexes
from appliance.contracts.endings import Voiding
from appliance.contracts.permissions import APPLIANCE, ContractActor, Permission
from appliance.earlier_signatures import EarlierSignatures
from appliance.errors import NotFound
from appliance.evidence import history, own_certificates, package
from appliance.evidence.agreements import text_path
from appliance.evidence.authorisation_basis import FOLDER
from appliance.evidence.gathering import certificates_of, log_material
from appliance.evidence.model import (
    EvidenceInput,
    LogMaterial,
    ManifestSignature,
    SignatureMaterial,
    SignedRecord,
    TimestampExchange,
)
from appliance.evidence.vouchings import PREFIX
from appliance.ledger import LogProofs
from appliance.ledger.disclosure import Audience, Disclosure, VisibleEvents, replaced_guests
from appliance.model.contract import Contract, ContractState, RevisionKind
from appliance.model.intent import AgreementRecord, VoidDeclaration
from appliance.model.powers import Power
from appliance.pdf.byte_ranges import newest_contents
from appliance.powers.register import Powers
from appliance.review.reviewing import Reviewing
from appliance.store import api_clients, intents, ledger, vouchings
from appliance.store.database import Database
from appliance.timestamping import TimestampIssuer
from appliance.verification import Verifier
from appliance.verification.own_anchors import verifier_of
from hsm import canonical, der
from hsm.client import AuthorityClient
from hsm.timestamp import build_request, order_for


class EvidenceSources(Protocol):
    """The parts of an appliance that evidence is gathered from."""

    settings: Settings
    now: Callable[[], datetime]
    database: Database
    contracts: Contracts
    annexes: Annexes
    voiding: Voiding
    earlier: EarlierSignatures
    reviewing: Reviewing
    registry: PeopleRegistry
    powers: Powers
    proofs: LogProofs
    verifier: Verifier
    authority: AuthorityClient
    timestamps: TimestampIssuer


def basis_material(
    sources: EvidenceSources, contract: Contract
) -> tuple[dict[str, bytes], tuple[SignedRecord, ...], set[int]]:
    """The material of every completed signature of *contract*, numbered as the signatures of the package are: path
    in it → bytes, what the authority states of powers, and the log entries of powers and identity checks. The
    private fields of these stay closed, because the records say what matters."""
    documents: dict[str, bytes] = {}
    entries: set[int] = set()
    powers: dict[str, Power] = {}
    kept = sources.database.query(intents.bases_of, contract.id)
    for number, made in enumerate(sources.contracts.signatures(contract), start=1):
        record = kept.get(made.intent.party)
        if record is None:
            continue
        documents[f"{FOLDER}{number:02}.json"] = record
        found = json.loads(record)
        if found["outcome"] != "not-needed":
            power = sources.powers.get(found["considered"][0]["power"]["id"])
            documents[f"{FOLDER}{power.id}.pdf"] = sources.powers.letter(power)
            powers[power.id] = power
            entries |= set(power.entries)
        if found["identity"] is not None:
            entries.add(found["identity"]["entry"])
    return documents, tuple(_statements(sources, (powers[number] for number in sorted(powers)))), entries


def _statements(sources: EvidenceSources, powers: Iterable[Power]) -> Iterator[SignedRecord]:
    for power in powers:
        stated = sources.powers.stated(power)
        if stated is not None:
            officers = canonical.decode(stated.statement)["confirmed_by"]
            names = "、".join(str(each["name"]) for each in officers)
            yield SignedRecord(f"{FOLDER}{power.id}", POWER_TITLE, names, stated.statement, stated.cms)


AGREEMENT_TITLE = "Agreement on electronic signing"
POWER_TITLE = "Confirmation of a power of attorney"
VOUCHING_TITLE = "Who vouched for an outside signer"
VOID_TITLE = "Declaration that the contract is void"


@dataclass(frozen=True, slots=True)
class Export:
    """A package, and the exchange that dates the signed contract in it."""

    package: bytes
    exchange: TimestampExchange


class Exporting:
    """Makes evidence packages of completed contracts. Thread-safe; changes nothing but the log."""

    def __init__(self, sources: EvidenceSources) -> None:
        self._sources = sources

    def export(self, contract_id: str, audience: Audience, *, by: ContractActor = APPLIANCE) -> Export:
        """The package of a completed contract, or of one that was voided since, for *audience*: internal records
        of others are proven to be in the log, and no more. Raises as :func:`appliance.contracts.access.admit` when
        *by* may not export it, and what its parts raise.

        1. the signed contract is timestamped once more, by request and reply (RFC 3161), as anybody can verify;
        2. every entry of the contract's history has its place in the log: a checkpoint follows within a second;
        3. all is put together, and the authority signs and dates the manifest.
        """
        command = Command(contract_id, Permission.EXPORT, by, self._sources.now())
        contract = self._sources.database.query(admit, command)
        signed = self._sources.contracts.document(contract)
        exchange = self._exchange(signed)
        evidence = self._evidence(contract, signed, exchange, audience)
        seals = ManifestSignature(self._sources.authority.sign_manifest, self._sources.timestamps.issue_reply)
        return Export(package.build(evidence, seals), exchange)

    def _exchange(self, signed: bytes) -> TimestampExchange:
        order = order_for(hashlib.sha256(signed).digest(), nonce=secrets.randbits(64), certificates=True)
        request = build_request(order)
        return TimestampExchange(request, self._sources.timestamps.issue_reply(request))

    def _disclosed(self, contract: Contract, audience: Audience) -> tuple[bool, dict[int, VisibleEvents]]:
        """Whether drafts and reviews go into a package for *audience*, and what of each log entry."""
        with self._sources.database.reading() as tx:
            disclosure = Disclosure(tx, contract, audience)
            told = ledger.history_of(tx, contract.id)
            entries = {entry: disclosure.seen(canonical.decode(leaf), opening) for entry, leaf, opening in told}
            return disclosure.drafting, entries

    def _evidence(
        self, contract: Contract, signed: bytes, exchange: TimestampExchange, audience: Audience
    ) -> EvidenceInput:
        sources = self._sources
        acceptances = sources.contracts.acceptances(contract.id)
        bases, stated, entries_of_bases = basis_material(sources, contract)
        drafting, entries = self._disclosed(contract, audience)
        approvals, approved = own_certificates.approvals(sources.database, sources.contracts.signatures(contract))
        entries_of_bases |= approved
        declared = sources.voiding.declarations(contract.id) if contract.state is ContractState.VOIDED else ()
        log = self._log(acceptances, entries_of_bases, entries)
        return EvidenceInput(
            contract=contract.id,
            title=contract.title,
            number=contract.number,
            audience=audience.name,
            created=sources.now(),
            zone=contract.deadline.zone,
            original=sources.contracts.document(contract, contract.original.number),
            signed=signed,
            exchange=exchange,
            signatures=tuple(self._signatures(contract)),
            document_timestamps=tuple(_archive_stamps(contract, signed)),
            records=(
                *self._records("agreement/", AGREEMENT_TITLE, acceptances),
                *stated,
                *self._vouchings(contract),
                *approvals,
                *self._records(history.FOLDER, VOID_TITLE, declared),
            ),
            documents={
                **dict(self._agreement_texts(acceptances)),
                **bases,
                **dict(self._annexes(contract)),
                **(sources.reviewing.records(contract) if drafting else {}),
            },
            names=self._names(contract, log, drafting=drafting),
            certificates=certificates_of(sources.authority),
            log=log,
            report=verifier_of(sources.database, sources.verifier, contract.id)
            .verify(signed, file="contract.signed.pdf")
            .to_json(),
            powers_stated_since=sources.authority.powers_stated_since(),
            earlier=tuple(each.field or "" for each in sources.earlier.signatures_of(contract.original.digest)),
        )

    def _signatures(self, contract: Contract) -> Iterator[SignatureMaterial]:
        elsewhere = own_certificates.material(self._sources.database, contract.id)
        for made in self._sources.contracts.signatures(contract):
            party = contract.require_party(made.intent.party)
            who = party.kind.value, party.name, party.organisation
            method = "" if party.method is None else party.method.value
            own = elsewhere.get(party.id)
            token, anchor = (b"", None) if own is None else (own.signature.token, own.certificate)
            yield SignatureMaterial(party.field, *who, made.cms or b"", method, token, anchor)

    def _records(
        self, folder: str, title: str, signed: Sequence[AgreementRecord | VoidDeclaration]
    ) -> Iterator[SignedRecord]:
        for number, each in enumerate(signed, start=1):
            name = self._sources.registry.person(each.person).name
            yield SignedRecord(f"{folder}{number:02}", title, name, each.record, each.cms or b"")

    def _vouchings(self, contract: Contract) -> Iterator[SignedRecord]:
        """Who vouched for outside signers of the contract, as the authority states it."""
        parties = {party.subject: party.id for party in contract.parties}
        for each in self._sources.database.query(vouchings.of_contract, contract.id):
            if each.person in parties and each.statement is not None and each.cms is not None:
                by = str(canonical.decode(each.statement)["vouched_by"]["name"])
                name = f"{PREFIX}{parties[each.person]}"
                yield SignedRecord(name, VOUCHING_TITLE, by, each.statement, each.cms)

    def _agreement_texts(self, acceptances: tuple[AgreementRecord, ...]) -> Iterator[tuple[str, bytes]]:
        for version in sorted({record.version for record in acceptances}):
            for language, words in self._sources.contracts.agreement_texts(version).items():
                yield text_path(version, language), words.encode()

    def _annexes(self, contract: Contract) -> Iterator[tuple[str, bytes]]:
        """The annexes in the order of the log, under numbers: names are in the history."""
        for number, (annex, content) in enumerate(self._sources.annexes.contents(contract), start=1):
            yield f"{history.ANNEXES}{number:02}{PurePosixPath(annex.name).suffix.lower()}", content

    def _names(self, contract: Contract, log: LogMaterial, *, drafting: bool) -> dict[str, str]:
        """The names of those of whom the package tells: no others who are known to this appliance."""
        told = {contract.initiator, *(party.subject for party in contract.parties)}
        told |= {party.requester for party in contract.parties if party.requester is not None}
        leaves = [canonical.decode(entry.leaf) for entry in log.entries if not entry.hidden]
        for leaf in leaves:
            told |= {str(value) for value in leaf["public"].values()}
        if not drafting:
            told -= replaced_guests(leaves)
        labels = {seal.subject: seal.label for seal in self._sources.registry.seals()}
        if drafting:  # what its programs are called is no business of others
            labels |= self._sources.database.query(api_clients.names_of, told)
        return {subject: name for subject in sorted(told) if (name := labels.get(subject) or self._name(subject))}

    def _name(self, subject: str) -> str:
        try:
            return self._sources.registry.person(subject).name
        except NotFound:
            return ""

    def _log(
        self,
        acceptances: tuple[AgreementRecord, ...],
        entries_of_bases: set[int],
        entries: dict[int, VisibleEvents],
    ) -> LogMaterial:
        accepted = [record.entry for record in acceptances if record.entry is not None]
        indices = sorted({*entries, *accepted, *entries_of_bases})
        return log_material(self._sources, {index: entries.get(index) for index in indices})


def _archive_stamps(contract: Contract, signed: bytes) -> Iterator[bytes]:
    """The tokens (DER) of our document timestamps, from the revisions that brought them."""
    for number, revision in enumerate(contract.revisions):
        if revision.kind is RevisionKind.ARCHIVE:
            start = contract.revisions[number - 1].size
            yield der.first(newest_contents(signed[: revision.size], since=start))
