"""Reports as plain values, to leave a confined process by CBOR, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from appliance.verification.model import (
    CertificateDetails,
    Changes,
    Coverage,
    FileKind,
    Indication,
    Level,
    PagePair,
    Reason,
    ReportRow,
    RowAnswer,
    SignatureReport,
    StampReport,
    SubIndication,
    Verdict,
    VerificationReport,
)


def pack(report: VerificationReport) -> dict[str, Any]:
    """The report as dictionaries, lists, strings, bytes and numbers."""
    return {
        "file": report.file,
        "kind": report.kind.value,
        "verdict": _verdict(report.verdict),
        "at": _moment(report.at),
        "digest": report.digest,
        "signatures": [_signature(each) for each in report.signatures],
        "remarks": [_reason(each) for each in report.remarks],
        "pages": [[pair.page, pair.before, pair.after] for pair in report.pages],
        "signed_revision": report.signed_revision,
    }


def unpack(packed: dict[str, Any]) -> VerificationReport:
    """The inverse of :func:`pack`; KeyError, TypeError or ValueError for anything else."""
    return VerificationReport(
        file=str(packed["file"]),
        kind=FileKind(packed["kind"]),
        verdict=_read_verdict(packed["verdict"]),
        at=_instant(packed["at"]),
        digest=str(packed["digest"]),
        signatures=tuple(_read_signature(each) for each in packed["signatures"]),
        remarks=tuple(_read_reason(each) for each in packed["remarks"]),
        pages=tuple(PagePair(int(page), bytes(before), bytes(after)) for page, before, after in packed["pages"]),
        signed_revision=packed["signed_revision"],
    )


def _reason(reason: Reason) -> list[Any]:
    return [reason.template, {key: _plain(value) for key, value in reason.values.items()}]


def _plain(value: object) -> int | float | str:
    return value if isinstance(value, int | float | str) else str(value)


def _verdict(verdict: Verdict) -> list[Any]:
    subindication = verdict.subindication.value if verdict.subindication else None
    return [verdict.indication.value, subindication, [_reason(reason) for reason in verdict.reasons]]


def _signature(report: SignatureReport) -> dict[str, Any]:
    return {
        "field": report.field,
        "verdict": _verdict(report.verdict),
        "signer": report.signer,
        "signing_time": _moment(report.signing_time),
        "timestamp": _moment(report.timestamp),
        "level": report.level and report.level.value,
        "coverage": report.coverage and report.coverage.value,
        "changes": report.changes and report.changes.value,
        "claimed": _moment(report.claimed),
        "document_timestamp": report.document_timestamp,
        "rows": [[row.subject, row.answer.value, _reason(row.sentence)] for row in report.rows],
        "path": [_certificate(each) for each in report.path],
        "algorithms": report.algorithms,
        "stamps": [[each.authority, _moment(each.time), _verdict(each.verdict)] for each in report.stamps],
    }


def _certificate(details: CertificateDetails) -> list[Any]:
    return [
        details.subject,
        details.issuer,
        details.serial,
        _moment(details.not_before),
        _moment(details.not_after),
        details.fingerprint,
    ]


def _read_reason(packed: list[Any]) -> Reason:
    template, values = packed
    return Reason(str(template), dict(values))


def _read_verdict(packed: list[Any]) -> Verdict:
    indication, subindication, reasons = packed
    return Verdict(
        Indication(indication),
        SubIndication(subindication) if subindication else None,
        tuple(_read_reason(reason) for reason in reasons),
    )


def _read_signature(packed: dict[str, Any]) -> SignatureReport:
    return SignatureReport(
        field=packed["field"],
        verdict=_read_verdict(packed["verdict"]),
        signer=packed["signer"],
        signing_time=_optional(packed["signing_time"]),
        timestamp=_optional(packed["timestamp"]),
        level=Level(packed["level"]) if packed["level"] else None,
        coverage=Coverage(packed["coverage"]) if packed["coverage"] else None,
        changes=Changes(packed["changes"]) if packed["changes"] else None,
        claimed=_optional(packed["claimed"]),
        document_timestamp=bool(packed["document_timestamp"]),
        rows=tuple(
            ReportRow(str(name), RowAnswer(answer), _read_reason(text)) for name, answer, text in packed["rows"]
        ),
        path=tuple(_read_certificate(each) for each in packed["path"]),
        algorithms=packed["algorithms"],
        stamps=tuple(
            StampReport(authority, _optional(time), _read_verdict(verdict))
            for authority, time, verdict in packed["stamps"]
        ),
    )


def _read_certificate(packed: list[Any]) -> CertificateDetails:
    subject, issuer, serial, not_before, not_after, fingerprint = packed
    return CertificateDetails(subject, issuer, serial, _instant(not_before), _instant(not_after), fingerprint)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _optional(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
