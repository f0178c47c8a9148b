"""What is judged alike in packages of contracts and of web captures: trust, timestamps, checkers, the verdict."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence import log_files
from appliance.evidence.common_files import pem
from appliance.evidence.manifest_signature import PackageTrust, certificates_in
from appliance.evidence.model import Files, PackageRefused, part
from appliance.verification import (
    Indication,
    SignatureReport,
    SubIndication,
    TrustAnchors,
    Verdict,
    VerificationReport,
    Verifier,
)
from appliance.verification.model import PASSED, undecided
from appliance.verification.paths import PathFinder
from appliance.verification.revocation import are_lists_by, without_current_list
from appliance.verification.trust import UNREADABLE, shown_name
from hsm import checkers, timestamp
from hsm.errors import Sentence
from hsm.manifests import RENEWALS

SINCE = frozenset(
    {SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.REVOKED_NO_POE, SubIndication.REVOKED_CA_NO_POE}
)
"""What may have happened to a certificate only since it was used."""
_MOST_CERTIFICATES = 500
"""A package has one certificate for each signature and record."""
_UNKNOWN_CHECKER = (
    "The checker {file} in the package is unknown to this verifier; the package may come from a newer release."
    " Do not run it."
)
_ONLY_TO_READ = "These files are only there to be read and were not verified: {files}."
_LISTS = "crls.pem"
_OWN_LISTS = f"certificates/{_LISTS}"
_UNSIGNING = re.compile(r"(?:ca|chain|crls|own-[0-9]+(?:-anchor)?)[.]pem")
"""Of certificates/: what leads to the root, the lists, and certificates of others, whose lists the PDF has."""
_UNLIKE = (
    "A revocation list in {path} is not by an authority in the package, or has parts that programs read"
    " differently. No verdict rests on it."
)
_UNLISTED = (
    "Whether the certificate of {name} was revoked is not known: the package has no revocation list by its issuer"
    " that counts for it."
)
_CRL_END = b"-----END X509 CRL-----\n"


@dataclass(frozen=True, slots=True)
class PackageJudgement:
    """The reports on the parts of a package, of which the worst one is the verdict, and what readers have to know
    beside it."""

    reports: tuple[SignatureReport, ...]
    remarks: tuple[Sentence, ...]

    @property
    def verdict(self) -> Verdict:
        return worst(each.verdict for each in self.reports)


def trust_in(files: Files, verifier: Verifier, at: datetime, anchors: TrustAnchors) -> PackageTrust:
    """By whom, when and with whose trust *files* are judged. The package's certificates help to build paths, and
    its lists to know of revocation; neither is trusted."""
    certificates = list(_certificates_below("certificates/", files))
    later = list(_certificates_below(RENEWALS, files))
    if len(certificates) + len(later) > _MOST_CERTIFICATES:
        raise PackageRefused(
            "The package has more than {limit} certificates; it was not judged.", limit=_MOST_CERTIFICATES
        )
    paths = [path for path in sorted(files) if path.startswith(RENEWALS) and path.endswith(_LISTS)]
    lists = dict.fromkeys(crl for path in (_OWN_LISTS, *paths) for crl in crls_in(part(files, path)))
    known = dict.fromkeys((*anchors.known, *certificates, *later))
    believed = replace(anchors, known=tuple(known), crls=(*anchors.crls, *lists))
    carried = frozenset(each.public_bytes(Encoding.DER) for each in certificates)
    return PackageTrust(verifier, at, believed, carried)


def _certificates_below(folder: str, files: Files) -> Iterator[x509.Certificate]:
    for path in sorted(files):
        if path.startswith(folder) and path.endswith(".pem") and not path.endswith(_LISTS):
            yield from certificates_in(part(files, path))


def crls_in(pem: bytes) -> tuple[bytes, ...]:
    """The revocation lists (DER) of a PEM file of the package. Raises :class:`PackageRefused`."""
    return tuple(_der_of(each + _CRL_END) for each in pem.split(_CRL_END)[:-1])


def _der_of(crl: bytes) -> bytes:
    try:
        return x509.load_pem_x509_crl(crl).public_bytes(Encoding.DER)
    except UNREADABLE as error:
        raise PackageRefused("A file of the package is not in the form that it must have.") from error


def judge_lists(files: Files, trust: PackageTrust, at: datetime | None = None) -> Iterator[SignatureReport]:
    """What is not known, as the lists in the package do not say it: for each certificate by which something in it
    was signed, and each above it up to whom the reader trusts, there is one by who issued it, which counted *at*
    that moment (None: at any). Others than whole ones by authorities are not taken, as programs differ in what
    they make of those. Certificates that lead to nobody who is trusted are told elsewhere. Raises
    :class:`PackageRefused` where the file is not PEM as openssl writes it."""
    lists = crls_in(part(files, _OWN_LISTS))
    if b"".join(map(pem, map(x509.load_der_x509_crl, lists))) != part(files, _OWN_LISTS):
        raise PackageRefused("The file {path} of the package cannot be read.", path=_OWN_LISTS)
    believed = trust.anchors.certificates
    if not are_lists_by(lists, (*believed, *trust.anchors.known)):
        yield _undecided_by_lists(_UNLIKE, path=_OWN_LISTS)
    finder = PathFinder(believed, trust.anchors.known)
    names = [path for path in sorted(files) if path.startswith("certificates/") and path.endswith(".pem")]
    signing = [name for name in names if not _UNSIGNING.fullmatch(name.removeprefix("certificates/"))]
    found = [finder.paths(each) for name in signing for each in certificates_in(part(files, name))]
    missing = without_current_list((paths[0] for paths in found if paths), lists, at)
    if missing is not None:
        yield _undecided_by_lists(_UNLISTED, name=shown_name(missing))


def _undecided_by_lists(template: str, **values: str) -> SignatureReport:
    return SignatureReport(
        _OWN_LISTS, undecided(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, template, **values)
    )


def judge_programs(files: Files) -> Iterator[SignatureReport]:
    """The checkers that nobody should run, since this release does not know them."""
    for name in (each for each in checkers.PROGRAMS if each in checkers.NAMES or each in files):
        if not checkers.is_known(name, hashlib.sha256(part(files, name)).hexdigest()):
            yield SignatureReport(
                name, undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, _UNKNOWN_CHECKER, file=name)
            )


def not_judged(files: Files, paths: Iterable[str]) -> tuple[Sentence, ...]:
    """What a program cannot hold against the evidence, since each release words and typesets it in another way:
    those of *paths* that are there."""
    names = ", ".join(path for path in paths if path in files)
    return (Sentence(_ONLY_TO_READ, {"files": names}),) if names else ()


def judge_reply(files: Files, paths: tuple[str, str], dated: bytes, trust: PackageTrust) -> VerificationReport:
    """On the reply (RFC 3161) over *dated*, in the files *paths*: query and reply. The query is the one for just
    this imprint and nonce, which asks for certificates, or :class:`PackageRefused`."""
    query, reply = paths
    nonce = timestamp.parse_token(timestamp.parse_response(part(files, reply))).nonce
    order = timestamp.order_for(hashlib.sha256(dated).digest(), nonce=nonce)
    if part(files, query) != timestamp.build_request(order):
        raise PackageRefused("The file {path} is not of its signature.", path=query)
    return judge_stamp(part(files, reply), dated, trust, nonce=nonce)


def judge_stamp(
    stamp: bytes, dated: bytes, trust: PackageTrust, *, nonce: int | None = None
) -> VerificationReport:
    """On the token or reply *stamp* over *dated*."""
    return trust.verifier.verify_timestamp(stamp, data=dated, nonce=nonce, at=trust.at, trust=trust.anchors)


def held_against(path: str, report: VerificationReport) -> Iterator[SignatureReport]:
    """What a *report* on the file *path* adds to a package's: nothing where it passed."""
    if report.indication is not Indication.PASSED:
        yield SignatureReport(path, report.verdict)


def checkpoint_stamp(files: Files, trust: PackageTrust) -> Iterator[SignatureReport]:
    """What the timestamp of the log's checkpoint adds, which is over what the log itself signed."""
    yield from held_against(log_files.CHECKPOINT_STAMP, judge_checkpoint(files, trust))


def judge_checkpoint(files: Files, trust: PackageTrust) -> VerificationReport:
    """On that timestamp."""
    checkpoint = part(files, log_files.CHECKPOINT)
    vkey = part(files, log_files.VKEY).decode("ascii", "replace")
    dated = log_files.read_log_files(checkpoint, vkey).note
    return judge_stamp(part(files, log_files.CHECKPOINT_STAMP), dated, trust)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The first failed one, else the first indeterminate one, else passed; all their reasons."""
    found = list(verdicts)
    for indication in (Indication.FAILED, Indication.INDETERMINATE):
        worse = [each for each in found if each.indication is indication]
        if worse:
            reasons = {str(reason): reason for each in worse for reason in each.reasons}
            return Verdict(indication, worse[0].subindication, tuple(reasons.values()))
    return PASSED
