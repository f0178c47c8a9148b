"""One signature of a PDF, or one document timestamp: integrity, signer, time (EN 319 102-1, 5.2 to 5.6), and
the baseline level that it has reached (ETSI EN 319 142-1, 6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography import x509

from appliance.pdf.byte_ranges import SignedDigests
from appliance.pdf.validation.model import FoundSignature, Look
from appliance.verification.algorithms import hash_label, weakness
from appliance.verification.material import defect_of_carried, remarks_on_carried
from appliance.verification.messages import SEVERAL, SIGNATURE_POLICY, SignedMessage, UnreadableMessage
from appliance.verification.model import (
    PASSED,
    ContentDigest,
    Indication,
    Level,
    SubIndication,
    Verdict,
    failed,
    undecided,
    worst,
)
from appliance.verification.paths import CertificateFinding, CertificateJudge, KeyPurpose, ValidationTimes
from appliance.verification.tokens import (
    ExaminedToken,
    IdentifiedSigner,
    NotSigned,
    examine_token,
    identify_signer,
    of_another_form,
    shown_time,
)
from appliance.verification.trust import shown_name
from hsm import der
from hsm.cms import DATA, message_digest
from hsm.cms.signed_data import MIME_TYPE
from hsm.errors import AuthorityError, Sentence
from hsm.records import MEDIA_TYPES
from hsm.remote import RemoteUse, remote_use_in

_HELPLESS = frozenset(
    {
        *(SubIndication.NO_CERTIFICATE_CHAIN_FOUND, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
        *(SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.REVOKED_NO_POE, SubIndication.REVOKED_CA_NO_POE),
        *(SubIndication.CHAIN_CONSTRAINTS_FAILURE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    }
)
"""A signature timestamp that is INDETERMINATE so proves nothing, and harms nothing: the signature stands without
it (EN 319 102-1, 5.5.4). It does not for what is broken, in another form, or later than the moment asked for."""
_WITHOUT_STAMP = Sentence("A timestamp of the signature is not verified; the signature was judged without it.")
_BROKEN_STAMP = Sentence("The signature carries a timestamp that is broken or is not its own.")
_ALSO_BY = Sentence("The same message is signed by {name}, too.")
_POLICY = Sentence(
    "The signature says that it was made under a signature policy ({policy}), which was not processed; it was"
    " judged by the rules of this verification."
)

_DIRECT = Sentence(
    "The signature has no signed attributes: nothing under it names its signer's certificate or what kind of"
    " content it is over."
)
_INCOMPLETE = failed(
    SubIndication.FORMAT_FAILURE,
    "The signature does not cover the whole of the document as it was when it was signed.",
)
_SHARED = failed(
    SubIndication.FORMAT_FAILURE,
    "The signature's bytes are also part of something else in the document, which may look different since it was"
    " signed.",
)
_SEVERAL = failed(
    SubIndication.FORMAT_FAILURE,
    "The document is built so that different programs read it differently and show different pages.",
)
_UNKNOWN = undecided(
    SubIndication.SIG_CONSTRAINTS_FAILURE,
    "The document is built so that different programs may read it differently; its pages could not be compared.",
)
_OF_OTHER_CONTENT = failed(
    SubIndication.FORMAT_FAILURE, "The signature carries content of its own, or is not over a document's bytes."
)
_RECORDS = frozenset(der.element(der.UTF8_STRING, each.encode()) for each in MEDIA_TYPES.values())
_SUBFILTERS = frozenset({"/adbe.pkcs7.detached", "/ETSI.CAdES.detached", "/ETSI.RFC3161"})


@dataclass(frozen=True, slots=True)
class ExaminedSignature:
    """A signature examined by itself. ``intact``: made by its signer over these bytes, whoever that is;
    ``content_digest``: of these bytes."""

    found: FoundSignature
    verdict: Verdict
    intact: bool = False
    finding: CertificateFinding | None = None
    stamps: tuple[ExaminedToken, ...] = ()
    proven: datetime | None = None
    signer: str | None = None
    algorithms: str | None = None
    policy: str | None = None
    remarks: tuple[Sentence, ...] = field(default=())
    content_digest: ContentDigest | None = None

    @property
    def proves(self) -> datetime | None:
        """The time that a passed document timestamp proves for everything before it."""
        return self.stamps[0].proves if self.found.document_timestamp and self.stamps else None

    @property
    def stamp_time(self) -> datetime | None:
        """The time of the timestamp, if it passed."""
        return next((stamp.proves for stamp in self.stamps if stamp.proves), None)


@dataclass(frozen=True, slots=True)
class SignatureExamination:
    """Examines the signatures of one document at one control time."""

    digests: SignedDigests
    judge: CertificateJudge
    at: datetime

    def examine_signature(
        self, found: FoundSignature, message: SignedMessage | Verdict, proven: datetime | None
    ) -> ExaminedSignature:
        """*message* is the signed message, or why there is none; *proven* the earliest time by which a later
        document timestamp proves this signature to exist."""
        if isinstance(message, Verdict):
            return ExaminedSignature(found, message)
        if found.document_timestamp:
            return self._timestamp(found, message, proven)
        first, *others = (self._signature(found, each, proven) for each in (message, *message.further))
        return _among_several(first, others) if others else first

    def _timestamp(
        self, found: FoundSignature, message: SignedMessage, proven: datetime | None
    ) -> ExaminedSignature:
        stamp = examine_token(
            message, lambda name: self._digest(found, name), self.judge, ValidationTimes(self.at, proven)
        )
        return ExaminedSignature(
            found,
            _misplaced(found)
            or _unless_passed(stamp.verdict)
            or _out_of_order((stamp,), proven)
            or doubt_about_look(found.look)
            or PASSED,
            intact=stamp.finding is not None and stamp.verdict.indication is not Indication.FAILED,
            finding=stamp.finding,
            stamps=(stamp,),
            proven=proven,
            signer=stamp.signer,
            algorithms=stamp.algorithms,
            remarks=stamp.remarks,
            content_digest=ContentDigest(message.digest_name, self._digest(found, message.digest_name)),
        )

    def _signature(
        self, found: FoundSignature, message: SignedMessage, proven: datetime | None
    ) -> ExaminedSignature:
        digest = self._digest(found, message.digest_name)
        try:
            content = self._content_digest(found, message)
            signer = identify_signer(message, content, self.judge.finder.known, direct=True)
        except (NotSigned, UnreadableMessage) as error:
            return ExaminedSignature(found, error.verdict)
        stamps = tuple(self._stamp(message, token, proven) for token in message.timestamps)
        proofs = [time for time in (proven, *(stamp.proves for stamp in stamps)) if time is not None]
        moments = ValidationTimes(self.at, min(proofs, default=None))
        finding = self.judge.judge_certificate(signer.certificate, KeyPurpose.DOCUMENT, moments)
        altered = defect_of_carried(message, finding.path, self.judge.finder)
        verdict = (
            _misplaced(found)
            or (None if altered is None else failed(SubIndication.FORMAT_FAILURE, altered))
            or _foreign(found, signer)
            or (None if _is_over_document(message) else _OF_OTHER_CONTENT)
            or of_another_form(message, proven)
            or _stamped_badly(stamps, signer)
            or _out_of_order(stamps, proven)
            or _unless_passed(finding.verdict)
            or _weak(message, signer)
            or doubt_about_look(found.look)
            or PASSED
        )
        return ExaminedSignature(
            found,
            verdict,
            intact=verdict.indication is not Indication.FAILED,
            finding=finding,
            stamps=stamps,
            proven=min(proofs, default=None),
            signer=shown_name(signer.certificate),
            algorithms=f"{hash_label(message.digest_name)}, {signer.scheme.label}",
            policy=policy_of(message),
            remarks=self._remarks(message, signer, stamps, finding),
            content_digest=ContentDigest(message.digest_name, digest),
        )

    def _remarks(
        self,
        message: SignedMessage,
        signer: IdentifiedSigner,
        stamps: tuple[ExaminedToken, ...],
        finding: CertificateFinding,
    ) -> tuple[Sentence, ...]:
        policy = policy_of(message)
        found = [
            *message.defects,
            *([_DIRECT] if message.covered is None else []),
            *([signer.weak_reference] if signer.weak_reference else []),
            *remarks_on_carried(message, finding.path),
            *(remark for stamp in stamps for remark in stamp.remarks),
            *(why for stamp in stamps if _is_helpless(stamp) for why in (_WITHOUT_STAMP, *stamp.verdict.reasons)),
            *([replace(_POLICY, values={"policy": policy})] if policy else []),
            *_remote(signer.certificate),
        ]
        return tuple({str(each): each for each in found}.values())

    def _content_digest(self, found: FoundSignature, message: SignedMessage) -> bytes:
        """Of what the message is about: the signed bytes, or in the older kind their SHA-1 (ISO 32000-1,
        12.8.3.3.1)."""
        if found.subfilter == "/adbe.pkcs7.sha1" and message.content == self._digest(found, "sha1"):
            return message_digest(message.digest_name, message.content or b"")
        return self._digest(found, message.digest_name)

    def _stamp(self, message: SignedMessage, token: bytes, proven: datetime | None) -> ExaminedToken:
        def digest_of(name: str) -> bytes:
            return message_digest(name, message.signature)

        examined = examine_token(token, digest_of, self.judge, ValidationTimes(self.at, proven))
        return replace(examined, digest=hashlib.sha256(token).hexdigest())

    def _digest(self, found: FoundSignature, name: str) -> bytes:
        if found.signed is None:
            raise ValueError("no ByteRange")
        return self.digests.digest(found.signed, name)


def _remote(certificate: x509.Certificate) -> list[Sentence]:
    """What the certificate of a key for other software says (decision 77)."""
    values = {"name": shown_name(certificate)}
    match remote_use_in(certificate):
        case RemoteUse.HASH:
            return [
                Sentence("{name} signed a digest alone: the signing service had not seen the document.", values)
            ]
        case RemoteUse.DOCUMENT:
            return [Sentence("{name} signed for other software, with a key for that alone.", values)]
    return []


def _misplaced(found: FoundSignature) -> Verdict | None:
    if not found.complete:
        return _INCOMPLETE
    return fault_of_look(found.look)


def fault_of_look(look: Look) -> Verdict | None:
    """The verdict on a file or revision that was found to show more than one thing."""
    return {Look.SHARED: _SHARED, Look.SEVERAL: _SEVERAL}.get(look)


def doubt_about_look(look: Look) -> Verdict | None:
    """The verdict on one of which that could not be found out."""
    return _UNKNOWN if look is Look.UNKNOWN else None


def _unless_passed(verdict: Verdict) -> Verdict | None:
    return None if verdict == PASSED else verdict


def _foreign(found: FoundSignature, signer: IdentifiedSigner) -> Verdict | None:
    """The kinds of PDF signature that are known here (ISO 32000-2, table 260); PAdES names its signer."""
    if found.subfilter not in _SUBFILTERS:
        return undecided(
            SubIndication.GENERIC,
            "The kind of signature is not known here: {kind}.",
            kind=found.subfilter[1:] or "none",
        )
    if found.subfilter == "/ETSI.CAdES.detached" and not signer.named:
        return undecided(
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            "The signature does not name its signer's certificate under its protection, as PAdES requires.",
        )
    return None


def _is_over_document(message: SignedMessage) -> bool:
    """A PDF's signature is over plain data that lies outside it (ISO 32000-2, 12.8.3.3.1), and says nothing of a
    record of ours (:mod:`hsm.records`)."""
    plain = message.content_type == DATA and message.content is None
    return plain and not any(value in _RECORDS for value in message.signed.get(MIME_TYPE, ()))


def _is_helpless(stamp: ExaminedToken) -> bool:
    return stamp.verdict.indication is Indication.INDETERMINATE and stamp.verdict.subindication in _HELPLESS


def _stamped_badly(stamps: tuple[ExaminedToken, ...], signer: IdentifiedSigner) -> Verdict | None:
    """What a timestamp that does not count means for the signature: nothing where it is whole, unless it
    contradicts the signer's certificate; else it cannot be said who put it there."""
    for stamp in stamps:
        if stamp.verdict.indication is Indication.FAILED:
            reasons = (_BROKEN_STAMP, *stamp.verdict.reasons)
            return Verdict(Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE, reasons)
        if stamp.verdict.indication is Indication.PASSED:
            continue
        untimely = stamp.verdict.subindication is SubIndication.OUT_OF_BOUNDS_NO_POE
        said = stamp.statement.gen_time if stamp.statement else None
        contradicts = untimely and said is not None and said < signer.certificate.not_valid_before_utc
        if contradicts or not _is_helpless(stamp):
            return stamp.verdict
    return None


def _out_of_order(stamps: tuple[ExaminedToken, ...], proven: datetime | None) -> Verdict | None:
    for stamp in stamps:
        if stamp.proves and proven and stamp.proves > proven:
            return undecided(
                SubIndication.TIMESTAMP_ORDER_FAILURE,
                "A timestamp ({time}) is later than the timestamp of the document that covers it ({later}).",
                time=shown_time(stamp.proves),
                later=shown_time(proven),
            )
    return None


def _among_several(first: ExaminedSignature, others: list[ExaminedSignature]) -> ExaminedSignature:
    """One signature of a message with several signers. A PDF's has one (ISO 32000-2, 12.8.3.3.1), so whose it is
    cannot be said; each was judged, and what is broken in one is broken in all."""
    count = 1 + len(others)
    several = undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, replace(SEVERAL, values={"count": count}))
    verdict = worst([several, first.verdict, *(each.verdict for each in others)])
    also = (replace(_ALSO_BY, values={"name": each.signer}) for each in others if each.signer)
    return replace(
        first,
        verdict=verdict,
        intact=verdict.indication is not Indication.FAILED,
        remarks=(*first.remarks, *also),
    )


def policy_of(message: SignedMessage) -> str | None:
    """The OID of the signature policy that a signed attribute names (ETSI EN 319 122-1, 5.2.9); the attribute's
    own where it names none (an implied policy), or cannot be read."""
    values = message.signed.get(SIGNATURE_POLICY, ())
    if not values:
        return None
    try:
        return der.decode(der.Oid, der.members(values[0])[0]).dotted_string
    except (AuthorityError, IndexError):
        return SIGNATURE_POLICY


def _weak(message: SignedMessage, signer: IdentifiedSigner) -> Verdict | None:
    names = (message.digest_name, signer.scheme.hash_name)
    reason = next(filter(None, (weakness(name, signer.certificate) for name in names)), None)
    return undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, reason) if reason else None


def level_of(
    one: ExaminedSignature, everything: Iterable[ExaminedSignature], stored_since: int | None
) -> Level | None:
    """The level; None for document timestamps and for what is not a signature by a known key."""
    if one.found.document_timestamp or one.finding is None or one.verdict.indication is Indication.FAILED:
        return None
    if one.proven is None:
        return Level.B
    if not _has_long_term_data(one, stored_since):
        return Level.T
    archived = any(
        other.found.document_timestamp
        and other.proves is not None
        and other.found.revision > one.found.revision
        and other.found.revision >= (stored_since or 0)  # validation data may come in the timestamp's own revision
        for other in everything
    )
    return Level.LTA if archived else Level.LT


def _has_long_term_data(one: ExaminedSignature, stored_since: int | None) -> bool:
    """Revocation data for the signer's path and that of a timestamp, stored in the document. One timestamp is
    enough: a second one, of an authority outside, adds a witness and takes nothing away."""
    proving = [stamp.finding for stamp in one.stamps if stamp.proves]
    findings = proving or [stamp.finding for stamp in one.stamps]
    of_stamps = [finding is not None and finding.known_from_file for finding in findings]
    dated = any(of_stamps) if proving else all(of_stamps)
    return one.finding is not None and one.finding.known_from_file and dated and stored_since is not None
