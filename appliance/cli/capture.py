"""``vermilion capture``: a web page as evidence, headless, in the demonstration's home."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click

from appliance.captures import CaptureRequest
from appliance.captures.recording import new_capture_id
from appliance.cli.founding import found_home, sequencer_of
from appliance.cli.program import NEW_FILE, Context, Terminal
from appliance.config import load
from appliance.confinement.pool import Confinement
from appliance.demonstration import participants
from appliance.errors import ResultRefused, StateRefused
from appliance.evidence.captures.gathering import captured_files
from appliance.evidence.captures.words import WHY
from appliance.evidence.disc import place_new, require_new, work_folder
from appliance.evidence.gathering import current_certificates_of
from appliance.home import Home, make_directory
from appliance.language.sizes import MEGABYTE, ByteSize
from appliance.supervision import inherited, running_authority
from appliance.verification import Indication
from appliance.verification.tokens import shown_time
from appliance.web_capture.capturing import Capture, require_address
from appliance.web_capture.model import (
    CaptureOrder,
    CaptureProgress,
    CaptureStage,
    RefusedRequest,
    TlsTrust,
)
from appliance.wiring import Appliance, open_appliance

_NEW_HOME: Final = 128 * MEGABYTE
"""Bytes for a new home: its typefaces take 80 MB."""
_LEAST: Final = 8 * MEGABYTE
"""Bytes beside the capture itself: what a package adds, the log, the database."""
_SHOWN: Final = 5
"""Requests, responses or hosts that are named on the terminal; the package has all of them."""
_STAGES: Final = {
    CaptureStage.STARTING: "capturing   a clean browser starts",
    CaptureStage.LOADING: "capturing   the page loads",
    CaptureStage.SCROLLING: "capturing   the page is scrolled to its end",
    CaptureStage.STEPS: "capturing   the steps are carried out",
    CaptureStage.PICTURE: "capturing   picture and PDF are taken",
    CaptureStage.PACKING: "capturing   the recording is packed",
}
_TRUST: Final = {
    TlsTrust.TRUSTED: "TLS         {host}: {version}, trusted certificate",
    TlsTrust.HOUSE: "TLS         {host}: {version}, certificate by an authority of the house",
    TlsTrust.UNTRUSTED: "TLS         {host}: {version}, certificate NOT trusted ({why})",
}


@click.command("capture")
@click.argument("address")
@click.option("--out", required=True, type=NEW_FILE, help="The evidence package (ZIP), a new file.")
@click.option("--purpose", default="", help="What the capture is for; it stands in the package.")
@click.pass_context
def capture_command(ctx: click.Context, address: str, out: Path, purpose: str) -> None:
    """Capture a web page as evidence: recorded by a clean browser, timestamped, logged, and packed for others.

    Sets up a home and starts the authority where there is none, and ends what it started. The capture is ordered
    in the name of a person of the demonstration.
    """
    context: Context = ctx.obj
    require_address(address)
    require_new(out)
    with work_folder(out):
        pass  # before anybody waits
    _require_demonstration(context.home)
    founded = context.home.log_key.exists()
    _require_free({context.home.root: _LEAST if founded else _NEW_HOME})
    say, environment = context.terminal.say, inherited(os.environ)
    make_directory(context.home.root)
    with ExitStack() as stack:
        confinement = stack.enter_context(Confinement(context.home.cache))
        found_home(context.home, say=say, environment=environment)
        stack.enter_context(running_authority(context.home, say=say, environment=environment))
        appliance = stack.enter_context(open_appliance(load(context.home), confinement=confinement))
        _require_current(appliance)
        captured = appliance.capture_service.capture(CaptureOrder(address), progress=_Stages(context.terminal))
        size = sum(map(len, captured_files(captured).values())) + _LEAST
        _require_free({context.home.root: size, out.parent: size})  # before anything of it is kept or logged
        package = _packed(appliance, captured, purpose)
    _tell(context.terminal, captured)
    _write(package, out)
    say("package     {path}: {size}", path=out, size=ByteSize(len(package)))
    say("            SHA-256 {digest}", digest=hashlib.sha256(package).hexdigest())
    say("It passed; anybody can judge it again: vermilion verify {path}", path=out)


def _require_demonstration(home: Home) -> None:
    """In an enterprise's home the log names a person for each capture, who signs in to order it."""
    if home.settings.exists():
        settings = load(home)
        organisation = settings.organisation.name
        if organisation != participants.ALPHA:
            raise StateRefused(
                "{home} is the home of {organisation}: its people order captures in the portal. For a trial"
                " choose another directory (VERMILION_HOME=DIR).",
                home=home.root,
                organisation=organisation,
            )
        if not settings.capture.enabled:  # as in a home of an earlier release
            raise StateRefused(
                "No web page is captured in {home}: its settings do not allow it. Write enabled = true under"
                " [capture] in {file}, or choose another directory (VERMILION_HOME=DIR).",
                home=home.root,
                file=home.settings,
            )


def _require_current(appliance: Appliance) -> None:
    """A package could be made now. Else what was logged would have none."""
    try:
        current_certificates_of(appliance.authority, appliance.now())
    except StateRefused as error:
        raise StateRefused(
            "No web page is captured in {home}: it is so old that a revocation list of its authority has run out,"
            " and a package would prove nothing. Renew that of the root in a ceremony, or choose another directory"
            " (VERMILION_HOME=DIR).",
            home=appliance.settings.home.root,
        ) from error


def _require_free(needed: Mapping[Path, int]) -> None:
    """Raises :class:`StateRefused` where the disk of a path has fewer bytes left than are *needed* there, by all
    on the same disk together."""
    disks: dict[int, int] = {}
    for path, size in needed.items():
        there = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
        device = there.stat().st_dev
        disks[device] = disks.get(device, 0) + size
        free = shutil.disk_usage(there).free
        if free < disks[device]:
            raise StateRefused(
                "The disk of {path} has {free} left, and a capture needs {needed}; nothing was kept. Make room"
                " there, or choose another place.",
                path=path,
                free=ByteSize(free),
                needed=ByteSize(disks[device]),
            )


class _Stages:
    """Says each stage of a capture once."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._said: CaptureStage | None = None

    def __call__(self, progress: CaptureProgress) -> None:
        if progress.stage is not self._said:
            self._said = progress.stage
            self._terminal.say(_STAGES[progress.stage])


def _write(package: bytes, out: Path) -> None:
    """Writes all of it, or nothing. Raises :class:`DiscRefused`."""
    with work_folder(out) as folder:
        made = Path(folder) / "package.zip"
        made.write_bytes(package)
        place_new((made, out))


def _packed(appliance: Appliance, captured: Capture, purpose: str) -> bytes:
    """The package of *captured*, recorded and judged as others would. Raises :class:`ResultRefused`."""
    person = participants.ZHANG
    request = CaptureRequest(new_capture_id(), purpose, person.name, person.organisation, person.zone)
    recorded = appliance.capture_recording.record(captured, request=request, by=person.subject)
    sequencer_of(appliance).run_once()
    package = appliance.capture_recording.package(recorded)
    report = appliance.verifier.verify(package)
    if report.indication is not Indication.PASSED:
        raise ResultRefused(
            "The evidence package did not pass its own verification, so it was not written: {why}",
            why=" ".join(map(str, report.reasons)),
        )
    return package


def _tell(terminal: Terminal, captured: Capture) -> None:
    """What was captured, and what was not; texts of the page without what would move the cursor."""
    visit, traffic = captured.visit, captured.traffic
    terminal.say("captured    {address}", address=_plain(visit.address))
    if visit.title:
        terminal.say("            {title}", title=_plain(visit.title))
    terminal.say(
        "received    {size}; requests: {requests}; hosts: {hosts}; until {moment}",
        size=ByteSize(traffic.received),
        requests=traffic.requests,
        hosts=len(traffic.resolutions),
        moment=shown_time(captured.ended),
    )
    for tls in list(traffic.tls.values())[:_SHOWN]:
        if tls.trust in _TRUST:
            terminal.say(
                _TRUST[tls.trust], host=_plain(tls.host), version=_plain(tls.version), why=_plain(tls.why)
            )
    _tell_of(terminal, "refused     requests: {count}", traffic.refused)
    _tell_of(terminal, "cut off     responses: {count}", traffic.cut)
    if visit.cut:
        terminal.say("not whole   the page went beyond a limit: {limits}", limits=_plain(", ".join(visit.cut)))
    elif not visit.loaded:
        terminal.say("not whole   the page had not finished loading")


def _tell_of(terminal: Terminal, heading: str, found: list[RefusedRequest]) -> None:
    if found:
        terminal.say(heading, count=len(found))
    for each in found[:_SHOWN]:
        terminal.say(
            "            {address} ({why})", address=_plain(each.address), why=_reason(terminal, each.why)
        )


def _reason(terminal: Terminal, word: str) -> str:
    known = WHY.get(word)
    return _plain(word) if known is None else terminal.translated(known.template)


def _plain(text: str) -> str:
    shown = "".join(each if each.isprintable() else " " for each in text)
    return shown if len(shown) <= 200 else f"{shown[:199]}…"
