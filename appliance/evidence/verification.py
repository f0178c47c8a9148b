"""Judging an evidence package that may come from anybody.

1. the container is in its one canonical form or, zipped again by another tool, has one reading
   (:mod:`appliance.evidence.repacked`), or is a folder (:mod:`appliance.evidence.folder`), which is then remarked:
   what counts is the content;
2. the manifest can be read, and exactly the files that it lists are there, as it lists them;
3. the manifest is signed and dated (:mod:`appliance.evidence.manifest_signature`);
4. contract, signatures, records, log and history fit together (:mod:`appliance.evidence.contents`), and so does
   what the signatures rest on: checked identity, instruments, decisions
   (:mod:`appliance.evidence.authorisation_basis`), and the content check;
5. the checkers are ours: of this release or an earlier one (:mod:`hsm.checkers`). Others may be those of a newer
   release, so that they are undecided and not failed; what is only there to be read is remarked as not judged;
6. the timestamps of the signed contract, of the checkpoint and of the records hold, and so do the records'
   signatures: by somebody who is trusted, at the moment that the timestamp proves; the lists in the package speak
   of each certificate;
7. the signed contract itself passes the verifier of PDFs.

For the package of a web capture :mod:`appliance.evidence.captures.verification` takes the place of 4 to 7.

Memory is bounded by the container's size, since nothing is compressed, and by limits on what is parsed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from appliance.errors import ConfinementFailed
from appliance.evidence import (
    authorisation_basis,
    contents,
    court_pages,
    history,
    manifest,
    manifest_signature,
    outside_seals,
    own_certificates,
    package,
    readme,
    vouchings,
)
from appliance.evidence.agreements import require_agreements
from appliance.evidence.captures.verification import judge_capture
from appliance.evidence.container import digest_of, is_canonical
from appliance.evidence.contents import JudgedSignature, SignedContract, require_review
from appliance.evidence.extraction import SignedFile
from appliance.evidence.folder import FolderUnread, read_folder
from appliance.evidence.history import PackageEvent
from appliance.evidence.judging import (
    SINCE,
    PackageJudgement,
    checkpoint_stamp,
    held_against,
    judge_lists,
    judge_programs,
    judge_reply,
    judge_stamp,
    not_judged,
    trust_in,
    worst,
)
from appliance.evidence.layout import has_a_place, require_layout, require_plain_index
from appliance.evidence.manifest import CaptureManifest, PackageManifest
from appliance.evidence.manifest_signature import PackageTrust
from appliance.evidence.model import Files, PackageRefused, part
from appliance.evidence.package import INDEX
from appliance.evidence.remarks import Judged, certified, remarks_beside
from appliance.evidence.repacked import read_zip
from appliance.evidence.witnessing import WitnessDemand, judge_witnesses
from appliance.language import Language
from appliance.verification import (
    FileKind,
    Indication,
    SignatureReport,
    SubIndication,
    TrustAnchors,
    VerificationReport,
    Verifier,
)
from appliance.verification.model import PASSED, CertificateDetails, failed, undecided
from appliance.verification.paths import TooManyCertificates
from appliance.verification.trust import UNREADABLE, details, shown_name
from hsm import canonical
from hsm.certificates import is_evidence_service
from hsm.errors import RefusalError, Sentence
from hsm.names import name_in

_MOST_RECORDS = 200
"""A package has a record for each party's acceptance."""
_REZIPPED = Sentence(
    "The package was zipped again after it was made; its files were judged, the ZIP itself was not."
)
_UNPACKED = Sentence("The package is given as a folder, unpacked; its files were judged, as they lie there.")
_IGNORED = "Files that operating systems add to folders ({names}) were ignored."
_UNKNOWN_KIND = (
    "The package has a file {file} about which this verifier has no rule: it proves nothing, and it might be a"
    " program. The package may come from a newer release. Run no checker from this package."
)
_OF_ANOTHER = (
    "The signature {name} is by {signer}, whose certificate leads to another trust anchor than the package's: the"
    " history may mean somebody else by the same number."
)


def verify_package(
    package: bytes | Path,
    *,
    verifier: Verifier,
    at: datetime,
    anchors: TrustAnchors,
    witnesses: WitnessDemand | None = None,
) -> VerificationReport:
    """The verdict about the ZIP bytes *package*, or about the folder in which it lies unpacked; never raises for
    what is in them. The digest of a folder's report is that of the ZIP that its files make up.

    *witnesses*: the witness policy of whoever verifies, instead of the one in the package.

    *anchors* replaces nothing: the package's own root is not believed unless it is among them. Raises
    :class:`ConfinementFailed` when no confined process can be had to read the contract.
    """
    digest = "" if isinstance(package, Path) else hashlib.sha256(package).hexdigest()
    try:
        files, remarks = _opened(package)
        digest = digest or digest_of(files)
        listed = manifest.decode(part(files, manifest.MANIFEST))
        manifest.require_same(listed, files)
        trust = trust_in(files, verifier, at, anchors)
        if isinstance(listed, CaptureManifest):
            judged = judge_capture(files, listed, trust, witnesses)
        else:
            judged = _judged_contract(files, listed, trust, witnesses)
    except ConfinementFailed:
        raise
    except FolderUnread as error:
        doubt = undecided(SubIndication.GENERIC, error.template, **error.values)
        return VerificationReport("", FileKind.EVIDENCE, doubt, at, digest)
    except TooManyCertificates as error:
        return VerificationReport("", FileKind.EVIDENCE, error.verdict, at, digest)
    except RefusalError as error:
        return _failed(at, digest, Sentence(error.template, error.values))
    except (*UNREADABLE, ArithmeticError, AttributeError, RecursionError):
        return _failed(at, digest, Sentence("A file of the package is not in the form that it must have."))
    reports, remarks = judged.reports, (*remarks, *judged.remarks)
    return VerificationReport("", FileKind.EVIDENCE, judged.verdict, at, digest, reports, remarks)


def _opened(package: bytes | Path) -> tuple[Files, tuple[Sentence, ...]]:
    """The files, with a remark where the container is not the one that was made."""
    if isinstance(package, Path):
        found, remark = read_folder(package), _UNPACKED
    else:
        found, remark = read_zip(package), _REZIPPED
        if is_canonical(package, found.files):
            return found.files, ()
    if not found.ignored:
        return found.files, (remark,)
    names = {"names": ", ".join(found.ignored)}
    return found.files, (remark, Sentence(_IGNORED, names))


def _judged_contract(
    files: Files, listed: PackageManifest, trust: PackageTrust, witnesses: WitnessDemand | None
) -> PackageJudgement:
    """Steps 4 to 7 for the package of a contract."""
    require_layout(files)
    require_plain_index(part(files, INDEX))
    judged = _judged(files, listed, trust, witnesses)
    verdict = worst(each.verdict for each in judged.reports)
    stated = listed.powers_stated_since is not None
    beside = remarks_beside(verdict, files, judged, stated=stated)
    return PackageJudgement(judged.reports, (*not_judged(files, _READ), *beside))


def _judged(files: Files, listed: PackageManifest, trust: PackageTrust, witnesses: WitnessDemand | None) -> Judged:
    """The contract's signatures, then the manifest's, then what else is dated and did not pass. A contract that
    brought its reader down is not read here."""
    seal = manifest_signature.examine(files, trust)
    if seal.verdict.indication is Indication.FAILED:
        return Judged((seal,))
    document = part(files, package.SIGNED, limit=len(files.get(package.SIGNED, b"")))
    apart = own_certificates.anchors_in(files, index := part(files, INDEX))
    report = trust.verifier.verify_pdf(document, at=trust.at, trust=replace(trust.anchors, apart=apart))
    reports = (*_checkers(files), *report.signatures)
    # the document's own verdict where it is worse than those of its signatures
    if worst(each.verdict for each in report.signatures).indication is not report.indication:
        reports += (SignatureReport(package.SIGNED, report.verdict),)
    if not report.digest:
        return Judged((*reports, seal))
    contract = contents.require_contract(files)
    judged = contents.judged_signatures(contract, report.signatures) if report.signatures else ((), ())
    if own_certificates.places_in(index) != sorted(contract.own.items()):
        raise PackageRefused(contents.OTHER_SIGNATURES)
    told = _require_log(files, listed, contract, judged[0], document)
    reports += (
        seal,
        *_beside_signatures(contract, judged[0], seal),
        *held_against(package.SIGNED_REPLY, judge_reply(files, _EXCHANGE, document, trust)),
        *checkpoint_stamp(files, trust),
        *_stamps_elsewhere(contract, trust),
        *_records(files, listed, told, trust, seal, stamped=_stamped(contract, report)),
        *(witnessed := judge_witnesses(files, witnesses)).reports,
        *judge_lists(files, trust),
    )
    remarks = own_certificates.remarks(
        files, canonical.decode(part(files, package.HISTORY))["events"], contract.numbered
    )
    return Judged(reports, *judged, (*report.remarks, *remarks, *witnessed.remarks), has_history=True)


def _beside_signatures(
    contract: SignedContract, own: Sequence[JudgedSignature], seal: SignatureReport
) -> Iterator[SignatureReport]:
    """The timestamps of the contract's signatures that did not pass, and whose certificates lead elsewhere."""
    numbers = {covers: number for number, covers in contract.numbered.items()}
    for each in own:
        if each.dated != PASSED:
            yield SignatureReport(f"signatures/{numbers[each.covers]}.tst", each.dated)
    for one in (each.report for each in own if not each.own):
        yield from filter(None, [_of_another(str(one.field), one.signer, one.path, seal)])


def _require_log(
    files: Files,
    listed: PackageManifest,
    contract: SignedContract,
    own: Sequence[JudgedSignature],
    document: bytes,
) -> tuple[PackageEvent, ...]:
    """The history, in which the log, signatures, records and what they rest on fit together."""
    told = contents.require_log(files, listed)
    own_certificates.require_approved(files, told, contract.numbered)
    if listed.powers_stated_since is not None:
        contents.require_told(files, contract, told, listed.contract)
    outside_seals.require_released_by_own(told, certified(files, own))
    vouchings.require_vouched(files, told, listed.contract)
    authorisation_basis.require_authorisation_basis(files, told, listed.powers_stated_since)
    require_agreements(files, told)
    heading = history.read_heading(part(files, package.HISTORY))
    history.require_declared(files, told, heading, document, signed_until=contract.signed_until)
    history.require_annexes(files, told, listed.contract)
    original = part(files, package.ORIGINAL, limit=len(document))
    require_review(files, original, listed.contract, told, withheld=listed.withheld)
    return told


def _checkers(files: Files) -> Iterator[SignatureReport]:
    """Those that nobody should run; and the first file that might be run instead, or by them, or that would be
    taken for evidence because everything else here is."""
    yield from judge_programs(files)
    other = next((path for path in files if not has_a_place(path)), None)
    if other is not None:
        yield SignatureReport(other, undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, _UNKNOWN_KIND, file=other))


_EXCHANGE = package.SIGNED_QUERY, package.SIGNED_REPLY
_READ = (
    *map(readme.readme_path, Language),
    *map(readme.history_path, Language),
    package.REPORT,
    court_pages.LIST_JSON,
    *map(court_pages.list_path, Language),
    *map(court_pages.guide_path, Language),
)
"""What people read, and nothing is held to."""


def _stamps_elsewhere(contract: SignedContract, trust: PackageTrust) -> Iterator[SignatureReport]:
    """The timestamps beside signatures that were made elsewhere."""
    for number, covers in sorted(contract.numbered.items()):
        made = next(made for digest, made in contract.carried.values() if digest == covers)
        if made is not None and any(contract.carried[end][1] is made for end in contract.own):
            yield from held_against(f"signatures/{number}.tst", judge_stamp(made.token, made.value, trust))


def _stamped(contract: SignedContract, report: VerificationReport) -> dict[str, datetime]:
    """The files that the *contract* was, with the document timestamps that hold by the *report* on it."""
    stamps = {
        each.end: each.timestamp
        for each in report.signatures
        if each.document_timestamp and each.passed and each.timestamp
        if each.end is not None and each.end in contract.carried
    }
    return history.stamped_files(contract.document, stamps)


def _records(
    files: Files,
    listed: PackageManifest,
    told: Sequence[PackageEvent],
    trust: PackageTrust,
    seal: SignatureReport,
    *,
    stamped: Mapping[str, datetime],
) -> Iterator[SignatureReport]:
    """Acceptances, statements about powers and declarations that the contract is void; where the certificate of
    the timestamp of one has run out or was revoked, as of when log and *stamped* files prove that it was there.
    Unless the *seal* on the manifest is believed, nobody is asked for trust here: the verdict is undecided anyway,
    and a process for each of two hundred records would be at anybody's service.
    """
    records = contents.require_records(files)
    if len(records) > _MOST_RECORDS:
        raise PackageRefused(
            "The package has more than {limit} signed records; it was not judged.", limit=_MOST_RECORDS
        )
    for name, signed in records.items():
        _require_signer(name, signed)
        if listed.powers_stated_since is not None and not name.startswith(authorisation_basis.FOLDER):
            _require_speaker(name, signed, part(files, f"{name}.json"), told)
    for name, signed in records.items() if seal.passed else ():
        found = judge_stamp(signed.token, signed.value, trust)
        if found.verdict.subindication in SINCE:
            digest = hashlib.sha256(files[f"{name}.json"]).hexdigest()
            proven = history.proven_by(name, digest, signed.at, told, listed.contract, stamped)
            if proven is not None and proven < trust.at:
                found = judge_stamp(signed.token, signed.value, replace(trust, at=proven))
        yield from held_against(f"{name}.tst", found)
        who = manifest_signature.finding(signed.certificate, trust, proven=signed.at)
        if who.verdict != PASSED:
            yield SignatureReport(f"{name}.p7s", who.verdict)
        path, signer = tuple(map(details, who.path)), shown_name(signed.certificate)
        yield from filter(None, [_of_another(f"{name}.p7s", signer, path, seal)])


def _of_another(
    name: str, signer: str | None, path: Sequence[CertificateDetails], seal: SignatureReport
) -> SignatureReport | None:
    """Undecided where who signed is certified under another root than the evidence service: of several that
    readers believe, each has its own people, by whatever numbers. Whose very certificate they name is meant."""
    if not seal.passed or min(len(path), len(seal.path)) < 2 or path[-1].issuer == seal.path[-1].issuer:
        return None
    doubt = undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, _OF_ANOTHER, name=name, signer=signer)
    return SignatureReport(name, doubt, path=tuple(path))


def _require_signer(name: str, signed: SignedFile) -> None:
    """A statement is the authority's, made by the key of the evidence service: nobody else's counts as one."""
    if name.startswith(authorisation_basis.FOLDER) and not is_evidence_service(signed.certificate):
        raise PackageRefused(
            "The statement {path} is signed by {name}, whose certificate is not an evidence service's.",
            path=f"{name}.json",
            name=shown_name(signed.certificate),
        )


def _require_speaker(name: str, signed: SignedFile, record: bytes, told: Sequence[PackageEvent]) -> None:
    """Who signed an acceptance or a declaration is the person who speaks in it, at the time that the log has."""
    digest, at = hashlib.sha256(record).hexdigest(), contents.in_seconds(signed.at)
    if any(event.at != at for event in told if event.public.get("signed") == digest):
        raise PackageRefused("The log has another time for {path} than its timestamp.", path=f"{name}.json")
    if name_in(signed.certificate).identifier != canonical.decode(record)["person"]:
        raise PackageRefused(
            "The record {path} is signed by {name}, who is somebody else than the person in it.",
            path=f"{name}.json",
            name=shown_name(signed.certificate),
        )


def _failed(at: datetime, digest: str, reason: Sentence) -> VerificationReport:
    return VerificationReport("", FileKind.EVIDENCE, failed(SubIndication.FORMAT_FAILURE, reason), at, digest)
