"""What a package shows is what the log has, and what the log tells is there: whoever has taken the portal over
writes the one and packs the other, and chooses the reader whom the package is shown to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.confinement.pool import Confinement
from appliance.evidence.extraction import locate_signatures
from appliance.evidence.model import EvidenceInput
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from appliance.ledger.entry import LedgerEntry
from appliance.pdf.byte_ranges import ByteRange
from appliance.pdf.values import PreparedRevision, PrepareOrder
from appliance.pdf.workshop import PdfWorkshop
from appliance.verification import Indication
from hsm import canonical, cms, der
from hsm.cms.signed_data import SIGNED_DATA, frame
from tests.evidence import contract, real_contract
from tests.evidence.authority import TestAuthority
from tests.evidence.resealing import resealed
from tests.evidence.test_checked_alike import REFUSED, Log, told
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.test_told import BOTH, CONTRACT, OTHER, SIGNED, Judges, judges
from tests.evidence.unpacked import unpack
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


def in_field(field: str) -> Log:
    def change(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            other = {"field": field} if each.public.get("signer") == "person-li" else {}
            yield replace(each, public={**each.public, **other})

    return change


def confirmed_another_time(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
    for each in entries:
        ways = [name for name in each.public if name.startswith("activated_")]
        yield replace(each, public={**each.public, **dict.fromkeys(ways, "2026-11-01T00:00:00Z")})


def resting_on_less(signers: Iterable[str], *gone: str) -> Log:
    """Entries of the signatures of *signers* do not name what is *gone*."""

    def change(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            own = each.kind == SIGNED and each.public["signer"] in signers
            kept = {name: said for name, said in each.public.items() if not own or name not in gone}
            yield replace(each, public=kept)

    return change


LOGS: dict[str, Log] = {
    "when they confirmed": confirmed_another_time,
    "when they signed": moved(SIGNED, timedelta(days=1)),
    "when they agreed": moved("agreement-accepted", -timedelta(days=1)),
    "who agreed": told("agreement-accepted", person="person-wang"),
    "what was drafted": told("contract-drafted", digest=DIGEST),
}


@pytest.mark.parametrize("log", one_in(5, LOGS.values()), ids=LOGS)
def test_the_log_tells_of_what_is_here(judges: Judges, log: Log) -> None:
    assert judges.refuses(judges.with_log(log))


@pytest.mark.parametrize("public", first_of([{}, {"contract": OTHER}]))
def test_the_log_tells_of_no_signature_for_something_else(judges: Judges, public: dict[str, str]) -> None:
    assert judges.verdicts(judges.with_log(one_more(**public))) == REFUSED


@pytest.mark.parametrize("field", first_of(["person-1", "张示例"]))
def test_a_signature_is_in_the_field_that_the_log_has(judges: Judges, field: str) -> None:
    """Remarks name signatures by it."""
    assert judges.refuses(judges.with_log(in_field(field)))


@pytest.mark.long
def test_declarations_are_of_the_time_that_the_log_has(judges: Judges) -> None:
    later = moved("void-declared", timedelta(hours=1))
    assert judges.refuses(judges.voided(judges.declared(), change=later))


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
    assert judges.refuses(replace(evidence, records=(*evidence.records, *signed)))


def without_grounds(files: Files) -> dict[str, bytes | None]:
    gone = [path for path in files if path.startswith(("authority/", f"certificates/authority-{contract.POWER}"))]
    return dict.fromkeys(gone)


def of_another_contract(files: Files) -> dict[str, bytes | None]:
    history = json.loads(files["history/history.json"]) | {"contract": OTHER}
    return {"history/history.json": canonical.encode(history)}


FORGED: dict[str, Callable[[Files], dict[str, bytes | None]]] = {
    "without grounds": without_grounds,
    "a review": lambda files: {"review/sign-off.json": b'{"reviewer":"person-wang"}'},
    "a check": lambda files: {"review/check.json": b"{}"},
    "a text": lambda files: {"agreement/electronic-signing-9.en.md": b"Agreed."},
    "a letter": lambda files: {"authority/power-1.pdf": b"%PDF"},
    "a history of another contract": of_another_contract,
    "less than was given": lambda files: {"contract/contract.pdf": b""},
}


@pytest.mark.parametrize("forge", one_in(4, FORGED.values()), ids=FORGED)
def test_what_is_here_is_what_the_log_has(
    judges: Judges, authority: TestAuthority, package: bytes, forge: Callable[[Files], dict[str, bytes | None]]
) -> None:
    changes = forge({path: bytes(data) for path, data in read_zip(package).files.items()})
    assert judges.refuses_package(resealed(package, changes, authority))


def test_no_power_is_confirmed_on_which_no_signature_rests(judges: Judges) -> None:
    evidence = judges.with_log(resting_on_less([BOTH[0]], "grounds", "power", "identity"))
    rest = {path: text for path, text in evidence.documents.items() if not path.startswith("authority/")}
    assert judges.refuses(replace(evidence, documents=rest))


@pytest.mark.parametrize("form", one_in(3, "410"))
def test_no_acceptance_is_here_on_which_no_signature_rests(judges: Judges, form: str) -> None:
    """But those from before acceptances were between parties, which signatures of then do not name."""

    def accepting(person: str) -> dict[str, Any]:
        other = {"format": f"vermilion-agreement/{form}"} if person == BOTH[1] else {}
        return contract.acceptance(person) | other

    log = resting_on_less([BOTH[1], "seal-b"], "agreement")
    assert judges.refuses(judges.with_log(log, accepting=accepting)) is (form != "1")


@pytest.mark.parametrize("name", first_of(["contract/annex.pdf", "voided.pdf"]))
def test_nothing_lies_beside_the_evidence(
    judges: Judges, authority: TestAuthority, package: bytes, name: str
) -> None:
    """Everything in a package that passes would be taken for what passed. Checkers name what they do not judge."""
    package = resealed(package, {name: b"%PDF"}, authority)
    assert judges.verdicts_on(package) == [None, True, True]
    for checker in CHECKERS:
        listed = check(checker, judges.folder)[1].partition("are as the manifest lists them")[2]
        assert f"\n      {name}\n" in listed.partition("PASS")[0]


def test_no_certificate_is_here_by_which_nothing_is_signed(
    judges: Judges, authority: TestAuthority, package: bytes
) -> None:
    other = bytes(read_zip(package).files["certificates/02.pem"])
    assert judges.verdicts_on(resealed(package, {"certificates/05.pem": other}, authority))[1:] == [False, False]


def test_a_certificate_is_alone_in_its_file(judges: Judges, authority: TestAuthority, package: bytes) -> None:
    """The second of two would vouch for timestamps, and nobody would ask whether it was revoked."""
    two = b"".join(bytes(read_zip(package).files[f"certificates/{each}.pem"]) for each in ("timestamping", "01"))
    changed = resealed(package, {"certificates/timestamping.pem": two}, authority)
    assert judges.verdicts_on(changed)[1:] == [False, False]


def test_lines_of_the_index_have_one_form(judges: Judges, authority: TestAuthority, package: bytes) -> None:
    index = bytes(read_zip(package).files["index.txt"])
    assert judges.verdicts_on(resealed(package, {"index.txt": index + b"entry 00000001 \n"}, authority)) == REFUSED


def by_one_alone(judges: Judges, person: str, *, void: bool = True) -> EvidenceInput:
    """Of the contract that both signed, told as if *person* had been the only one."""

    def alone(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        own = {SIGNED, "agreement-accepted"}
        yield from (each for each in entries if each.kind not in own or each.public["actor"] == person)

    declared = {person: judges.declaration(person)}
    evidence = judges.voided(declared, change=alone) if void else judges.with_log(alone)
    rest = [each for each in evidence.records if each.name != "agreement/02"]
    return replace(evidence, records=tuple(rest), signatures=evidence.signatures[:1])


@pytest.mark.parametrize("void", first_of([True, False]))
def test_no_signature_in_the_contract_is_passed_over(judges: Judges, void: bool) -> None:
    """Else one party would void alone what the other has signed, too."""
    assert judges.verdicts(by_one_alone(judges, BOTH[0], void=void)) == REFUSED


def test_nothing_counts_twice_in_the_place_of_a_signature(judges: Judges, authority: TestAuthority) -> None:
    package = build(by_one_alone(judges, BOTH[0]), contract.seals(authority))
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    [line] = [each for each in files["index.txt"].splitlines() if each.startswith(b"timestamp ")]
    again = {f"signatures/{number}.tst": files["signatures/02.tst"] for number in ("03", "04")}
    lines = [line.replace(b" 02 ", f" {number} ".encode()) for number in ("03", "04")]
    changes = {**again, "index.txt": files["index.txt"] + b"".join(each + b"\n" for each in lines)}
    assert judges.verdicts_on(resealed(package, changes, authority)) == REFUSED


def test_no_signature_passes_for_a_timestamp(judges: Judges, authority: TestAuthority) -> None:
    package = build(by_one_alone(judges, BOTH[0]), contract.seals(authority))
    rest = enumerate(judges.pdf.signatures[1:], start=3)
    changes = {f"signatures/{number:02}.tst": each.cms for number, each in rest}
    index = bytes(read_zip(package).files["index.txt"])
    lines = "".join(f"timestamp {number:02} 1 2 3\n" for number, _ in enumerate(changes, start=3))
    changes["index.txt"] = index + lines.encode()
    assert judges.verdicts_on(resealed(package, changes, authority)) == REFUSED


def by_li_alone(judges: Judges, *, given: bytes) -> EvidenceInput:
    """The forger has it that the contract was *given* as it is after the other's signature, or without it."""

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
    signatures = evidence.signatures[1:]
    return replace(evidence, records=tuple(rest), signatures=signatures, documents=texts, original=given)


@pytest.mark.long
def test_who_signed_before_the_contract_was_given_has_declared_nothing(judges: Judges, tmp_path: Path) -> None:
    given = judges.pdf.signed[: locate_signatures(judges.pdf.signed, judges.pdf.signatures[0].cms).end]
    package = build(by_li_alone(judges, given=given), contract.seals(judges._authority))
    report = judges.verifier.verify(package)
    [remark] = [str(each) for each in report.remarks if "had signed the document, as" in str(each)]
    assert "张示例" in remark
    assert "The parties have declared this contract void." not in map(str, report.remarks)
    folder = unpack(package, tmp_path / "given")
    assert all("declared nothing" in check(checker, folder)[1] for checker in CHECKERS)


def _signer(message: bytes) -> x509.Certificate:
    found = cms.signer_certificate(cms.parse(message))
    assert found is not None
    return found


@pytest.fixture
def odd(
    judges: Judges, authority: TestAuthority, confinement: Confinement, monkeypatch: pytest.MonkeyPatch
) -> Judges:
    """Of a contract whose first signature states its place in another way than ours do, and whose others carry the
    certificate of the first as well: nobody has signed what certificates lie in a signature."""
    workshop, first = PdfWorkshop(confinement), []
    prepare, stamped = workshop.prepare, cms.add_signature_timestamp

    def prepared(document: bytes, order: PrepareOrder) -> PreparedRevision:
        made = prepare(document, order)
        if order.field != "person-1":
            return made
        whole = b"/ByteRange[00 ".join(made.document.rsplit(b"/ByteRange [0 ", 1))
        start, length = made.contents
        return PreparedRevision(
            whole, ByteRange(start, start + length, len(whole)).digest(whole, "sha256"), made.contents
        )

    def carrying(message: bytes, token: bytes) -> bytes:
        signed_data, _ = frame(message)
        first.append(_signer(message).public_bytes(Encoding.DER))
        held = {*map(der.raw, signed_data.certificates or ()), first[0]}
        signed_data.certificates = [der.decode(der.TLV, each) for each in sorted(held)]
        content = der.encode(signed_data)
        whole = der.element(der.SEQUENCE, der.oid(SIGNED_DATA), der.header(0xA0, len(content)) + content)
        return stamped(whole, token)

    with monkeypatch.context() as patch:
        patch.setattr(workshop, "prepare", prepared)
        patch.setattr(cms, "add_signature_timestamp", carrying)
        judges.pdf = real_contract.make(authority, workshop)

    def plainly(document: bytes, message: bytes) -> ByteRange:
        return locate_signatures(document.replace(b"/ByteRange[00 ", b"/ByteRange [0 "), message)

    monkeypatch.setattr(contract, "locate_signatures", plainly)
    return judges


@pytest.mark.long
def test_a_signature_is_not_passed_over_for_how_it_is_written(odd: Judges) -> None:
    assert odd.verdicts(by_li_alone(odd, given=odd.pdf.original)) == REFUSED


@pytest.mark.long
def test_who_signed_before_is_named_whatever_certificates_later_signatures_carry(odd: Judges) -> None:
    given = odd.pdf.signed[: odd.pdf.signed.index(b"%%EOF", odd.pdf.signed.index(b"/ByteRange")) + 6]
    report = odd.verifier.verify(build(by_li_alone(odd, given=given), contract.seals(odd._authority)))
    assert report.indication is Indication.PASSED, report.reasons
    [remark] = [str(each) for each in report.remarks if "had signed the document, as" in str(each)]
    assert "张示例" in remark
