"""What ``vermilion verify`` does while the confined process starts: trust anchors, the report, and its text."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from appliance.confinement.pool import Confinement
from appliance.errors import ConfigurationError
from appliance.home import Home
from appliance.language import Language, Translator, translator
from appliance.verification import SignatureReport, TrustAnchors, VerificationReport, Verifier
from appliance.verification.etsi_report import render_xml
from appliance.verification.report import COVERAGES, REMEDIES, render_html
from appliance.verification.tokens import shown_time


def trust_anchors(home: Home, trust: tuple[Path, ...]) -> TrustAnchors:
    """The certificates in the files *trust*, else the root of *home*, if there is one. Raises click.UsageError."""
    try:
        if trust:
            return TrustAnchors.from_files(trust)
        own = home.trust / "ca.pem"
        return TrustAnchors.from_files([own]) if own.exists() else TrustAnchors(())
    except ConfigurationError as refusal:
        raise click.UsageError(str(refusal)) from refusal
    except OSError as error:
        raise click.UsageError(f"The trust file cannot be read: {error.strerror}.") from error


def judge(
    confinement: Confinement,
    anchors: TrustAnchors,
    file: Path,
    *,
    data: Path | None,
    at: datetime | None,
    witnesses: Path | None = None,
) -> VerificationReport:
    """The report about *file*, or about the package unpacked in this folder; *data* is what a timestamp dates,
    *witnesses* a policy whose quorum is demanded. Raises as :meth:`Verifier.verify_file`, and
    :class:`ConfigurationError` for the policy."""
    verifier = Verifier(confinement, anchors, evidence=partial(_verify_package, policy=witnesses))
    if file.is_dir():
        return verifier.verify_folder(file, at=at)
    return verifier.verify_file(file, data=data.read_bytes() if data else None, at=at)


def _verify_package(
    package: bytes | Path, *, verifier: Verifier, at: datetime, anchors: TrustAnchors, policy: Path | None
) -> VerificationReport:
    # Imported now: whoever verifies a PDF does not wait for it.
    from appliance.evidence.verification import verify_package  # noqa: PLC0415
    from appliance.evidence.witnessing import WitnessDemand  # noqa: PLC0415
    from appliance.witnesses import read_policy  # noqa: PLC0415

    witnesses = None if policy is None else WitnessDemand(read_policy(policy), demanded=True)
    return verify_package(package, verifier=verifier, at=at, anchors=anchors, witnesses=witnesses)


def shown(report: VerificationReport, form: str, language: Language) -> str:
    """The report in one of the forms that ``--report`` names. Raises
    :class:`appliance.verification.etsi_report.NoValidationReport`."""
    match form:
        case "json":
            return as_json(report)
        case "html":
            return render_html(report, language)
        case "etsi":
            return render_xml(report, language).decode()
        case _:
            return as_text(report, language)


def as_json(report: VerificationReport) -> str:
    """The report for programs."""
    return json.dumps(report.to_json(), ensure_ascii=False, indent=2)


def as_text(report: VerificationReport, language: Language) -> str:
    """The report for people, in lines. Names of fields, files and people are anybody's choice: what would begin a
    line, move the cursor or turn the direction is a blank here."""
    translate = translator(language)
    lines = [
        f"{report.file}: {report.indication}"
        + (f" ({report.verdict.subindication})" if report.verdict.subindication else "")
    ]
    lines += [f"  {reason.translated(translate)}" for reason in report.verdict.reasons]
    if report.verdict.subindication:
        remedy = translate(REMEDIES[report.verdict.subindication])
        lines.append("  " + translate("What to do: {remedy}", remedy=remedy))
    lines += [f"  {remark.translated(translate)}" for remark in report.general_remarks]
    for signature in report.signatures:
        lines += ["", *_signature(translate, signature)]
    return "\n".join("".join(each if each.isprintable() else " " for each in line) for line in lines)


def _signature(translate: Translator, signature: SignatureReport) -> list[str]:
    rows = (
        (translate("Signer"), signature.signer),
        (translate("Signed at"), signature.timestamp and shown_time(signature.timestamp)),
        (translate("Time claimed by the signer"), signature.claimed and shown_time(signature.claimed)),
        (translate("Level"), signature.level),
        (translate("Coverage"), signature.coverage and translate(COVERAGES[signature.coverage.value])),
        (translate("Changes since"), _changes(signature, translate)),
    )
    heading = f"  {signature.field or translate('Timestamp token')}: {signature.verdict.indication}"
    found = ["    " + translate("{label}: {value}", label=label, value=value) for label, value in rows if value]
    warnings = (
        translate("Warning: {warning}", warning=warning.translated(translate)) for warning in signature.warnings
    )
    reasons = (reason.translated(translate) for reason in signature.verdict.reasons)
    return [heading, *found, *(f"    {each}" for each in (*reasons, *warnings))]


def _changes(signature: SignatureReport, translate: Translator) -> str | None:
    sentences = (row.sentence.translated(translate) for row in signature.rows if row.subject == "changes")
    return next(sentences, None)
