"""The words of a verdict (ETSI EN 319 102-1, 5.1.3 and tables 5 and 6) and the report that carries them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from appliance.pdf.values import PagePair
from hsm.errors import Sentence


class Indication(StrEnum):
    """The three verdicts. Their exit statuses are 0, 1 and 3 (2 is kept for wrong usage)."""

    PASSED = "TOTAL-PASSED"
    FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"

    @property
    def exit_status(self) -> int:
        """What ``vermilion verify`` ends with."""
        return {Indication.PASSED: 0, Indication.FAILED: 1, Indication.INDETERMINATE: 3}[self]


class SubIndication(StrEnum):
    """Why not passed. The last one is ours: EN 319 102-1 starts where a signature has been found."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    NO_POE = "NO_POE"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    GENERIC = "GENERIC"
    NO_SIGNATURE_FOUND = "NO_SIGNATURE_FOUND"


class FileKind(StrEnum):
    """What was verified."""

    PDF = "pdf"
    TIMESTAMP = "timestamp"
    EVIDENCE = "evidence"


class Level(StrEnum):
    """Baseline level of a PAdES signature (ETSI EN 319 142-1, clause 6)."""

    B = "B-B"
    T = "B-T"
    LT = "B-LT"
    LTA = "B-LTA"


class Coverage(StrEnum):
    """How much of the file a signature speaks for: all of it, its whole revision, or less (which fails)."""

    FILE = "whole-file"
    REVISION = "whole-revision"
    PARTIAL = "partial"


class Changes(StrEnum):
    """What came after the signed revision."""

    NONE = "none"
    VALIDATION_DATA = "validation-data"
    SIGNED_ON = "further-signatures"
    FILLED = "form-filling"
    UNEXPLAINED = "unexplained"
    CHANGED = "changed"
    UNKNOWN = "unknown"


class RowAnswer(StrEnum):
    """One row of the simple report: yes, no, or it cannot be said."""

    YES = "yes"
    NO = "no"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One row of the simple report; ``subject`` is a key of :data:`appliance.verification.report.ROWS`."""

    subject: str
    answer: RowAnswer
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Verdict:
    """An indication with its sub-indication (None exactly when passed) and at least one reason when not passed."""

    indication: Indication
    subindication: SubIndication | None = None
    reasons: tuple[Sentence, ...] = ()


PASSED = Verdict(Indication.PASSED)


@dataclass(frozen=True, slots=True)
class CertificateDetails:
    """A certificate of the validated path as the detailed report shows it; ``fingerprint`` is SHA-256 in hex,
    ``encoded`` the certificate in DER."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    fingerprint: str
    encoded: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class ContentDigest:
    """A digest of what is signed; ``algorithm`` as hashlib names it."""

    algorithm: str
    value: bytes


@dataclass(frozen=True, slots=True)
class StampReport:
    """One timestamp over a signature: who gave it (as its certificate says), for when, and whether it holds.
    ``digest`` is the SHA-256 of the token in hex."""

    authority: str | None
    time: datetime | None
    verdict: Verdict
    digest: str = ""

    def to_json(self) -> dict[str, Any]:
        """As part of the published JSON."""
        return {
            "authority": self.authority,
            "time": _instant(self.time),
            "indication": self.verdict.indication.value,
            "subindication": _value(self.verdict.subindication),
        }


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """One signature, document timestamp or timestamp token.

    ``signing_time`` is the best time known: the timestamp's, else what the signer claims. ``timestamp`` is the
    time of the signature timestamp (of the token itself for document timestamps). ``claimed`` is the claim
    alone. ``stamps`` are all timestamps over the signature, each judged for itself. ``end`` is where
    in the file ends what it covers; ``content_digest`` is the digest of that. ``warnings`` do not change the
    verdict: departures from the standards, and what was not judged. ``policy`` is the OID of the signature policy
    under which the signature says that it was made (ETSI EN 319 122-1, 5.2.9), which is not processed.
    """

    field: str | None
    verdict: Verdict
    signer: str | None = None
    signing_time: datetime | None = None
    timestamp: datetime | None = None
    level: Level | None = None
    coverage: Coverage | None = None
    changes: Changes | None = None
    claimed: datetime | None = None
    document_timestamp: bool = False
    rows: tuple[ReportRow, ...] = ()
    path: tuple[CertificateDetails, ...] = ()
    algorithms: str | None = None
    stamps: tuple[StampReport, ...] = ()
    end: int | None = None
    warnings: tuple[Sentence, ...] = ()
    policy: str | None = None
    content_digest: ContentDigest | None = None

    @property
    def passed(self) -> bool:
        """Whether the indication is TOTAL-PASSED: the signature holds and leads to a trust anchor."""
        return self.verdict.indication is Indication.PASSED

    def to_json(self) -> dict[str, Any]:
        """The keys of the published JSON; times in UTC, ISO 8601 with ``Z``. ``timestamps`` only when several,
        ``document_timestamp`` only for what is no signature of anybody's, ``warnings`` and ``policy`` where there
        are any."""
        several = {"timestamps": [each.to_json() for each in self.stamps]} if len(self.stamps) > 1 else {}
        dated = {"document_timestamp": True} if self.document_timestamp else {}
        warned = {"warnings": list(dict.fromkeys(map(str, self.warnings)))} if self.warnings else {}
        policy = {"policy": self.policy} if self.policy else {}
        return {
            "field": self.field,
            "indication": self.verdict.indication.value,
            "subindication": _value(self.verdict.subindication),
            "signer": self.signer,
            "signing_time": _instant(self.signing_time),
            "timestamp": _instant(self.timestamp),
            "level": _value(self.level),
            "coverage": _value(self.coverage),
            "changes": _value(self.changes),
            **several,
            **dated,
            **warned,
            **policy,
        }


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """The verdict about one file. ``at`` is the moment that was judged for, ``digest`` the file's SHA-256 in hex.

    ``remarks`` do not change the verdict. ``compared`` says whether the file is the one that was asked about;
    people read it before the verdict, since another file may be valid, too. ``signed_revision`` is the length in
    bytes of the last signed revision, given when something came after it.
    """

    file: str
    kind: FileKind
    verdict: Verdict
    at: datetime
    digest: str = ""
    signatures: tuple[SignatureReport, ...] = ()
    remarks: tuple[Sentence, ...] = ()
    compared: tuple[ReportRow, ...] = ()
    pages: tuple[PagePair, ...] = ()
    signed_revision: int | None = None

    @property
    def indication(self) -> Indication:
        return self.verdict.indication

    @property
    def general_remarks(self) -> tuple[Sentence, ...]:
        """The remarks that are not the warnings of one signature."""
        own = {str(warning) for each in self.signatures for warning in each.warnings}
        return tuple(each for each in self.remarks if str(each) not in own)

    @property
    def every_remark(self) -> tuple[str, ...]:
        """The remarks as English sentences, none twice; what was compared is first."""
        compared = (row.sentence for row in self.compared)
        return tuple(dict.fromkeys(map(str, (*compared, *self.remarks))))

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons as English sentences, none twice."""
        return tuple(dict.fromkeys(str(reason) for reason in self.verdict.reasons))

    def to_json(self) -> dict[str, Any]:
        """The published JSON of ``vermilion verify --json``."""
        return {
            "file": self.file,
            "kind": self.kind.value,
            "indication": self.verdict.indication.value,
            "subindication": _value(self.verdict.subindication),
            "reasons": list(self.reasons),
            "remarks": list(self.every_remark),
            "signatures": [signature.to_json() for signature in self.signatures],
        }


def _value(word: StrEnum | None) -> str | None:
    return None if word is None else word.value


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def failed(subindication: SubIndication, reason: Sentence | str, **values: Any) -> Verdict:
    """TOTAL-FAILED for *reason*, or for a sentence with its *values*."""
    return _verdict(Indication.FAILED, subindication, reason, values)


def undecided(subindication: SubIndication, reason: Sentence | str, **values: Any) -> Verdict:
    """INDETERMINATE for *reason*, or for a sentence with its *values*."""
    return _verdict(Indication.INDETERMINATE, subindication, reason, values)


def _verdict(
    indication: Indication, subindication: SubIndication, reason: Sentence | str, values: Mapping[str, Any]
) -> Verdict:
    stated = Sentence(reason, values) if isinstance(reason, str) else reason
    return Verdict(indication, subindication, (stated,))


_ORDER = (Indication.FAILED, Indication.INDETERMINATE, Indication.PASSED)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of *verdicts*, first one first, with the reasons of all that are not passed."""
    ordered = sorted(verdicts, key=lambda verdict: _ORDER.index(verdict.indication))
    if not ordered or ordered[0].indication is Indication.PASSED:
        return PASSED
    bad = [verdict for verdict in ordered if verdict.indication is not Indication.PASSED]
    reasons = {str(reason): reason for verdict in bad for reason in verdict.reasons}
    return Verdict(bad[0].indication, bad[0].subindication, tuple(reasons.values()))
