"""What ``vermilion verify`` says of packages by whoever has taken the portal over: who signed, for whom, what is
void, and what is the portal's word alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.cli.verdict import as_text
from appliance.confinement.pool import Confinement
from appliance.errors import EvidenceIncomplete
from appliance.evidence import authorisation_basis
from appliance.evidence.extraction import locate_signatures
from appliance.evidence.history import PackageEvent
from appliance.evidence.model import EvidenceInput, SignatureMaterial, SignedRecord
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.language import Language, translator
from appliance.ledger.entry import LedgerEntry
from appliance.pdf.byte_ranges import ByteRange
from appliance.pdf.values import FieldKind, FieldPlacement, LockScope, PersonAppearance, PrepareOrder
from appliance.pdf.workshop import PdfWorkshop
from appliance.verification import Indication, VerificationReport, Verifier
from hsm import canonical, cms, names, records, timestamp
from tests.evidence import contract, real_contract
from tests.evidence.authority import DOCUMENT_SIGNING, START, TestAuthority, certify, new_key
from tests.evidence.real_contract import SignedPdf
from tests.evidence.resealing import resealed
from tests.holder import Holder

pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")

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

    def voided(self, digest: str, log: Log = iter, *, title: str = contract.TITLE) -> EvidenceInput:
        """The contract is void by declarations of both signers, about a file of this *digest*."""
        said = {"contract": CONTRACT, "format": records.FORMATS[records.DECLARATION], "title": title}
        declared = {
            each: canonical.encode({**said, "digest": digest, "person": each, "voiding": "1"}) for each in BOTH
        }
        at, kind = self.authority.now, records.MEDIA_TYPES[records.DECLARATION]

        def declaring(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
            for entry in entries:
                yield entry
                if entry.kind == COMPLETED:
                    for person, record in declared.items():
                        public = {"contract": CONTRACT, "actor": person, "voiding": "1"}
                        signed = hashlib.sha256(record).hexdigest()
                        yield LedgerEntry("void-declared", at, {**public, "signed": signed})
                    yield LedgerEntry(
                        "contract-voided", at, {"contract": CONTRACT, "actor": BOTH[0], "voiding": "1"}
                    )

        signed = [
            SignedRecord(
                f"voiding/{number:02}",
                "Declaration",
                contract.NAMES[person],
                record,
                self.authority.sign(self.authority.person(contract.NAMES[person]), record, media_type=kind),
            )
            for number, (person, record) in enumerate(declared.items(), start=1)
        ]
        evidence = self.telling(lambda entries: declaring(log(entries)))
        return replace(evidence, title=title, records=(*evidence.records, *signed))

    def built(self, evidence: EvidenceInput) -> bytes:
        return build(evidence, contract.seals(self.authority))

    def verdict(self, evidence: EvidenceInput | bytes) -> VerificationReport:
        """On a package, or on one of this *evidence*; each remark is said in both languages."""
        report = self._verifier.verify(evidence if isinstance(evidence, bytes) else self.built(evidence))
        for remark in report.remarks:
            assert remark.translated(translator(Language.CHINESE)) != str(remark)
        return report


@pytest.fixture
def forger(
    authority: TestAuthority, pdf: SignedPdf, confinement: Confinement, monkeypatch: pytest.MonkeyPatch
) -> Forger:
    def later() -> datetime:
        return authority.now + timedelta(hours=1)

    verifier = Verifier(confinement, [authority.root.certificate], evidence=verify_package, clock=later)
    return Forger(authority, pdf, verifier, monkeypatch)


def remark(report: VerificationReport, words: str) -> str:
    """The one remark with these *words*; empty where there is none."""
    assert report.indication is Indication.PASSED, report.reasons
    return next((str(each) for each in report.remarks if words in str(each)), "")


def without(*names: str, of: str = BOTH[0]) -> Log:
    """The signature *of* somebody is told without these fields."""

    def log(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            kept = {name: value for name, value in each.public.items() if name not in names}
            yield replace(each, public=kept) if each.kind == SIGNED and each.public["signer"] == of else each

    return log


@pytest.mark.parametrize("named", ["power", "identity"])
def test_nothing_is_named_of_which_there_is_no_record(forger: Forger, named: str) -> None:
    """A signature that is said to rest on a power would else be passed over where those without one are named."""
    rest = {"power", "identity"} - {named}
    evidence = forger.telling(without("grounds", *rest))
    documents = {path: each for path, each in evidence.documents.items() if not path.startswith("authority/")}
    own = tuple(each for each in evidence.records if not each.name.startswith("authority/"))
    assert forger.verdict(replace(evidence, documents=documents, records=own)).indication is Indication.FAILED


def test_signatures_that_rest_on_no_agreement_are_named(forger: Forger) -> None:
    evidence = forger.telling(without("agreement"))
    own = tuple(each for each in evidence.records if each.name != "agreement/01")
    report = forger.verdict(replace(evidence, records=own))
    assert "electronic signing: person-1. That" in remark(report, "rest on no acceptance")
    assert not remark(forger.verdict(forger.telling(iter)), "rest on no acceptance")


@pytest.mark.parametrize(("hours", "fields"), [(-1, "seal-b"), (1, "person-1, person-li, seal-b")])
def test_on_what_a_person_accepted_for_no_side_only_their_later_signatures_rest(
    forger: Forger, monkeypatch: pytest.MonkeyPatch, hours: int, fields: str
) -> None:
    """Who used a seal, the portal alone says."""
    true, at = contract.acceptance, contract.signed_at(forger.pdf) + timedelta(hours=hours)
    monkeypatch.setattr(contract, "acceptance", lambda person: true(person) | {"format": "vermilion-agreement/1"})
    monkeypatch.setattr(contract, "accepted_at", lambda _pdf: at)

    def log(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            kept = {name: value for name, value in each.public.items() if name != "agreement"}
            if each.kind != "agreement-accepted":
                yield replace(each, public=kept)

    report = forger.verdict(forger.telling(log))
    assert f"electronic signing: {fields}. That" in remark(report, "rest on no acceptance")


def test_the_file_before_it_was_signed_is_another_one_to_void(forger: Forger) -> None:
    """It may be a contract by itself, which the same people have voided under the same title."""
    given = forger.pdf.original
    digest = hashlib.sha256(given).hexdigest()

    def renewed(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if each.kind == COMPLETED:
                yield replace(
                    each, kind="archive-renewed", public={**each.public, "digest": digest, "size": len(given)}
                )

    assert forger.verdict(forger.voided(digest, renewed)).indication is Indication.FAILED


def test_a_contract_is_completed_with_all_of_its_signatures(forger: Forger) -> None:
    given = forger.pdf.original

    def earlier(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            file = {"digest": hashlib.sha256(given).hexdigest(), "size": len(given)}
            yield replace(each, public={**each.public, **file}) if each.kind == COMPLETED else each

    assert forger.verdict(forger.telling(earlier)).indication is Indication.FAILED


@pytest.mark.parametrize("trusted", [True, False])
def test_void_is_said_as_a_fact_only_where_it_is_judged(
    forger: Forger, confinement: Confinement, trusted: bool
) -> None:
    package = forger.built(forger.voided(hashlib.sha256(forger.pdf.signed).hexdigest()))
    stranger = Verifier(confinement, [], evidence=verify_package, clock=lambda: forger.authority.now)
    report = forger.verdict(package) if trusted else stranger.verify(package)
    assert report.indication is (Indication.PASSED if trusted else Indication.INDETERMINATE)
    fact = "The parties have declared this contract void." in map(str, report.remarks)
    assert fact is trusted
    assert any("their own signatures prove" in str(each) for each in report.remarks) is trusted
    assert any("declared this contract void" in each for each in report.to_json()["remarks"])


def test_the_title_under_which_a_contract_was_declared_void_is_named(forger: Forger) -> None:
    """Who declares is shown a title and a digest; which title the contract has, the portal says."""
    report = forger.verdict(forger.voided(hashlib.sha256(forger.pdf.signed).hexdigest(), title="保密协议（示例）"))
    assert "“保密协议（示例）”" in remark(report, "with the title")


def test_nobody_of_another_organisation_declares_for_a_seal(forger: Forger) -> None:
    """Who used it, the portal says: it could be anybody who declares whatever it wants."""

    def used(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            own = each.kind == SIGNED and each.public["signer"] == "seal-b"
            yield replace(each, public={**each.public, "actor": BOTH[0]}) if own else each

    digest = hashlib.sha256(forger.pdf.signed).hexdigest()
    assert not remark(forger.verdict(forger.voided(digest, used)), "The parties have declared this contract void.")


@pytest.mark.parametrize("called", [{}, {"name": ""}])
def test_who_signs_for_no_organisation_is_a_counterparty(forger: Forger, called: dict[str, Any]) -> None:
    """The power covers contracts with one company; the other side is said to sign for themself."""

    def alone(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            kept = {name: value for name, value in each.public.items() if name != "agreement"}
            own = each.kind == SIGNED and each.public["actor"] == BOTH[1]
            signed = {**each.private, "organisation": "", **called}
            yield replace(each, public=kept, private=signed) if own else replace(each, public=kept)

    evidence = forger.telling(alone)
    own = tuple(each for each in evidence.records if not each.name.startswith("agreement/"))
    texts = {path: each for path, each in evidence.documents.items() if not path.startswith("agreement/")}
    report = forger.verdict(replace(evidence, records=own, documents=texts))
    assert any("counterparties" in each for each in report.reasons), report.reasons


def test_what_was_revoked_twice_was_revoked_the_first_time(forger: Forger) -> None:
    def revoked(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if each.kind == "power-verified":
                public = {"actor": "officer-qian", "power": contract.POWER}
                yield from (
                    LedgerEntry("power-revoked", each.at + timedelta(days=days), public) for days in (1, 300)
                )

    assert forger.verdict(forger.telling(revoked)).indication is Indication.FAILED


def test_what_is_not_proven_is_called_the_portals_word(forger: Forger, package: bytes) -> None:
    assert "for whom somebody signed" in remark(forger.verdict(package), "What the package tells")


class WithHidden(PdfWorkshop):
    """Puts a signature by *holder* into the document, before all others, to which the form does not lead."""

    holder: Holder
    authority: TestAuthority
    hidden: bytes = b""

    def add_fields(self, *given: Any, **named: Any) -> bytes:
        document = super().add_fields(*given, **named)
        [*_, start] = re.findall(rb"startxref\s+(\d+)", document)
        [*_, size] = re.findall(rb"/Size (\d+)", document)
        [*_, root] = re.findall(rb"/Root (\d+ \d+ R)", document)
        room = 2 * 8192
        begin = b"%s 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange " % size
        gap = len(document) + len(begin) + 60 + len(b"/Contents")
        table = b">>\nendobj\n"
        at = gap + room + 2 + len(table)
        end = (
            table
            + b"xref\n%s 1\n%010d 00000 n \ntrailer\n<</Size %d/Root %s/Prev %s>>\nstartxref\n%d\n%%%%EOF\n"
            % (
                size,
                len(document),
                int(size) + 1,
                root,
                start,
                at,
            )
        )
        ranges = (b"[0 %d %d %d]" % (gap, gap + room + 2, len(end))).ljust(60)
        head = document + begin + ranges + b"/Contents"
        message = self.authority.sign(self.holder, head + end)
        type(self).hidden = message
        return head + b"<" + message.hex().encode().ljust(room, b"0") + b">" + end


@pytest.mark.parametrize("certified", [True, False])
def test_a_signature_that_the_form_does_not_lead_to_is_nobodys(
    forger: Forger, authority: TestAuthority, confinement: Confinement, certified: bool
) -> None:
    """The verifier of PDFs has not judged it: any key may have made it, in anybody's name."""
    usages = (ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING)
    own = certify(new_key(), "王冒名", authority.issuing if certified else None, usages, identifier="person-wang")
    WithHidden.holder, WithHidden.authority = own, authority
    pdf = real_contract.make(authority, WithHidden(confinement))
    hidden = SignatureMaterial("person-9", "person", "王冒名", contract.ALPHA, WithHidden.hidden)
    forger.pdf = replace(pdf, signatures=(*pdf.signatures, hidden))

    def told(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if each.kind == SIGNED and each.public["signer"] == "seal-b":
                made = locate_signatures(pdf.signed, hidden.cms)
                signed = hashlib.sha256(made.content(pdf.signed)).hexdigest()
                public = {"contract": CONTRACT, "actor": "person-wang", "signer": "person-wang", "signed": signed}
                yield LedgerEntry(SIGNED, contract._dated(hidden.cms), {**public, "field": "person-9"})

    report = forger.verdict(forger.telling(told))
    assert report.indication is Indication.FAILED, [str(each) for each in report.remarks]


class WithEarlier(WithHidden):
    """The *holder* has signed the document before it is given, and perhaps once more, out of sight."""

    given: bytes = b""
    again: bool = True

    def add_fields(self, *given: Any, **named: Any) -> bytes:
        place, now = FieldPlacement("own", 0, 10, 30, 24, 17, FieldKind.PERSON), self.authority.now
        field = PdfWorkshop.add_fields(self, given[0], [place])
        shown = PersonAppearance("王冒名", now, contract.ZONE, contract.ALPHA)
        prepared = self.prepare(field, PrepareOrder("own", shown, now, certify=False, lock=LockScope.OWN))
        message = cms.MessageMaker(self.holder, cms.DATA).make_message(prepared.digest)
        signed = cms.add_signature_timestamp(message, self.authority.token(cms.signature_value(message)))
        type(self).given = self.embed(prepared, signed)
        self.authority.now += timedelta(minutes=7)
        add = super().add_fields if self.again else super(WithHidden, self).add_fields
        return add(self.given, *given[1:], **named)


@pytest.mark.parametrize("again", [True, False])
def test_a_signature_is_judged_by_its_own_report(
    forger: Forger, authority: TestAuthority, confinement: Confinement, again: bool
) -> None:
    """Not by that of an earlier one of the same certificate, whose time may be another; and who has signed earlier
    is named, since nobody asks what that signature rests on."""
    usages = (ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING)
    WithEarlier.holder = certify(new_key(), "王冒名", authority.issuing, usages, identifier="person-wang")
    WithEarlier.authority, WithEarlier.again = authority, again
    pdf = real_contract.make(authority, WithEarlier(confinement))
    hidden = SignatureMaterial("own", "person", "王冒名", contract.ALPHA, WithEarlier.hidden)
    forger.pdf = replace(pdf, original=WithEarlier.given, signatures=(*pdf.signatures, *[hidden] * again))

    def told(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if again and each.kind == SIGNED and each.public["signer"] == "seal-b":
                made = locate_signatures(pdf.signed, hidden.cms)
                signed = hashlib.sha256(made.content(pdf.signed)).hexdigest()
                public = {"contract": CONTRACT, "actor": "person-wang", "signer": "person-wang", "signed": signed}
                yield LedgerEntry(SIGNED, contract._dated(hidden.cms), public)

    report = forger.verdict(forger.telling(told))
    if again:
        assert report.indication is Indication.FAILED, [str(each) for each in report.remarks]
    else:
        assert "given here: 王冒名" in remark(report, "had signed the document")


@pytest.mark.parametrize(("name", "subject"), [("王冒名", f"organisation:{contract.BETA}"), (contract.BETA, "")])
def test_no_person_is_taken_for_an_organisation(
    forger: Forger, monkeypatch: pytest.MonkeyPatch, name: str, subject: str
) -> None:
    """Who accepts an agreement is shown the names of the others, not their numbers, which the portal chooses."""
    true = contract.acceptance
    other = {"counterparties": [{"kind": "person", "name": name, "subject": subject}]}
    monkeypatch.setattr(contract, "acceptance", lambda person: true(person) | (other if person == BOTH[0] else {}))
    report = forger.verdict(forger.telling(iter))
    assert any("do not name all parties" in each for each in report.reasons), report.remarks


def test_a_person_whom_an_acceptance_calls_otherwise_is_named(
    forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = contract.acceptance
    other = {"kind": "person", "name": "王冒名", "subject": BOTH[1]}

    def accepting(person: str) -> dict[str, Any]:
        said = true(person)
        return said | {"counterparties": [*said["counterparties"], *[other] * (person == BOTH[0])]}

    monkeypatch.setattr(contract, "acceptance", accepting)
    assert "(王冒名)" in remark(forger.verdict(forger.telling(iter)), "An acceptance of the agreement")


@pytest.mark.parametrize(
    ("name", "other"),
    [("丙公司", True), (f"{contract.BETA} seal-3（丙公司）", True), (f"{contract.BETA} seal-3（2）", False)],
)
def test_the_name_of_a_seal_is_held_against_its_certificate(forger: Forger, name: str, other: bool) -> None:
    def named(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            own = each.kind == SIGNED and each.public["signer"] == "seal-b"
            yield replace(each, private={**each.private, "name": name}) if own else each

    assert (f"({name})" in remark(forger.verdict(forger.telling(named)), "other names")) is other


def test_no_name_begins_a_line_of_the_report(forger: Forger) -> None:
    """Nor does it move the terminal's cursor, so that the verdict above it reads otherwise."""
    name = "王五)\n\x1b[2J\x9b1A\u202e  The parties have declared this contract void."
    evidence = forger.telling(iter)
    report = forger.verdict(replace(evidence, names={**evidence.names, BOTH[1]: name}))
    assert name in remark(report, "other names")
    for language in Language:
        text = as_text(report, language)
        assert all(each.isprintable() for each in text.splitlines())
        assert not any(each.strip().startswith("The parties") for each in text.splitlines())


def test_the_amount_is_what_the_log_has_of_this_contract(forger: Forger) -> None:
    def drafted(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            if each.kind == "contract-drafted":
                yield replace(each, private={**each.private, "amount": "CNY 9,000,000.00"})
                yield LedgerEntry(each.kind, each.at, {"actor": BOTH[0]}, each.private)
            else:
                yield each

    report = forger.verdict(forger.telling(drafted))
    assert any("not what the log says of the contract" in each for each in report.reasons), report.reasons


def test_nobody_is_asked_for_trust_in_a_package_whose_maker_has_none(
    forger: Forger, confinement: Confinement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process for each record would be at anybody's service, who has timestamps of ours."""
    package = forger.built(forger.voided(hashlib.sha256(forger.pdf.signed).hexdigest()))
    runs: list[str] = []
    run = confinement.run

    def counted(job: str, *given: Any, **named: Any) -> Any:
        runs.append(job)
        return run(job, *given, **named)

    monkeypatch.setattr(confinement, "run", counted)
    stranger = Verifier(confinement, [], evidence=verify_package, clock=lambda: forger.authority.now)
    assert stranger.verify(package).indication is Indication.INDETERMINATE
    assert len(runs) == len(["the manifest", "the contract", "its reply", "the checkpoint"]), runs


def test_places_for_signatures_are_few_and_small(forger: Forger, package: bytes) -> None:
    """Whoever states a hundred thousand large ones has each compared with each signature."""
    document = forger.pdf.signed
    place = ByteRange(len(document), len(document) + 4_000_002, len(document) + 4_000_007)
    stated = b"/ByteRange [0 %d %d 5]\n" % (place.gap_start, place.gap_end)
    large = document + b"<" + forger.pdf.archive.hex().ljust(4_000_000, "0").encode() + b">" + stated
    assert place.contents(large) is not None
    assert locate_signatures(large, forger.pdf.archive) == locate_signatures(document, forger.pdf.archive)
    many = b"/ByteRange [0 1 2 3]\n" * 1000 + document
    with pytest.raises(EvidenceIncomplete):
        locate_signatures(many, forger.pdf.archive)


@pytest.mark.parametrize("made", ["a record", "the manifest"])
def test_people_and_package_are_of_one_authority(
    forger: Forger, authority: TestAuthority, confinement: Confinement, package: bytes, made: str
) -> None:
    """Readers believe several, of which each has its own people, by whatever numbers, and its own services."""
    other = TestAuthority(root=certify(new_key(), "他人根证书", None))
    files = read_zip(package).files
    record = bytes(files["agreement/01.json"])
    at = replace(authority, now=timestamp.parse_token(bytes(files["agreement/01.tst"])).gen_time)
    maker, kind = cms.MessageMaker(other.person("张示例"), cms.DATA), records.MEDIA_TYPES[records.AGREEMENT]
    message = maker.make_message(hashlib.sha256(record).digest(), attributes=[cms.media_type_attribute(kind)])
    value = cms.signature_value(message)
    known = (other.evidence, other.issuing, other.root, authority.issuing)
    chain = b"".join(each.certificate.public_bytes(Encoding.PEM) for each in known)
    changes: dict[str, bytes | None] = {"certificates/chain.pem": chain}
    if made == "a record":
        stamp = at.token(value)
        signed = cms.add_signature_timestamp(message, stamp)
        changes |= {"agreement/01.p7s": signed, "agreement/01.sig": value, "agreement/01.tst": stamp}
    changed = resealed(package, changes, authority, other.evidence if made == "the manifest" else None)
    both = [authority.root.certificate, other.root.certificate]
    report = Verifier(confinement, both, evidence=verify_package, clock=lambda: authority.now).verify(changed)
    assert report.indication is Indication.INDETERMINATE, report.reasons
    assert any("another trust anchor" in each for each in report.reasons), report.reasons


@pytest.mark.parametrize(
    "path", ["log/log.pub.pem", "log/checkpoint.sig", "log/openings/00000099.json", "contract/contract.tsq"]
)
def test_what_the_commands_read_is_judged(
    forger: Forger, authority: TestAuthority, package: bytes, path: str
) -> None:
    assert forger.verdict(resealed(package, {path: b"another"}, authority)).indication is Indication.FAILED


def test_nobody_chooses_the_time_of_a_signature_by_a_timestamp_of_their_own(
    forger: Forger, confinement: Confinement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Timestamps lie outside of what a signature covers. One by a stranger proves nothing, and harms nothing in a
    PDF; but the log would have its time, against which the power is held."""
    add, authority = cms.add_signature_timestamp, forger.authority
    root = certify(new_key(), "他人根证书", None)
    stranger = TestAuthority()
    stranger.tsa = certify(new_key(), "他人时间戳服务", root, (ExtendedKeyUsageOID.TIME_STAMPING,))

    def adding(message: bytes, _token: bytes) -> bytes:
        stranger.now = authority.now - timedelta(hours=5)
        return add(message, stranger.token(cms.signature_value(message)))

    with monkeypatch.context() as patched:
        patched.setattr(cms, "add_signature_timestamp", adding)
        forger.pdf = real_contract.make(authority, PdfWorkshop(confinement))
    report = forger.verdict(forger.telling(iter))
    assert report.indication is Indication.INDETERMINATE, report.reasons
    assert [each.passed for each in report.signatures[:3]] == [True] * 3


def test_names_are_compared_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's record may have hundreds of thousands, and the power as many."""
    calls: list[str] = []
    true = names.name_key

    def counted(name: str) -> str:
        calls.append(name)
        return true(name)

    for place in (names, authorisation_basis):
        monkeypatch.setattr(place, "name_key", counted, raising=False)
    record = contract.grounds(START)
    power = record["considered"][0]["power"]
    many = [str(each) for each in range(200)]
    power.update(counterparties=many, kinds=many)
    record["matter"].update(counterparties=many[::-1], kinds=[*(f"x{each}" for each in many), "7"])
    event = PackageEvent(1, SIGNED, START, BOTH[0], {}, {"name": "张示例", "organisation": contract.ALPHA})
    basis = authorisation_basis.PackagedBasis("authority/01.json", record, event, START)
    authorisation_basis._require_scope(basis, power)
    authorisation_basis._require_sides(basis, [event] * 50)
    assert len(calls) < 2000


def test_how_a_signature_was_confirmed_is_not_told_in_private_either(forger: Forger) -> None:
    """The history has private fields beside the public ones, by the same names."""

    def log(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            own = each.kind == SIGNED and each.public["signer"] == "person-li"
            other = {**each.private, "activated_webauthn": "2026-11-25T08:07:00Z"}
            yield replace(each, private=other) if own else each

    assert forger.verdict(forger.telling(log)).indication is Indication.FAILED
