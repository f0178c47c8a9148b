"""Exporting: from a completed contract and its log to an evidence package."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509

from appliance.errors import StateRefused
from appliance.evidence import package
from appliance.evidence.agreements import text_path
from appliance.evidence.model import (
    Certificates,
    EvidenceInput,
    LogEntry,
    LogMaterial,
    Seals,
    SignatureMaterial,
    SignedRecord,
    TimestampExchange,
)
from appliance.evidence.revisions import newest_contents
from appliance.grounding import GroundsMaterial, grounds_of
from appliance.model.acceptance import AgreementRecord
from appliance.model.contract import Contract, ContractState, RevisionKind
from appliance.wiring import Appliance
from hsm import der
from hsm.timestamp import build_request, order_for

PATIENCE = 15.0
"""Seconds to wait for a checkpoint that covers everything, and for proofs that all lead to the same one."""

TICK = 0.05

AGREEMENT_TITLE = "Agreement on electronic signing"


@dataclass(frozen=True, slots=True)
class Export:
    """A package, and the exchange that dates the signed contract in it."""

    package: bytes
    exchange: TimestampExchange


class Exporting:
    """Makes evidence packages of completed contracts. Thread-safe; changes nothing but the log."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    def export(self, contract_id: str) -> Export:
        """The package of a completed contract. Raises StateRefused for one that is not, and what its parts raise.

        1. the signed contract is dated once more, by anybody's means: request and reply (RFC 3161);
        2. every entry of the contract's history has its place in the log: a checkpoint follows within a second;
        3. all is put together, and the authority signs and dates the manifest.
        """
        contract = self._appliance.contracts.get(contract_id)
        if contract.state is not ContractState.COMPLETED:
            raise StateRefused(
                "“{title}” is not completed; there is no evidence to export yet.", title=contract.title
            )
        signed = self._appliance.contracts.document(contract)
        exchange = self._exchange(signed)
        evidence = self._evidence(contract, signed, exchange)
        seals = Seals(self._appliance.authority.sign_manifest, self._appliance.timestamps.reply)
        return Export(package.build(evidence, seals), exchange)

    def _exchange(self, signed: bytes) -> TimestampExchange:
        order = order_for(hashlib.sha256(signed).digest(), nonce=secrets.randbits(64), certificates=True)
        request = build_request(order)
        return TimestampExchange(request, self._appliance.timestamps.reply(request))

    def _evidence(self, contract: Contract, signed: bytes, exchange: TimestampExchange) -> EvidenceInput:
        appliance = self._appliance
        acceptances = appliance.contracts.acceptances(contract.id)
        rests_on = grounds_of(appliance, contract)
        return EvidenceInput(
            contract=contract.id,
            title=contract.title,
            created=appliance.now(),
            zone=contract.deadline.zone,
            original=appliance.contracts.document(contract, contract.original.number),
            signed=signed,
            exchange=exchange,
            signatures=tuple(self._signatures(contract)),
            document_timestamps=tuple(_archive_stamps(contract, signed)),
            records=tuple(self._records(acceptances)),
            documents={
                **dict(self._agreement_texts(acceptances)),
                **rests_on.documents,
                **appliance.reviewing.records(contract),
            },
            names=self._names(),
            certificates=self._certificates(),
            log=self._log(contract, acceptances, rests_on),
            report=appliance.verifier.verify(signed, file="contract.signed.pdf").to_json(),
        )

    def _signatures(self, contract: Contract) -> Iterator[SignatureMaterial]:
        for made in self._appliance.contracts.signatures(contract.id):
            party = made.party
            yield SignatureMaterial(party.field, party.kind.value, party.name, party.organisation, made.cms)

    def _records(self, acceptances: tuple[AgreementRecord, ...]) -> Iterator[SignedRecord]:
        for number, accepted in enumerate(acceptances, start=1):
            name = self._appliance.registry.person(accepted.person).name
            yield SignedRecord(
                f"agreement/{number:02}", AGREEMENT_TITLE, name, accepted.record, accepted.cms or b""
            )

    def _agreement_texts(self, acceptances: tuple[AgreementRecord, ...]) -> Iterator[tuple[str, bytes]]:
        for version in sorted({record.version for record in acceptances}):
            for language, words in self._appliance.contracts.agreement_texts(version).items():
                yield text_path(version, language), words.encode()

    def _names(self) -> dict[str, str]:
        registry = self._appliance.registry
        people = {person.subject: person.name for person in registry.people()}
        return people | {seal.subject: f"{seal.organisation} {seal.kind.value}" for seal in registry.seals()}

    def _certificates(self) -> Certificates:
        authority = self._appliance.authority
        *intermediates, root = (x509.load_der_x509_certificate(each) for each in authority.authorities())
        return Certificates(
            root=root,
            intermediates=tuple(intermediates),
            timestamping=x509.load_der_x509_certificate(authority.certificate("tsa")),
            evidence=x509.load_der_x509_certificate(authority.certificate("evidence")),
            crls=tuple(authority.crls()),
        )

    def _log(
        self, contract: Contract, acceptances: tuple[AgreementRecord, ...], rests_on: GroundsMaterial
    ) -> LogMaterial:
        accepted = [record.entry for record in acceptances if record.entry is not None]
        indices = sorted({*self._appliance.contracts.entries(contract.id), *accepted, *rests_on.entries})
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            checkpoint = self._appliance.proofs.latest()
            if checkpoint is None or checkpoint.size <= indices[-1]:
                time.sleep(TICK)
                continue
            entries = tuple(self._entry(index, kept=index not in rests_on.entries) for index in indices)
            if all(entry.proof.endswith(checkpoint.note) for entry in entries):
                key = (self._appliance.settings.home.trust / "log.vkey").read_text(encoding="ascii").strip()
                return LogMaterial(checkpoint.note, checkpoint.token, key, entries)
        raise StateRefused("The log has no checkpoint over this contract yet; see that the scheduler runs.")

    def _entry(self, index: int, *, kept: bool) -> LogEntry:
        """The entry; what lies behind its commitments only when it is *kept*: the contract's own."""
        proofs = self._appliance.proofs
        opening = proofs.opening(index) or {} if kept else {}
        return LogEntry(index, proofs.entry(index), proofs.proof_file(index), opening)


def _archive_stamps(contract: Contract, signed: bytes) -> Iterator[bytes]:
    """The tokens (DER) of our document timestamps, from the revisions that brought them."""
    for number, revision in enumerate(contract.revisions):
        if revision.kind is RevisionKind.ARCHIVE:
            start = contract.revisions[number - 1].size
            yield der.first(newest_contents(signed[: revision.size], since=start))
