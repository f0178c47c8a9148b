"""Verifying a PDF: every signature and document timestamp, then the document (EN 319 102-1, 5; ETSI EN 319 142-1).

1. signatures are found twice, through the form and in the bytes alone, and what the bytes cover is compared with
the file whatever the form says; 2. each covers its whole revision, and the room in it that nothing signs has one
form only; 3. document timestamps are judged from the last to the first, each proving what lies before it; 4.
signature timestamps, then signers, are judged with those proofs; 5. what came after each signature is explained,
or looked at, or said.

Of a document whose first bytes have passed before, step 5 judges only the revisions after them.

A timestamp by itself, an RFC 3161 reply or a token, is verified with what it was taken of, or without.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from appliance.pdf.byte_ranges import ByteRange, SignedDigests, find_byte_ranges
from appliance.pdf.validation.looks import Looks
from appliance.pdf.validation.model import FoundSignature, Unparseable
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf, open_pdf
from appliance.pdf.validation.reading import signatures, store
from appliance.verification.later_changes import conclude_report, history_of, with_look
from appliance.verification.material import CollectedMaterial
from appliance.verification.messages import SignedMessage, UnreadableMessage, message_in, read_message
from appliance.verification.model import (
    FileKind,
    Indication,
    ReportRow,
    RowAnswer,
    SignatureReport,
    SubIndication,
    Verdict,
    VerificationReport,
    failed,
    undecided,
    worst,
)
from appliance.verification.paths import TooManyCertificates, ValidationTimes
from appliance.verification.rows import details_of, rows_of_finding, stamp_row
from appliance.verification.signatures import ExaminedSignature, SignatureExamination
from appliance.verification.tokens import ExaminedToken, NotSigned, examine_token, identify_signer, statement_of
from appliance.verification.trust import ValidationContext
from hsm import der
from hsm.cms import TST_INFO, message_digest
from hsm.cms.signed_data import MESSAGE_DIGEST
from hsm.errors import AuthorityError, Sentence
from hsm.timestamp import RequestRefused, parse_response

_ALTERED = Sentence(
    "The file was changed after it was signed: the bytes that a signature covers are no longer the same."
)
_HIDDEN = Sentence("The file holds a signature that its form does not lead to.")
_NOTHING = Sentence("The document carries no signature; only a signed document can be verified.")
_ENCRYPTED = Sentence("The document is encrypted; give one that opens without a password.")
_DAMAGED = Sentence("The file is not well-formed: it cannot be read as a PDF.")
_LENIENT = Sentence("The file departs from the PDF standard and was read leniently.")


def verify_pdf(document: bytes, circumstances: ValidationContext, *, verified: int = 0) -> VerificationReport:
    """The report about *document*, whose first *verified* bytes were a file that is known to be TOTAL-PASSED."""
    digest = hashlib.sha256(document).hexdigest()
    report = VerificationReport(
        "", FileKind.PDF, undecided(SubIndication.GENERIC, _DAMAGED), circumstances.at, digest
    )
    in_bytes = find_byte_ranges(document)
    try:
        return _parsed(report, document, in_bytes, circumstances, verified)
    except TooManyCertificates as error:
        return replace(report, verdict=error.verdict)
    except Unparseable as error:
        return replace(report, verdict=_unparseable(document, in_bytes, encrypted=error.encrypted))
    except DAMAGE:
        return replace(report, verdict=_unparseable(document, in_bytes, encrypted=False))


def _parsed(
    report: VerificationReport,
    document: bytes,
    in_bytes: dict[ByteRange, list[int]],
    circumstances: ValidationContext,
    verified: int,
) -> VerificationReport:
    pdf = open_pdf(document)
    looks = Looks(pdf)
    found = signatures(pdf, looks)
    reached = {each.signed for each in found}
    unreached = {each: places for each, places in in_bytes.items() if each not in reached}
    remarks: tuple[Sentence, ...] = (_LENIENT,) if pdf.lenient else ()
    digests = SignedDigests(document, {*in_bytes, *(each for each in reached if each is not None)})
    broken = [places for each, places in unreached.items() if not _is_intact(document, each, digests)]
    complete = [each.signed for each in found if each.signed is not None and each.complete]
    covering = complete if found else list(unreached)  # a form that leads to none is no proof of a change
    if not all(_is_attached(pdf, places, covering, digests) for places in broken):
        verdict = failed(SubIndication.HASH_FAILURE, _ALTERED)
        return replace(report, verdict=verdict, remarks=remarks)
    remarks += (_HIDDEN,) if unreached else ()
    if not found:
        verdict = undecided(SubIndication.NO_SIGNATURE_FOUND, _HIDDEN if unreached else _NOTHING)
        return replace(report, verdict=verdict, remarks=remarks)
    report = replace(report, remarks=remarks)
    examined = _examined_signatures(pdf, found, digests, circumstances)
    history = history_of(pdf, examined, verified, certain=looks.is_certain)
    reports = tuple(history.report_signature(one) for one in history.examined)
    judged = conclude_report(report, reports, history)
    ends = (each.signed.end for each in found if each.signed and each.complete)
    judged = with_look(judged, looks.of_file(signed_until=max(ends, default=0)))
    if unreached and all(each.document_timestamp for each in found):
        # somebody dated a file in which a person's signature was put out of sight
        hidden = undecided(SubIndication.NO_SIGNATURE_FOUND, _HIDDEN)
        return replace(judged, verdict=worst([judged.verdict, hidden]))
    return judged


def _examined_signatures(
    pdf: OpenedPdf, found: list[FoundSignature], digests: SignedDigests, circumstances: ValidationContext
) -> list[ExaminedSignature]:
    """Each by itself, in the order of revisions."""
    stored = store(pdf)
    material = CollectedMaterial(list(stored.certificates), list(stored.crls), list(stored.responses))
    messages = [_message(each, material) for each in found]
    examinations = _examinations(digests, found, material, circumstances)
    examined: list[ExaminedSignature] = []
    proofs: list[tuple[int, datetime]] = []
    both = zip(found, messages, strict=True)
    for each, message in sorted(both, key=lambda one: (one[0].document_timestamp, one[0].revision), reverse=True):
        proven = min((time for revision, time in proofs if revision > each.revision), default=None)
        examination = examinations.get(_own_end(each, circumstances), examinations[None])
        one = examination.examine_signature(each, message, proven)
        examined.append(one)
        if one.proves is not None:
            proofs.append((each.revision, one.proves))
    return sorted(examined, key=lambda one: one.found.revision)


def _own_end(found: FoundSignature, circumstances: ValidationContext) -> int | None:
    """Where the signed bytes end, for a signature with an anchor of its own; None for all others."""
    end = None if found.signed is None or found.document_timestamp else found.signed.end
    return end if any(each.end == end for each in circumstances.apart) else None


def _examinations(
    digests: SignedDigests,
    found: list[FoundSignature],
    material: CollectedMaterial,
    circumstances: ValidationContext,
) -> dict[int | None, SignatureExamination]:
    """By :func:`_own_end`: one for each signature with an anchor of its own, and the one for all others."""
    ends = {_own_end(each, circumstances) for each in found} | {None}
    return {
        end: SignatureExamination(
            digests, material.certificate_judge(circumstances.for_signature(end)), circumstances.at
        )
        for end in ends
    }


def _message(found: FoundSignature, material: CollectedMaterial) -> SignedMessage | Verdict:
    """The signed message in the signature, noted as material; or what is wrong."""
    if found.contents is None:
        return failed(
            SubIndication.FORMAT_FAILURE, "The signature's place in the file is not where it says (ByteRange)."
        )
    try:
        message = message_in(found.contents)
    except UnreadableMessage as error:
        return error.verdict
    material.add_message(message)
    return message


def _is_intact(document: bytes, signed: ByteRange, digests: SignedDigests) -> bool:
    """Whether the bytes that a signature in the file covers are those that it was made over."""
    contents = signed.contents(document)
    if contents is None:
        return False
    try:
        message = message_in(contents)
        if message.content_type == TST_INFO:
            statement = statement_of(message)
            return digests.digest(signed, statement.hash_name or "") == statement.digest
        digest = digests.digest(signed, message.digest_name)
        if message.covered is None:
            identify_signer(message, digest, (), direct=True)
            return True
        if message.content is not None and message.content == digests.digest(signed, "sha1"):
            digest = message_digest(message.digest_name, message.content)  # adbe.pkcs7.sha1
        return message.only(MESSAGE_DIGEST) == der.element(der.OCTET_STRING, digest)
    except (UnreadableMessage, NotSigned, ValueError):
        return False


def _is_attached(pdf: OpenedPdf, places: list[int], signed: list[ByteRange], digests: SignedDigests) -> bool:
    """Whether a ByteRange is part of what somebody signed, as those of an attached PDF are, and about that file:
    each of the *places* where it is written lies in a stream, and one of *signed* covers it that is intact."""
    if not all(map(pdf.extents.is_within_stream, places)):
        return False
    intact = [each for each in signed if any(map(each.covers, places)) and _is_intact(pdf.document, each, digests)]
    return all(any(each.covers(place) for each in intact) for place in places)


def _unparseable(document: bytes, in_bytes: Iterable[ByteRange], *, encrypted: bool) -> Verdict:
    """A file that cannot be read is indeterminate, unless it was signed: then it was damaged afterwards."""
    if encrypted:
        return undecided(SubIndication.GENERIC, _ENCRYPTED)
    if b"/ByteRange" not in document:
        return undecided(SubIndication.GENERIC, _DAMAGED)
    digests = SignedDigests(document, in_bytes)
    if any(not _is_intact(document, each, digests) for each in in_bytes):
        return Verdict(Indication.FAILED, SubIndication.HASH_FAILURE, (_ALTERED, _DAMAGED))
    return failed(SubIndication.FORMAT_FAILURE, _DAMAGED)


_NO_DATA = Sentence("The timestamp itself holds; what it was taken of was not given, so it cannot be compared.")
_NO_TOKEN = Sentence("The timestamp authority refused: the reply holds no timestamp.")
_WITH_MODIFICATIONS = Sentence("The timestamp authority granted something else than was asked (grantedWithMods).")
_NOT_ONE = Sentence("The file is neither a timestamp token nor a timestamp reply.")
_OTHER_NONCE = Sentence("The timestamp does not answer this request: its nonce is missing or differs.")
_CONTENT_INFO_FIRST = 0x06  # a ContentInfo starts with an OID, a TimeStampResp with a SEQUENCE


def verify_timestamp(
    encoded: bytes, circumstances: ValidationContext, *, data: bytes | None, nonce: int | None
) -> VerificationReport:
    """The report about a token or reply; *nonce* is the one sent, None when none was."""
    digest = hashlib.sha256(encoded).hexdigest()
    report = VerificationReport(
        "", FileKind.TIMESTAMP, undecided(SubIndication.GENERIC, _NOT_ONE), circumstances.at, digest
    )
    try:
        if not _is_token(encoded) and _is_modified(encoded):
            return replace(report, verdict=undecided(SubIndication.GENERIC, _WITH_MODIFICATIONS))
        message = read_message(encoded if _is_token(encoded) else parse_response(encoded))
    except RequestRefused:
        return replace(report, verdict=undecided(SubIndication.GENERIC, _NO_TOKEN))
    except (AuthorityError, IndexError):
        return report
    except UnreadableMessage as error:
        return replace(report, verdict=error.verdict)
    try:
        stamp = _examined(message, circumstances, data)
    except TooManyCertificates as error:
        return replace(report, verdict=error.verdict)
    verdict = stamp.verdict
    if data is None and verdict.indication is Indication.PASSED:
        verdict = undecided(SubIndication.SIGNED_DATA_NOT_FOUND, _NO_DATA)
    if nonce is not None and (stamp.statement is None or stamp.statement.nonce != nonce):
        verdict = worst([failed(SubIndication.SIG_CONSTRAINTS_FAILURE, _OTHER_NONCE), verdict])
    signature = _report(stamp, verdict, data_given=data is not None)
    return replace(report, verdict=verdict, signatures=(signature,), remarks=stamp.remarks)


def _is_token(encoded: bytes) -> bool:
    return encoded[2 if encoded[1] < 0x80 else 2 + (encoded[1] & 0x7F)] == _CONTENT_INFO_FIRST


def _is_modified(reply: bytes) -> bool:
    """Status grantedWithMods(1): the authority dated something else than it was asked to (RFC 3161, 2.4.2)."""
    return der.members(der.members(reply)[0])[0] == der.integer(1)


def _examined(message: SignedMessage, circumstances: ValidationContext, data: bytes | None) -> ExaminedToken:
    def digest_of(name: str) -> bytes:
        return message_digest(name, data or b"")

    material = CollectedMaterial()
    material.add_message(message)
    judge, moments = material.certificate_judge(circumstances), ValidationTimes(circumstances.at)
    return examine_token(message, None if data is None else digest_of, judge, moments)


def _report(stamp: ExaminedToken, verdict: Verdict, *, data_given: bool) -> SignatureReport:
    about = (RowAnswer.YES, Sentence("The timestamp is about the data that was given."))
    if verdict.indication is Indication.FAILED:
        about = (RowAnswer.NO, verdict.reasons[0])
    elif not data_given:
        about = (RowAnswer.OPEN, _NO_DATA)
    time = stamp.statement.gen_time if stamp.statement else None
    rows = (ReportRow("integrity", *about), *rows_of_finding(stamp.finding), stamp_row(stamp))
    return SignatureReport(
        field=None,
        verdict=verdict,
        signer=stamp.signer,
        signing_time=time,
        timestamp=time,
        rows=rows,
        path=details_of(stamp.finding),
        algorithms=stamp.algorithms,
        warnings=stamp.remarks,
    )
