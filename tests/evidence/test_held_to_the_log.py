"""What a package shows is what the log has, and what the log tells is there: whoever has taken the portal over
writes the one and packs the other, and chooses the reader whom the package is shown to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.evidence.extraction import locate_signatures
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from appliance.ledger.entry import LedgerEntry
from hsm import canonical
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.resealing import resealed
from tests.evidence.test_checked_alike import REFUSED, Log, told
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.test_told import BOTH, CONTRACT, OTHER, SIGNED, Judges, judges
from tests.sweeps import first_of, one_in

__all__ = ["judges"]
pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")
DIGEST = "ab" * 32
Files = dict[str, bytes]


def moved(kind: str, by: timedelta) -> Log:
    def change(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield replace(each, at=each.at + by) if each.kind == kind else each

    return change


def one_more(**public: str) -> Log:
    """A signature of which nothing else is known."""

    def change(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if each.kind == "contract-sent":
                own = {"actor": "person-wang", "signer": "person-wang", "signed": DIGEST}
                yield LedgerEntry(SIGNED, each.at, own | public)

    return change


def in_another_field(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
    for each in entries:
        field = {"field": "person-1"} if each.public.get("signer") == "person-li" else {}
        yield replace(each, public={**each.public, **field})


LOGS: dict[str, Log] = {
    "a signature for nothing": one_more(),
    "a signature for another contract": one_more(contract=OTHER),
    "when they signed": moved(SIGNED, timedelta(days=1)),
    "when they agreed": moved("agreement-accepted", -timedelta(days=1)),
    "who agreed": told("agreement-accepted", person="person-wang"),
    "what was drafted": told("contract-drafted", digest=DIGEST),
}


@pytest.mark.parametrize("log", one_in(2, LOGS.values()), ids=LOGS)
def test_the_log_tells_of_what_is_here(judges: Judges, log: Log) -> None:
    assert judges.verdicts(judges.with_log(log)) == REFUSED


def test_a_signature_is_in_the_field_that_the_log_has(judges: Judges) -> None:
    assert judges.verdicts(judges.with_log(in_another_field))[0] is False


def test_declarations_are_of_the_time_that_the_log_has(judges: Judges) -> None:
    later = moved("void-declared", timedelta(hours=1))
    assert judges.verdicts(judges.voided(judges.declared(), change=later)) == REFUSED


def test_nobody_voids_by_what_the_other_refused(judges: Judges, authority: TestAuthority) -> None:
    """Each has declared it at a proposal of their own, which the other one has refused."""
    said = {each: judges.declaration(each, voiding=f"voiding-{each}") for each in BOTH}

    def voided(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if each.kind == "contract-completed":
                for person, record in said.items():
                    public = {"contract": CONTRACT, "actor": person, "voiding": f"voiding-{person}"}
                    declared = {"signer": person, "signed": hashlib.sha256(record).hexdigest()}
                    yield LedgerEntry("void-declared", authority.now, public | declared)
                    yield LedgerEntry("contract-voided", authority.now, public)

    evidence = judges.with_log(voided)
    signed = [judges._signed(*each, by="") for each in enumerate(said.items(), start=1)]
    assert judges.verdicts(replace(evidence, records=(*evidence.records, *signed))) == REFUSED


def without_grounds(files: Files) -> dict[str, bytes | None]:
    gone = [path for path in files if path.startswith(("authority/", f"certificates/authority-{contract.POWER}"))]
    index = [line for line in files["index.txt"].splitlines(keepends=True) if b"power-" not in line]
    return dict.fromkeys(gone) | {"index.txt": b"".join(each for each in index if not each.startswith(b"grounds"))}


def of_another_contract(files: Files) -> dict[str, bytes | None]:
    history = json.loads(files["history/history.json"]) | {"contract": OTHER}
    return {"history/history.json": canonical.encode(history)}


FORGED: dict[str, Callable[[Files], dict[str, bytes | None]]] = {
    "without grounds": without_grounds,
    "a review": lambda files: {"review/sign-off.json": b'{"reviewer":"person-wang"}'},
    "a check": lambda files: {"review/check.json": b"{}"},
    "a letter": lambda files: {"authority/power-1.pdf": b"%PDF"},
    "a history of another contract": of_another_contract,
    "less than was given": lambda files: {"contract/contract.pdf": b""},
}


@pytest.mark.parametrize("forge", one_in(2, FORGED.values()), ids=FORGED)
def test_what_is_here_is_what_the_log_has(
    judges: Judges, authority: TestAuthority, package: bytes, forge: Callable[[Files], dict[str, bytes | None]]
) -> None:
    changes = forge({path: bytes(data) for path, data in read_zip(package).files.items()})
    assert judges.verdicts_on(resealed(package, changes, authority)) == REFUSED


@pytest.mark.parametrize(
    "name", one_in(2, ["contract/annex.pdf", "voided.pdf", "certificates/timestamping.x.pem"])
)
def test_nothing_lies_beside_the_evidence(
    judges: Judges, authority: TestAuthority, package: bytes, name: str
) -> None:
    """Everything in a package that passes would be taken for what passed."""
    other = bytes(read_zip(package).files["certificates/timestamping.pem"])
    assert judges.verdicts_on(resealed(package, {name: other}, authority)) == [None, False, False]


def test_a_certificate_is_alone_in_its_file(judges: Judges, authority: TestAuthority, package: bytes) -> None:
    """The second of two would vouch for timestamps, and nobody would ask whether it was revoked."""
    two = b"".join(bytes(read_zip(package).files[f"certificates/{each}.pem"]) for each in ("timestamping", "01"))
    changed = resealed(package, {"certificates/timestamping.pem": two}, authority)
    assert judges.verdicts_on(changed)[1:] == [False, False]


def test_lines_of_the_index_have_one_form(judges: Judges, authority: TestAuthority, package: bytes) -> None:
    index = bytes(read_zip(package).files["index.txt"])
    assert judges.verdicts_on(resealed(package, {"index.txt": index + b"entry  00000001\n"}, authority)) == REFUSED


@pytest.mark.parametrize("void", first_of([True, False]))
def test_no_signature_in_the_contract_is_passed_over(judges: Judges, void: bool) -> None:
    """Else one party would void alone what the other has signed, too."""

    def alone(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        own = {SIGNED, "agreement-accepted"}
        yield from (each for each in entries if each.kind not in own or each.public["actor"] == BOTH[0])

    declared = {BOTH[0]: judges.declaration(BOTH[0])}
    evidence = judges.voided(declared, change=alone) if void else judges.with_log(alone)
    rest = [each for each in evidence.records if each.name != "agreement/02"]
    assert judges.verdicts(replace(evidence, records=tuple(rest), signatures=evidence.signatures[:1])) == REFUSED


def test_who_signed_before_the_contract_was_given_has_declared_nothing(judges: Judges) -> None:
    """The forger has it that the contract was given with the other's signature."""
    given = judges.pdf.signed[: locate_signatures(judges.pdf.signed, judges.pdf.signatures[0].cms).end]

    def without_the_first(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        true = {"digest": hashlib.sha256(given).hexdigest(), "agreement": "1"}
        for each in entries:
            theirs = each.kind in (SIGNED, "agreement-accepted") and each.public["actor"] == BOTH[0]
            own = {name: true.get(name, value) for name, value in each.public.items()}
            if not theirs and not each.kind.startswith(("power", "identity")):
                yield replace(each, public=own if each.kind in (SIGNED, "contract-drafted") else each.public)

    evidence = judges.voided({BOTH[1]: judges.declaration(BOTH[1])}, change=without_the_first)
    rest = [each for each in evidence.records if each.name in ("agreement/02", "voiding/01")]
    texts = {path: text for path, text in evidence.documents.items() if path.startswith("agreement/")}
    evidence = replace(evidence, records=tuple(rest), signatures=evidence.signatures[1:], documents=texts)
    package = build(replace(evidence, original=given), contract.seals(judges._authority))
    assert judges.verdicts_on(package) == [True, True, True]
    assert all("has declared nothing" in check(each, judges._folder)[1] for each in CHECKERS)
    report = judges.verifier.verify(package)
    [remark] = [str(each) for each in report.remarks if "declared nothing" in str(each)]
    assert "张示例" in remark
