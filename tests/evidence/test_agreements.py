"""The agreement on electronic signing in a package: by these parties, naming all of them, from before."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from appliance.confinement.pool import Confinement
from appliance.errors import EvidenceIncomplete
from appliance.evidence import contents, history
from appliance.evidence.agreements import require_agreements
from appliance.evidence.history import PackageEvent
from appliance.evidence.model import EvidenceInput, PackageRefused
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, Verifier
from hsm import canonical, cms
from hsm.records import DECLARATION, MEDIA_TYPES
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.real_contract import SignedPdf
from tests.sweeps import first_of

THIRD = {"kind": "organisation", "name": "丙公司示例有限公司"}
FIRST, SECOND = "agreement/01.json", "agreement/02.json"


@dataclass(frozen=True, slots=True)
class Case:
    """A package's files and events, to be changed as somebody would who also rewrites the log."""

    files: dict[str, bytes]
    events: tuple[PackageEvent, ...]

    def with_record(self, path: str, change: Callable[[dict[str, Any]], object]) -> Case:
        """Another acceptance, and a log that has it."""
        record = copy.deepcopy(canonical.decode(self.files[path]))
        change(record)
        content = canonical.encode(record)
        before, after = (hashlib.sha256(each).hexdigest() for each in (self.files[path], content))
        told = (self._told(event, before, after) for event in self.events)
        return Case(self.files | {path: content}, tuple(told))

    def with_events(self, change: Callable[[PackageEvent], PackageEvent]) -> Case:
        return replace(self, events=tuple(change(event) for event in self.events))

    def check(self) -> None:
        require_agreements(self.files, self.events)

    @staticmethod
    def _told(event: PackageEvent, before: str, after: str) -> PackageEvent:
        same = event.kind == "agreement-accepted" and event.public["signed"] == before
        return replace(event, public={**event.public, "signed": after}) if same else event


@pytest.fixture(scope="module")
def case(package: bytes, evidence: EvidenceInput) -> Case:
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    return Case(files, history.events(evidence.log.entries))


def test_a_good_package_holds(case: Case) -> None:
    case.check()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: record.update(party=dict(THIRD)), "not for the party"),
        (lambda record: record.update(counterparties=[]), "do not name all parties"),
        (lambda record: record["counterparties"][0].update(name="丙公司示例有限公司"), "do not name all parties"),
        (lambda record: record["counterparties"][0].update(subject="person-li"), "do not name all parties"),
        (lambda record: record.update(person="person-chen"), "not the one that the log has"),
        (lambda record: record["texts"].update(zh="0" * 64), "text that was accepted"),
        (lambda record: record.update(version="9"), "not the one that the log has"),
    ],
)
def test_an_acceptance_that_does_not_carry_the_signatures_is_refused(
    case: Case, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    with pytest.raises(PackageRefused, match=said):
        case.with_record(FIRST, change).check()


def test_an_acceptance_comes_before_the_first_signature(case: Case) -> None:
    signed = next(event.at for event in case.events if event.kind == "party-signed")

    def late(event: PackageEvent) -> PackageEvent:
        later = signed + timedelta(days=1)
        return replace(event, at=later) if event.kind == "agreement-accepted" else event

    with pytest.raises(PackageRefused, match="does not come before"):
        case.with_events(late).check()


def test_none_may_lack_and_none_is_too_many(case: Case) -> None:
    without = {path: data for path, data in case.files.items() if path != SECOND}
    with pytest.raises(PackageRefused, match="lacks an acceptance"):
        replace(case, files=without).check()

    def forgetting(event: PackageEvent) -> PackageEvent:
        lean = {name: value for name, value in event.public.items() if name != "agreement"}
        return replace(event, public=lean) if event.actor == "person-li" else event

    with pytest.raises(PackageRefused, match="no signature rests on"):
        case.with_events(forgetting).check()
    other = case.files[FIRST].replace(b"person-zhang", b"person-chang")
    with pytest.raises(PackageRefused, match="not the one that the log has"):
        replace(case, files=case.files | {FIRST: other}).check()


def signed_anew(case: Case, authority: TestAuthority, record: bytes, media_type: str | None) -> dict[str, bytes]:
    """The package's files with *record* as its first acceptance, and a signature that names *media_type*."""
    message = authority.sign(authority.person("张示例"), record, media_type=media_type)
    parsed = cms.parse(message)
    name = FIRST.removesuffix(".json")
    ours = {".json": record, ".p7s": message, ".sig": parsed.signature, ".tst": parsed.timestamps()[0]}
    return case.files | {name + ending: content for ending, content in ours.items()}


@pytest.mark.parametrize("media_type", [None, "application/pdf", MEDIA_TYPES[DECLARATION]])
def test_the_signature_over_a_record_names_its_kind(
    case: Case, authority: TestAuthority, media_type: str | None
) -> None:
    assert contents.require_records(case.files)
    now = signed_anew(case, authority, case.files[FIRST], media_type)
    with pytest.raises(EvidenceIncomplete, match="record of this kind"):
        contents.require_records(now)
    before = canonical.encode(canonical.decode(case.files[FIRST]) | {"format": "vermilion-agreement/2"})
    assert contents.require_records(signed_anew(case, authority, before, media_type))


def test_a_package_with_another_signature_is_not_made(authority: TestAuthority, pdf: SignedPdf) -> None:
    made = contract.make(authority, pdf)
    first, *others = made.records
    unnamed = replace(first, cms=authority.sign(authority.person("张示例"), first.record))
    with pytest.raises(EvidenceIncomplete, match="record of this kind"):
        build(replace(made, records=(unnamed, *others)), contract.seals(authority))


ANOTHER: dict[str, dict[str, Any]] = {
    "do not name all parties": {"counterparties": [THIRD]},
    "not for the party": {"party": THIRD},
    "the text accepted in": {"texts": {"en": "0" * 64, "zh": "0" * 64}},
}
"""What is said of a package whose first acceptance has something else."""


@pytest.fixture(params=first_of(ANOTHER), scope="module")
def other_package(request: pytest.FixtureRequest, authority: TestAuthority, pdf: SignedPdf) -> tuple[str, bytes]:
    """All in the package is true, signed and in the log; only the agreement is not one of these parties."""

    def accepting(person: str) -> dict[str, Any]:
        record = contract.acceptance(person)
        return record | ANOTHER[request.param] if person == "person-zhang" else record

    return request.param, build(contract.make(authority, pdf, accepting=accepting), contract.seals(authority))


def test_the_verifier_fails_it(
    other_package: tuple[str, bytes], authority: TestAuthority, confinement: Confinement
) -> None:
    later = authority.now + timedelta(hours=1)
    verifier = Verifier(confinement, [authority.root.certificate], evidence=verify_package, clock=lambda: later)
    assert verifier.verify(other_package[1]).indication is Indication.FAILED
