"""Renewed timestamps of a package (after RFC 4998, 5.2): each covers manifest, seals and all renewals before it.

They lie beside what the manifest lists, so that nothing is changed that people already hold. ``renewals/NN.txt``
is what ``sha256sum`` writes about what is covered, and ``NN.tsr`` dates that file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.errors import EvidenceIncomplete
from appliance.evidence.common_files import dated, pem
from appliance.evidence.judging import crls_in, judge_reply
from appliance.evidence.manifest import MANIFEST, QUERY, REPLY, SEALS
from appliance.evidence.manifest_signature import PackageTrust, certificates_in
from appliance.evidence.model import Certificates, Files, PackageRefused, part
from appliance.verification import SignatureReport, SubIndication, Verdict, VerificationReport
from appliance.verification.model import undecided
from appliance.verification.revocation import are_lists_by, without_current_list
from appliance.verification.trust import shown_name
from hsm import cms, timestamp
from hsm.errors import Sentence
from hsm.manifests import RENEWALS

MOST: Final = 99
_LISTS, _CERTIFICATES, _QUERY, _REPLY, _TEXT = ".crls.pem", ".pem", ".tsq", ".tsr", ".txt"
_ENDINGS: Final = (_LISTS, _CERTIFICATES, _QUERY, _REPLY, _TEXT)
_GIVEN: Final = (_LISTS, _CERTIFICATES)
"""What a renewal brings itself and covers: revocation lists, and the certificates that lead to the root."""
_UNREAD: Final = "The file {path} of the package cannot be read."
_NO_LIST: Final = (
    "The renewed timestamp {path} brings no revocation list by the issuer of {name} that counted when it was made:"
    " whether the timestamp before it held then is not known."
)


def _path(number: int, ending: str) -> str:
    return f"{RENEWALS}{number:02}{ending}"


def count_renewals(paths: Iterable[str]) -> int:
    """How many renewals a package has. Raises :class:`PackageRefused` unless they are numbered without a gap, each
    with all of its files, and nothing else lies there."""
    found = {path for path in paths if path.startswith(RENEWALS)}
    count = len(found) // len(_ENDINGS)
    wanted = {_path(number, ending) for number in range(1, min(count, MOST) + 1) for ending in _ENDINGS}
    misfits = sorted(found ^ wanted)
    if misfits:
        raise PackageRefused(
            "The renewed timestamps in the package are not whole, or not in order: {path}.", path=misfits[0]
        )
    return count


def reply_path(number: int) -> str:
    """The reply of the renewal with this number (from 1)."""
    return _path(number, _REPLY)


def _covered(files: Mapping[str, bytes | memoryview], number: int) -> bytes:
    """``NN.txt`` of the renewal with this number."""
    paths = [*sorted(SEALS), *(_path(each, ending) for each in range(1, number) for ending in _ENDINGS)]
    paths += [_path(number, ending) for ending in _GIVEN]
    return "".join(f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in paths).encode()


def last_token(files: Mapping[str, bytes | memoryview]) -> bytes:
    """The timestamp that proves everything else: of the last renewal or, without any, of the manifest."""
    number = count_renewals(files)
    return timestamp.parse_response(bytes(files[reply_path(number) if number else REPLY]))


def renewed(
    files: Mapping[str, bytes | memoryview], certificates: Certificates, stamp: Callable[[bytes], bytes]
) -> dict[str, bytes]:
    """The files of one more renewal of the package with these *files*; *stamp* answers a request (DER). Raises
    :class:`EvidenceIncomplete` after the last possible one, and what *stamp* raises."""
    number = count_renewals(files) + 1
    if number > MOST:
        raise EvidenceIncomplete("A package has {most} renewed timestamps at most.", most=MOST)
    added = {
        _path(number, _CERTIFICATES): b"".join(map(pem, (certificates.timestamping, *certificates.intermediates))),
        _path(number, _LISTS): b"".join(pem(x509.load_der_x509_crl(each)) for each in certificates.crls),
    }
    text = _covered({**files, **added}, number)
    exchange = dated(text, stamp)
    return added | {
        _path(number, _TEXT): text,
        _path(number, _QUERY): exchange.request,
        _path(number, _REPLY): exchange.reply,
    }


def judge_renewals(files: Files, trust: PackageTrust) -> tuple[tuple[SignatureReport, ...], PackageTrust]:
    """On each renewal, the last one first: it is judged as of the moment asked for, and each of the others as of
    the one that covers it. With the trust as of which what all of them cover is judged.

    The first that does not pass is the last that is judged: it proves nothing of those before it. So does one
    whose revocation lists did not count at its own time, as a list from before a revocation would hide that.
    """
    reports: list[SignatureReport] = []
    report: SignatureReport | None = None
    for number in range(count_renewals(files), 0, -1):
        report = report or _judged(files, number, trust)
        reports.append(report)
        if not report.passed or report.timestamp is None:
            break
        covered = replace(trust, at=report.timestamp)
        before = _judged(files, number - 1, covered)
        unknown = _without_list(files, number, before, covered.at)
        if unknown is not None:
            reports[-1] = replace(report, verdict=unknown)
            break
        trust, report = covered, before
    return tuple(reports), trust


def _without_list(files: Files, number: int, before: SignatureReport, at: datetime) -> Verdict | None:
    """What is wrong where the renewal, made *at* that time, brings no list that counted then about a certificate
    that led from the timestamp *before* it to the root."""
    path = [x509.load_der_x509_certificate(each.encoded) for each in before.path]
    missing = without_current_list([path], crls_in(part(files, _path(number, _LISTS))), at)
    if missing is None:
        return None
    values = {"path": _path(number, _REPLY), "name": shown_name(missing)}
    return undecided(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, Sentence(_NO_LIST, values))


def _single(path: str, report: VerificationReport) -> SignatureReport:
    if len(report.signatures) == 1:
        return replace(report.signatures[0], field=path, verdict=report.verdict, document_timestamp=True)
    return SignatureReport(path, report.verdict)


def _judged(files: Files, number: int, trust: PackageTrust) -> SignatureReport:
    """On the timestamp of that renewal, or (0) of the manifest."""
    if number == 0:
        return _single(REPLY, judge_reply(files, (QUERY, REPLY), part(files, MANIFEST), trust))
    text, query, reply = (_path(number, ending) for ending in (_TEXT, _QUERY, _REPLY))
    if part(files, text) != _covered(files, number):
        raise PackageRefused("The renewed timestamp {path} is not over the files of this package.", path=reply)
    token = timestamp.parse_response(part(files, reply))
    brought = _brought(files, number, trust)
    own = trust.carried.union(each.public_bytes(Encoding.DER) for each in brought)
    if not own.issuperset(cms.parse(token).certificates):
        raise PackageRefused(
            "The timestamp of {path} carries a certificate that is not of the package.", path=text
        )
    if part(files, reply) != timestamp.response_granted(token):
        raise PackageRefused("The file {path} is not of its signature.", path=reply)
    return _single(reply, judge_reply(files, (query, reply), part(files, text), trust))


def _brought(files: Files, number: int, trust: PackageTrust) -> tuple[x509.Certificate, ...]:
    """The certificates of a renewal, which are with its revocation lists in their one form: nothing but PEM as
    openssl writes it (RFC 7468), so that no two programs can read something else in them. Each list is by an
    authority in the package."""
    certificates = certificates_in(part(files, _path(number, _CERTIFICATES)))
    lists = crls_in(part(files, _path(number, _LISTS)))
    for ending, found in ((_CERTIFICATES, certificates), (_LISTS, tuple(map(x509.load_der_x509_crl, lists)))):
        path = _path(number, ending)
        if not found or b"".join(map(pem, found)) != part(files, path):
            raise PackageRefused(_UNREAD, path=path)
    if not are_lists_by(lists, (*trust.anchors.certificates, *trust.anchors.known)):
        raise PackageRefused(_UNREAD, path=_path(number, _LISTS))
    return certificates


def times_of_renewals(files: Files) -> Iterator[datetime]:
    """What each renewal says, in order."""
    for number in range(1, count_renewals(files) + 1):
        yield timestamp.parse_token(timestamp.parse_response(part(files, reply_path(number)))).gen_time
