"""Whoever has taken the portal over, and has packages made of what they tell."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from appliance.evidence.model import EvidenceInput, SignedRecord
from appliance.evidence.package import build
from appliance.language import Language, translator
from appliance.ledger.entry import LedgerEntry
from appliance.verification import Indication, VerificationReport, Verifier
from hsm import canonical, records
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.real_contract import SignedPdf

CONTRACT, SIGNED, COMPLETED = "c-2026-0001", "party-signed", "contract-completed"
BOTH = ("person-zhang", "person-li")
Log = Callable[[Iterable[LedgerEntry]], Iterator[LedgerEntry]]


class Forger:
    """Whoever writes the log and has manifests signed; and the verifier, which believes nobody else."""

    def __init__(
        self, authority: TestAuthority, pdf: SignedPdf, verifier: Verifier, patch: pytest.MonkeyPatch
    ) -> None:
        self.authority, self.pdf, self._verifier, self._patch = authority, pdf, verifier, patch

    def telling(self, log: Log) -> EvidenceInput:
        """Evidence whose log has what *log* makes of the true entries."""
        true = contract._acts

        def acts(*given: Any, **named: Any) -> Iterator[LedgerEntry]:
            yield from log(list(true(*given, **named)))

        with self._patch.context() as patched:
            patched.setattr(contract, "_acts", acts)
            return contract.make(self.authority, self.pdf, others=100)

    def voided(
        self, digest: str, log: Log = iter, *, title: str = contract.TITLE, by: Sequence[TestAuthority] = ()
    ) -> EvidenceInput:
        """The contract is void by declarations of both signers, about a file of this *digest*, each certified and
        dated by one of *by*. The log has them after the completion, before *log* makes something of it."""
        said = {"contract": CONTRACT, "format": records.FORMATS[records.DECLARATION], "title": title}
        declared = {
            each: canonical.encode({**said, "digest": digest, "person": each, "voiding": "1"}) for each in BOTH
        }
        authorities = tuple(by) or (self.authority, self.authority)
        kind, moments = records.MEDIA_TYPES[records.DECLARATION], [each.now for each in authorities]

        def declaring(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
            for entry in entries:
                yield entry
                if entry.kind == COMPLETED:
                    for (person, record), at in zip(declared.items(), moments, strict=True):
                        public = {"contract": CONTRACT, "actor": person, "voiding": "1"}
                        signed = hashlib.sha256(record).hexdigest()
                        yield LedgerEntry("void-declared", at, {**public, "signed": signed})
                    yield LedgerEntry(
                        "contract-voided", moments[-1], {"contract": CONTRACT, "actor": BOTH[0], "voiding": "1"}
                    )

        signed = [
            SignedRecord(
                f"voiding/{number:02}",
                "Declaration",
                contract.NAMES[person],
                record,
                each.sign(each.person(contract.NAMES[person]), record, media_type=kind),
            )
            for number, ((person, record), each) in enumerate(zip(declared.items(), authorities, strict=True), 1)
        ]
        evidence = self.telling(lambda entries: log(declaring(entries)))
        return replace(evidence, title=title, records=(*evidence.records, *signed))

    def built(self, evidence: EvidenceInput) -> bytes:
        return build(evidence, contract.seals(self.authority))

    def verdict(self, evidence: EvidenceInput | bytes) -> VerificationReport:
        """On a package, or on one of this *evidence*; each remark is said in both languages."""
        report = self._verifier.verify(evidence if isinstance(evidence, bytes) else self.built(evidence))
        for remark in report.remarks:
            assert remark.translated(translator(Language.CHINESE)) != str(remark)
        return report


def remark(report: VerificationReport, words: str) -> str:
    """The one remark with these *words*; empty where there is none."""
    assert report.indication is Indication.PASSED, report.reasons
    return next((str(each) for each in report.remarks if words in str(each)), "")
