"""``vermilion verify``: the verdict about a file, for people or for programs. Needs no running appliance."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from appliance.cli.program import Context, report_fault
from appliance.confinement import Confinement
from appliance.errors import ApplianceError, ConfigurationError
from appliance.evidence.verification import verify_package
from appliance.language import Translator, translator
from appliance.verification import Indication, SignatureReport, TrustAnchors, VerificationReport, Verifier
from appliance.verification.report import words
from appliance.verification.tokens import shown_time

FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


class InstantParameter(click.ParamType[datetime]):
    """An instant in ISO 8601, such as ``2026-11-25T16:00:00+08:00``; without a zone it is UTC."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware instant."""
        try:
            moment = datetime.fromisoformat(str(value))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time in ISO 8601, such as 2026-11-25T16:00:00+08:00", param, ctx)


@click.command("verify")
@click.argument("file", type=FILE)
@click.option(
    "--trust", type=FILE, multiple=True, help="Believe these certificates (PEM) instead of the appliance's."
)
@click.option("--at", type=InstantParameter(), help="Judge as of this time (ISO 8601) instead of now.")
@click.option("--data", type=FILE, help="For a timestamp: the file that it dates.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.pass_context
def verify_command(
    ctx: click.Context, file: Path, trust: tuple[Path, ...], at: datetime | None, data: Path | None, as_json: bool
) -> None:
    """Verify a PDF, a timestamp or an evidence package.

    Exit status: 0 TOTAL-PASSED, 1 TOTAL-FAILED, 3 INDETERMINATE, 2 wrong usage.
    """
    context: Context = ctx.obj
    anchors = _anchors(context, trust)
    try:
        with Confinement(context.home.cache, warm=1) as confinement:
            verifier = Verifier(confinement, anchors, evidence=verify_package)
            report = verifier.verify_file(file, data=data.read_bytes() if data else None, at=at)
    except ApplianceError as refusal:
        context.terminal.refuse(refusal)
        ctx.exit(Indication.INDETERMINATE.exit_status)
    except Exception as fault:  # whatever the input did: no verdict could be reached
        report_fault(context, fault)
        ctx.exit(Indication.INDETERMINATE.exit_status)
    click.echo(
        json.dumps(report.to_json(), ensure_ascii=False, indent=2) if as_json else _readable(context, report)
    )
    ctx.exit(report.indication.exit_status)


def _anchors(context: Context, trust: tuple[Path, ...]) -> TrustAnchors:
    try:
        if trust:
            return TrustAnchors.from_files(trust)
        own = context.home.trust / "ca.pem"
        return TrustAnchors.from_files([own]) if own.exists() else TrustAnchors(())
    except ConfigurationError as refusal:
        raise click.UsageError(str(refusal)) from refusal
    except OSError as error:
        raise click.UsageError(f"The trust file cannot be read: {error.strerror}.") from error


def _readable(context: Context, report: VerificationReport) -> str:
    translate = translator(context.terminal.language)
    lines = [
        f"{report.file}: {report.indication}"
        + (f" ({report.verdict.subindication})" if report.verdict.subindication else "")
    ]
    lines += [f"  {reason.translated(translate)}" for reason in (*report.verdict.reasons, *report.remarks)]
    for signature in report.signatures:
        lines += ["", *_signature(context, signature)]
    return "\n".join(lines)


def _signature(context: Context, signature: SignatureReport) -> list[str]:
    translate = translator(context.terminal.language)
    rows = (
        (translate("Signer"), signature.signer),
        (translate("Signed at"), signature.signing_time and shown_time(signature.signing_time)),
        (translate("Level"), signature.level),
        (translate("Coverage"), signature.coverage and translate(words.COVERAGES[signature.coverage.value])),
        (translate("Changes since"), _changes(signature, translate)),
    )
    heading = f"  {signature.field or translate('Timestamp token')}: {signature.verdict.indication}"
    found = ["    " + translate("{label}: {value}", label=label, value=value) for label, value in rows if value]
    return [heading, *found, *(f"    {reason.translated(translate)}" for reason in signature.verdict.reasons)]


def _changes(signature: SignatureReport, translate: Translator) -> str | None:
    sentences = (row.sentence.translated(translate) for row in signature.rows if row.subject == "changes")
    return next(sentences, None)
