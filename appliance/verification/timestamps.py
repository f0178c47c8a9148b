"""Verifying a timestamp by itself: an RFC 3161 reply or a token, with what it was taken of, or without."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from appliance.verification.certificate_judge import ValidationTimes
from appliance.verification.material import CollectedMaterial
from appliance.verification.messages import SignedMessage, UnreadableMessage, read_message
from appliance.verification.model import (
    FileKind,
    Indication,
    Reason,
    ReportRow,
    RowAnswer,
    SignatureReport,
    SubIndication,
    Verdict,
    VerificationReport,
    worst,
)
from appliance.verification.paths import TooManyCertificates
from appliance.verification.rows import details_of, revocation_of, stamp_row, time_of, trust_of
from appliance.verification.tokens import DigestOf, ExaminedToken, examine_token
from appliance.verification.trust import ValidationContext
from hsm import der
from hsm.errors import AuthorityError
from hsm.timestamp import RequestRefused, parse_response

_NO_DATA = Reason("The timestamp itself holds; what it was taken of was not given, so it cannot be compared.")
_NO_TOKEN = Reason("The timestamp authority refused: the reply holds no timestamp.")
_WITH_MODIFICATIONS = Reason("The timestamp authority granted something else than was asked (grantedWithMods).")
_NOT_ONE = Reason("The file is neither a timestamp token nor a timestamp reply.")
_OTHER_NONCE = Reason("The timestamp does not answer this request: its nonce is missing or differs.")
_CONTENT_INFO_FIRST = 0x06  # a ContentInfo starts with an OID, a TimeStampResp with a SEQUENCE


def verify_timestamp(
    encoded: bytes, circumstances: ValidationContext, *, data: bytes | None, nonce: int | None
) -> VerificationReport:
    """The report about a token or reply; *nonce* is the one sent, None when none was."""
    digest = hashlib.sha256(encoded).hexdigest()
    report = VerificationReport("", FileKind.TIMESTAMP, _open(_NOT_ONE), circumstances.at, digest)
    try:
        if not _is_token(encoded) and _is_modified(encoded):
            return replace(report, verdict=_open(_WITH_MODIFICATIONS))
        message = read_message(encoded if _is_token(encoded) else parse_response(encoded))
    except RequestRefused:
        return replace(report, verdict=_open(_NO_TOKEN))
    except (AuthorityError, IndexError):
        return report
    except UnreadableMessage as error:
        return replace(report, verdict=Verdict(Indication.FAILED, SubIndication.FORMAT_FAILURE, (error.reason,)))
    try:
        stamp = _examined(message, circumstances, None if data is None else _hasher(data))
    except TooManyCertificates as error:
        return replace(report, verdict=error.verdict)
    verdict = worst([_with_nonce(stamp, nonce), _with_data(stamp, data)])
    signature = _report(stamp, verdict, data_given=data is not None)
    return replace(report, verdict=verdict, signatures=(signature,))


def _is_token(encoded: bytes) -> bool:
    return encoded[2 if encoded[1] < 0x80 else 2 + (encoded[1] & 0x7F)] == _CONTENT_INFO_FIRST


def _is_modified(reply: bytes) -> bool:
    """Status grantedWithMods(1): the authority dated something else than it was asked to (RFC 3161, 2.4.2)."""
    return der.members(der.members(reply)[0])[0] == der.integer(1)


def _examined(
    message: SignedMessage, circumstances: ValidationContext, digest_of: DigestOf | None
) -> ExaminedToken:
    material = CollectedMaterial()
    material.add_message(message)
    return examine_token(
        message, digest_of, material.certificate_judge(circumstances), ValidationTimes(circumstances.at)
    )


def _hasher(data: bytes) -> DigestOf:
    return lambda name: hashlib.new(name, data, usedforsecurity=False).digest()


def _with_nonce(stamp: ExaminedToken, nonce: int | None) -> Verdict:
    if nonce is None or (stamp.statement and stamp.statement.nonce == nonce):
        return stamp.verdict
    return Verdict(Indication.FAILED, SubIndication.SIG_CONSTRAINTS_FAILURE, (_OTHER_NONCE,))


def _with_data(stamp: ExaminedToken, data: bytes | None) -> Verdict:
    if data is not None or stamp.verdict.indication is not Indication.PASSED:
        return stamp.verdict
    return _open(_NO_DATA, SubIndication.SIGNED_DATA_NOT_FOUND)


def _report(stamp: ExaminedToken, verdict: Verdict, *, data_given: bool) -> SignatureReport:
    about = (RowAnswer.YES, Reason("The timestamp is about the data that was given."))
    if verdict.indication is Indication.FAILED:
        about = (RowAnswer.NO, verdict.reasons[0])
    elif not data_given:
        about = (RowAnswer.OPEN, _NO_DATA)
    time = stamp.statement.gen_time if stamp.statement else None
    rows = (
        ReportRow("integrity", *about),
        trust_of(stamp.finding),
        time_of(stamp.finding),
        revocation_of(stamp.finding),
        stamp_row(stamp),
    )
    return SignatureReport(
        field=None,
        verdict=verdict,
        signer=stamp.signer,
        signing_time=time,
        timestamp=time,
        rows=rows,
        path=details_of(stamp.finding),
        algorithms=stamp.algorithms,
    )


def _open(reason: Reason, subindication: SubIndication = SubIndication.FORMAT_FAILURE) -> Verdict:
    return Verdict(Indication.INDETERMINATE, subindication, (reason,))
