"""Records whose timestamp key was revoked since: all four verifiers hold them to what proves that they are older.

No time that the log tells makes them so.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.confinement.pool import Confinement
from appliance.evidence.model import SignedRecord
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.ledger.entry import LedgerEntry
from appliance.pdf.values import ValidationMaterial
from appliance.pdf.workshop import PdfWorkshop
from appliance.verification import Indication, Verifier
from hsm import canonical, records, timestamp
from hsm.names import name_in
from tests.evidence import contract
from tests.evidence.authority import Revocation, TestAuthority, certify, new_key
from tests.evidence.captures.renewing import pem_of
from tests.evidence.contract import accepted_at, signed_at
from tests.evidence.forger import BOTH, COMPLETED, CONTRACT, Forger
from tests.evidence.real_contract import SignedPdf
from tests.evidence.resealing import resealed
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.test_revoked import made_later
from tests.evidence.unpacked import ENVIRONMENT, commands, run, unpack
from tests.offline_verifier.engine import Answer, OfflineEngine, started
from tests.sweeps import one_in

pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True)
class Renewed:
    """A contract, as it was ``completed``, and as it was renewed by another timestamp key at ``renewed``."""

    pdf: SignedPdf
    completed: bytes
    archives: tuple[bytes, ...]
    renewed: datetime
    later: TestAuthority

    @property
    def finished(self) -> datetime:
        """When it was completed, by its document timestamp."""
        return timestamp.parse_token(self.archives[0]).gen_time


@pytest.fixture(scope="module")
def document(authority: TestAuthority, pdf: SignedPdf, confinement: Confinement) -> Renewed:
    later, workshop = copy(authority), PdfWorkshop(confinement)
    later.now += 100 * DAY
    later.tsa = later.successor_of_tsa()
    chain = (later.issuing, later.root, authority.tsa, later.tsa)
    certificates = tuple(each.certificate.public_bytes(Encoding.DER) for each in chain)
    prepared = workshop.prepare_archive(pdf.signed, ValidationMaterial(certificates, later.crls()))
    archive = later.token_over(prepared.digest)
    signed = workshop.embed(prepared, archive)
    return Renewed(replace(pdf, signed=signed), pdf.signed, (pdf.archive, archive), later.now, later)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineEngine]:
    with started(tmp_path_factory.mktemp("engine")) as running:
        yield running


Arranged = Callable[..., Iterable[LedgerEntry]]
"""The log, of its entries but for the renewals, and of these."""


def in_order(entries: Sequence[LedgerEntry], renewal: LedgerEntry) -> Iterable[LedgerEntry]:
    return [*entries, renewal]


def after(kind: str, entries: Sequence[LedgerEntry], renewal: LedgerEntry) -> list[LedgerEntry]:
    """The *renewal* follows the first entry of that *kind*."""
    place = next(number for number, each in enumerate(entries, 1) if each.kind == kind)
    return [*entries[:place], renewal, *entries[place:]]


def before_declarations(entries: Sequence[LedgerEntry], *renewals: LedgerEntry) -> Iterable[LedgerEntry]:
    """The log has the first of the *renewals* before them, and the last, which may be the same, after them."""
    return [*after(COMPLETED, entries, renewals[0]), renewals[-1]]


def between_declarations(entries: Sequence[LedgerEntry], renewal: LedgerEntry) -> Iterable[LedgerEntry]:
    return after("void-declared", entries, renewal)


def as_a_list(entries: Sequence[LedgerEntry], renewal: LedgerEntry) -> Iterable[LedgerEntry]:
    """The log has the *renewal* before the declarations and, as a list, once more after them."""
    again = replace(renewal, public={**renewal.public, "digest": [renewal.public["digest"]]})  # type: ignore[dict-item]
    return before_declarations(entries, renewal, again)


def completed_late(entries: Sequence[LedgerEntry], renewal: LedgerEntry) -> Iterable[LedgerEntry]:
    """The completion is logged after declarations that are later than its timestamp."""
    return [*sorted(entries, key=lambda each: each.kind == COMPLETED), renewal]


def with_other_times(entries: Sequence[LedgerEntry], renewal: LedgerEntry) -> Iterable[LedgerEntry]:
    """The log has other times for the declarations than their timestamps."""
    return [
        *(replace(each, at=each.at - MINUTE) if each.kind == "void-declared" else each for each in entries),
        renewal,
    ]


def stated_late(entries: Sequence[LedgerEntry], renewal: LedgerEntry) -> Iterable[LedgerEntry]:
    """The power is confirmed when the contract has been completed."""
    return [*sorted(entries, key=lambda each: "statement" in each.public), renewal]


@dataclass(frozen=True)
class Story:
    """When the key was ``revoked`` that dated the records, or (``by_ca``) the CA over it; and what the log says,
    in its order (``log``): when the contract was ``completed`` and ``renewed`` (None: the truth), as which file.
    ``void``: by declarations, which were ``declared`` soon after the completion (None) or then, the ``second`` by
    another key. ``stated``: the time of the timestamp on the authority's statement, if not the truth. ``behind``:
    with the revoked key somebody has put one more document timestamp behind the others, of soon after the
    completion. ``outsider``: one more person declares, and the log has the SHA-256 of that in an entry of this
    kind, this field and this contract alone."""

    revoked: datetime
    completed: datetime | None = None
    renewed: datetime | None = None
    declared: datetime | None = None
    second: datetime | None = None
    stated: datetime | None = None
    log: Arranged = in_order
    void: bool = True
    by_ca: bool = False
    other_file: bool = False
    behind: bool = False
    outsider: tuple[str, str, str] | None = None


def log_of(
    story: Story, document: Renewed, pdf: SignedPdf, entries: Iterable[LedgerEntry]
) -> Iterator[LedgerEntry]:
    """The log of the *story* about the *pdf*."""
    completed = story.completed or document.finished
    files = [document.pdf.signed[: -1 if story.other_file else None], *([pdf.signed] if story.behind else [])]
    public = {"actor": "system", "contract": CONTRACT, "revision": 6}
    renewed = story.renewed or document.renewed
    renewals = [LedgerEntry("archive-renewed", renewed, {**public, **named(each)}) for each in files]
    told = [
        replace(each, at=completed, public={**each.public, **named(document.completed)})
        if each.kind == COMPLETED
        else each
        for each in entries
    ]
    yield from story.log(told, *renewals)


def named(file: bytes) -> dict[str, str | int]:
    return {"digest": hashlib.sha256(file).hexdigest(), "size": len(file)}


def at(authority: TestAuthority, moment: datetime) -> TestAuthority:
    other = copy(authority)
    other.now = moment
    return other


def leaking(authority: TestAuthority, story: Story) -> TestAuthority:
    """The *authority* with the key that dates the records of the *story*."""
    leaked = at(authority, story.declared or authority.now)
    if story.by_ca:
        leaked.issuing = certify(new_key(), "示例签发证书 2", leaked.root)
    leaked.tsa = leaked.successor_of_tsa(3)
    return leaked


def put_behind(document: Renewed, leaked: TestAuthority, confinement: Confinement) -> tuple[SignedPdf, bytes]:
    """The renewed contract with one more document timestamp, *leaked*'s, of a time long before; its token."""
    thief, workshop = at(leaked, document.finished + timedelta(hours=2)), PdfWorkshop(confinement)
    chain = (document.later.issuing, document.later.root, leaked.tsa, document.later.tsa)
    certificates = tuple(each.certificate.public_bytes(Encoding.DER) for each in chain)
    prepared = workshop.prepare_archive(
        document.pdf.signed, ValidationMaterial(certificates, document.later.crls())
    )
    token = thief.token_over(prepared.digest)
    return replace(document.pdf, signed=workshop.embed(prepared, token)), token


def outsider(leaked: TestAuthority, digest: str) -> SignedRecord:
    """Somebody's declaration that the contract is void."""
    holder, kind = leaked.person("王伪造"), records.DECLARATION
    said = {"contract": CONTRACT, "format": records.FORMATS[kind], "title": contract.TITLE, "voiding": "1"}
    record = canonical.encode({**said, "digest": digest, "person": name_in(holder.certificate).identifier})
    signed = leaked.sign(holder, record, media_type=records.MEDIA_TYPES[kind])
    return SignedRecord("voiding/03", "Declaration", "王伪造", record, signed)


def packed(
    story: Story, document: Renewed, forger: Forger, later: TestAuthority, archives: tuple[bytes, ...]
) -> bytes:
    """The package of the *story*, made *later*, of a file with these *archives*."""
    leaked, digest = forger.authority, hashlib.sha256(document.completed).hexdigest()
    others, naming = list[SignedRecord](), list[LedgerEntry]()
    if story.outsider:
        others, (kind, field, contract_id) = [outsider(leaked, digest)], story.outsider
        public = {"actor": BOTH[0], "contract": contract_id, field: hashlib.sha256(others[0].record).hexdigest()}
        naming = [LedgerEntry(kind, leaked.now, public)]

    def log(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        return log_of(story, document, forger.pdf, [*entries, *naming])

    by = (leaked, at(document.later, story.second) if story.second else leaked)
    evidence = forger.voided(digest, log, by=by) if story.void else forger.telling(log)
    stamping = at(leaked, story.stated or accepted_at(document.pdf))
    statement = contract.confirmed(stamping, contract.statement(signed_at(document.pdf)))
    known = dict.fromkeys((later.issuing.certificate, leaked.issuing.certificate))
    given = tuple(statement if each.name == statement.name else each for each in evidence.records)
    evidence = replace(
        evidence,
        records=(*given, *others),
        document_timestamps=archives,
        certificates=replace(evidence.certificates, intermediates=tuple(known)),
    )
    revoked = (leaked.issuing if story.by_ca else leaked.tsa).certificate
    revocation = Revocation(revoked, story.revoked)
    package = made_later(later, evidence, revocation)
    if not story.by_ca:
        return package
    lists = (*later.crls(revocation), at(leaked, later.now).crls()[1])
    return resealed(package, {"certificates/crls.pem": pem_of(lists)}, later)


STORIES: dict[str, tuple[Callable[[Renewed], Story], bool]] = {
    "revoked after the renewal": (lambda it: Story(it.renewed + DAY), True),
    "CA revoked after the renewal": (lambda it: Story(it.renewed + DAY, by_ca=True), True),
    "revoked before the renewal": (lambda it: Story(it.renewed - DAY, renewed=it.renewed - 2 * DAY), False),
    "CA revoked before the renewal": (
        lambda it: Story(it.renewed - DAY, renewed=it.renewed - 2 * DAY, by_ca=True),
        False,
    ),
    "a renewal that was logged late": (lambda it: Story(it.renewed + DAY, renewed=it.renewed + 2 * DAY), False),
    "a renewal that was logged before": (lambda it: Story(it.renewed + DAY, log=before_declarations), False),
    "a document timestamp behind those after it": (
        lambda it: Story(it.renewed + DAY, behind=True, log=before_declarations),
        False,
    ),
    "a statement that was stamped again, with an earlier time": (
        lambda it: Story(it.finished + DAY, stated=accepted_at(it.pdf) - timedelta(hours=2), void=False),
        False,
    ),
    "a renewal that no timestamp covers": (lambda it: Story(it.renewed + DAY, other_file=True), False),
    "a completion that was logged after the declarations": (
        lambda it: Story(it.renewed + DAY, log=completed_late),
        True,
    ),
    "a renewal between the declarations": (
        lambda it: Story(it.renewed + 2 * DAY, second=it.renewed + DAY, log=between_declarations),
        True,
    ),
    "revoked before the completion": (
        lambda it: Story(signed_at(it.pdf) - MINUTE, completed=signed_at(it.pdf) - 2 * MINUTE, void=False),
        False,
    ),
    "stated after the completion": (lambda it: Story(it.finished + DAY, log=stated_late, void=False), False),
    "declared after the renewal": (
        lambda it: Story(it.renewed + 3 * DAY, renewed=it.renewed + 2 * DAY, declared=it.renewed + DAY),
        False,
    ),
    "revoked after the completion": (lambda it: Story(it.finished + DAY, void=False), True),
}
"""And whether the package proves what its records say. Where it does not, a false entry would have it so."""


Packing = Callable[..., bytes]


@pytest.fixture
def later(document: Renewed) -> TestAuthority:
    """By whom packages are made, long after."""
    return at(document.later, document.renewed + 100 * DAY)


@pytest.fixture
def verifier(later: TestAuthority, confinement: Confinement) -> Verifier:
    """What strangers use then."""
    root = later.root.certificate
    return Verifier(confinement, [root], evidence=verify_package, clock=lambda: later.now + MINUTE)


@pytest.fixture
def package_of(
    authority: TestAuthority,
    document: Renewed,
    later: TestAuthority,
    verifier: Verifier,
    confinement: Confinement,
    monkeypatch: pytest.MonkeyPatch,
) -> Packing:
    def pack(story: Story, leaked: TestAuthority | None = None) -> bytes:
        leaked = leaked or leaking(authority, story)
        pdf, archives = document.pdf, document.archives
        if story.behind:
            pdf, token = put_behind(document, leaked, confinement)
            archives = (*archives, token)
        return packed(story, document, Forger(leaked, pdf, verifier, monkeypatch), later, archives)

    return pack


@pytest.fixture
def page(engine: OfflineEngine, later: TestAuthority) -> Callable[[Path], Answer]:
    """What the offline verifier says then of a package in a folder."""
    root = later.root.certificate.public_bytes(Encoding.PEM)
    return lambda folder: engine.ask_folder(folder, root, later.now + MINUTE)


@pytest.mark.parametrize(("story", "proven"), one_in(2, STORIES.values()), ids=STORIES)
def test_records_are_as_old_as_log_and_document_timestamps_prove(
    document: Renewed,
    package_of: Packing,
    verifier: Verifier,
    page: Callable[[Path], Answer],
    tmp_path: Path,
    *,
    story: Callable[[Renewed], Story],
    proven: bool,
) -> None:
    about = story(document)
    package = package_of(about)
    report, folder = verifier.verify(package), unpack(package, tmp_path / "package")
    assert report.indication is (Indication.PASSED if proven else Indication.INDETERMINATE), report.reasons
    told = [check(checker, folder) for checker in CHECKERS]
    assert [status == 0 for status, _ in told] == [proven, proven], told
    answer = page(folder)
    assert answer.report["proven"] is proven, answer.reasons
    assert ("INDETERMINATE" in rows(answer)) is not proven and "TOTAL-FAILED" not in rows(answer)
    readme = [each for each in commands(folder / "README.zh.txt") if "certificates/crls.pem" in each]
    assert about.by_ca or any(run(each, folder).returncode for each in readme) is not proven
    said = [str(report.reasons), str(answer.reasons), *(each for _, each in told)]
    assert proven or all("revoked" in each for each in said)


def rows(answer: Answer) -> set[str]:
    """What the offline verifier shows of the records."""
    return {each["report"]["verdict"]["indication"] for each in answer.report["records"]}


def test_a_log_that_does_not_hold_dates_nothing(
    document: Renewed, package_of: Packing, later: TestAuthority, page: Callable[[Path], Answer], tmp_path: Path
) -> None:
    package = package_of(Story(document.renewed + DAY))
    changed = resealed(package, {"log/checkpoint.tst": later.token(b"another")}, later)
    assert rows(page(unpack(package, tmp_path / "package"))) == {"TOTAL-PASSED"}
    assert rows(page(unpack(changed, tmp_path / "changed"))) == {"INDETERMINATE"}


NOT_DECLARED = "does not have the declarations"


@pytest.mark.parametrize(
    ("told", "why", "checked"),
    [
        ({"outsider": ("annex-added", "annex", CONTRACT)}, NOT_DECLARED, "revoked"),
        ({"outsider": ("void-declared", "signed", "c-2026-0002")}, NOT_DECLARED, "revoked"),
        ({"outsider": ("agreement-accepted", "signed", CONTRACT)}, NOT_DECLARED, "revoked"),
        ({"outsider": ("guest-certified", "statement", CONTRACT)}, NOT_DECLARED, "revoked"),
        ({"log": with_other_times}, "another time", "revoked"),
        ({"log": as_a_list}, "revoked", "another form"),
    ],
    ids=[
        "named as an annex",
        "declared of another contract",
        "accepted",
        "stated",
        "declared at another time",
        "renewed as a list",
    ],
)
def test_nothing_else_in_a_log_proves_a_record(
    document: Renewed,
    package_of: Packing,
    verifier: Verifier,
    page: Callable[[Path], Answer],
    tmp_path: Path,
    *,
    told: dict[str, Any],
    why: str,
    checked: str,
) -> None:
    package = package_of(Story(document.renewed + DAY, **told))
    folder = unpack(package, tmp_path / "package")
    report, said = verifier.verify(package), [check(checker, folder) for checker in CHECKERS]
    assert report.indication is not Indication.PASSED and why in str(report.reasons)
    assert all(status and checked in words for status, words in said), said
    answer = page(folder)
    assert answer.report["proven"] is False and "INDETERMINATE" in rows(answer)


def test_a_checker_that_cannot_read_the_log_proves_nothing(
    document: Renewed, package_of: Packing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = unpack(package_of(STORIES["revoked before the renewal"][0](document)), tmp_path / "package")
    broken = tmp_path / "awk"
    broken.write_text(f'#!/bin/sh\ncase "$*" in *record=*) exit 2 ;; esac\nexec {shutil.which("awk")} "$@"\n')
    broken.chmod(0o755)
    monkeypatch.setitem(ENVIRONMENT, "PATH", f"{tmp_path}:{ENVIRONMENT['PATH']}")
    status, said = check(CHECKERS[0], folder)
    assert status == 1 and "revoked" in said, said


def test_a_timestamp_that_is_not_in_the_file_is_not_proven_by_it(
    authority: TestAuthority, document: Renewed, package_of: Packing, later: TestAuthority, tmp_path: Path
) -> None:
    """It lies beside a signature that has another."""
    story = Story(document.renewed + DAY, void=False)
    package = package_of(story, leaked := leaking(authority, story))
    token = at(leaked, signed_at(document.pdf)).token(bytes(read_zip(package).files["signatures/01.sig"]))
    changed = resealed(package, {"signatures/01.tst": token}, later)
    for name, given in (("package", package), ("changed", changed)):
        told = [check(checker, unpack(given, tmp_path / name)) for checker in CHECKERS]
        assert [status == 0 for status, _ in told] == [given is package] * 2, told
        assert given is package or all("revoked" in said for _, said in told)


def test_the_page_judges_no_more_records_than_vermilion_verify(
    document: Renewed, package_of: Packing, later: TestAuthority, page: Callable[[Path], Answer], tmp_path: Path
) -> None:
    more = {f"agreement/{number}.json": b"{}" for number in range(100, 301)}
    package = resealed(package_of(Story(document.renewed + DAY, void=False)), more, later)
    answer = page(unpack(package, tmp_path / "package"))
    assert any("more than 200 signed records" in each for each in answer.reasons), answer.reasons
