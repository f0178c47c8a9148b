"""``vermilion verify``: the verdict about a file, for people or for programs. Needs no running appliance."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from appliance.cli.program import FILE, Context, report_fault
from appliance.confinement.jobs import VERIFICATION
from appliance.confinement.pool import Confinement
from appliance.errors import ApplianceError

FORMS = ("text", "json", "html", "etsi")
NO_VERDICT = 3
"""The exit status of INDETERMINATE, also when nothing could be judged at all."""


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
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--trust",
    type=FILE,
    multiple=True,
    help="Certificates (PEM or DER) that you trust, such as the issuer's root, instead of the root of the home;"
    " once for each file.",
)
@click.option(
    "--witnesses",
    type=FILE,
    help="For an evidence package: demand the quorum of this witness policy (C2SP tlog-policy).",
)
@click.option("--at", type=InstantParameter(), help="Judge as of this time (ISO 8601) instead of now.")
@click.option("--data", type=FILE, help="For a timestamp: the file that it dates.")
@click.option(
    "--report",
    "form",
    type=click.Choice(FORMS),
    default=FORMS[0],
    help="What is printed: text, JSON, HTML, or ETSI's validation report (TS 119 102-2, XML).",
)
@click.option("--json", "form", flag_value="json", help="The same as --report json.")
@click.pass_context
def verify_command(
    ctx: click.Context,
    file: Path,
    trust: tuple[Path, ...],
    witnesses: Path | None,
    at: datetime | None,
    data: Path | None,
    form: str,
) -> None:
    """Verify a PDF, a timestamp or an evidence package, also one that was unpacked: its folder.

    Exit status: 0 TOTAL-PASSED, 1 TOTAL-FAILED, 3 INDETERMINATE, 2 wrong usage.
    """
    context: Context = ctx.obj
    try:
        with Confinement(context.home.cache, warm=1, jobs=VERIFICATION, warm_up=()) as confinement:
            # Imported now, while the confined process starts, which takes as long.
            from appliance.cli import verdict  # noqa: PLC0415
            from appliance.verification.model import FileKind  # noqa: PLC0415

            anchors = verdict.trust_anchors(context.home, trust)
            report = verdict.judge(confinement, anchors, file, data=data, at=at, witnesses=witnesses)
            if witnesses is not None and report.kind is not FileKind.EVIDENCE:
                raise click.UsageError("--witnesses is for evidence packages, which have a log; this is none.")
            text = verdict.shown(report, form, context.terminal.language)
    except click.UsageError:
        raise
    except ApplianceError as refusal:
        context.terminal.refuse(refusal)
        ctx.exit(NO_VERDICT)
    except Exception as fault:  # whatever the input did: no verdict could be reached
        report_fault(context, fault)
        ctx.exit(NO_VERDICT)
    click.echo(text)
    ctx.exit(report.indication.exit_status)
