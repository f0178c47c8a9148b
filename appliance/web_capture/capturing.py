"""One capture from beginning to end: an address in, files out."""

from __future__ import annotations

import hashlib
import io
import ssl
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from appliance.confinement.jobs import CAPTURE_PICTURES
from appliance.confinement.pool import Confinement
from appliance.errors import ConfinementFailed, DocumentRefused
from appliance.web_capture.destinations import Destinations
from appliance.web_capture.devtools import BrowserGone, DevTools
from appliance.web_capture.enclosure import PORT, browser, enclose
from appliance.web_capture.interception import Interception
from appliance.web_capture.model import (
    LONGEST_ADDRESS,
    CaptureFailed,
    CaptureLimits,
    CaptureOrder,
    CaptureProgress,
    CaptureStage,
    StepOutcome,
    Traffic,
)
from appliance.web_capture.recording_proxy import Recorder, RecordingProxy
from appliance.web_capture.reporting import CaptureReporting, ignore
from appliance.web_capture.session import require_steps
from appliance.web_capture.tab import WIDTH
from appliance.web_capture.upstream import Connecting, server_trust
from appliance.web_capture.visiting import Visit, Visited, Visitor
from appliance.web_capture.wacz import CapturedPage, wacz
from appliance.web_capture.warc import WarcFile

_ALWAYS: Final = (
    "--headless",
    "--remote-debugging-pipe",
    "--user-data-dir=/home/capture/profile",
    "--no-first-run",
    f"--proxy-server=http://127.0.0.1:{PORT}",
    "--proxy-bypass-list=<-loopback>",
    "--disable-quic",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-breakpad",
    "--no-pings",
    "--mute-audio",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--hide-scrollbars",
    f"--window-size={WIDTH},900",
    "--disable-features=Translate,OptimizationHints,MediaRouter,AutofillServerCommunication,DnsOverHttps",
)


@dataclass(frozen=True, slots=True)
class Capture:
    """What a capture gave: the WARC, what was seen, what passed, and with what it was made."""

    address: str
    began: datetime
    ended: datetime
    warc: bytes
    wacz: bytes
    visit: Visit
    traffic: Traffic
    command: tuple[str, ...]
    browser_sha256: str
    browser_package: str
    limits: CaptureLimits
    steps: tuple[StepOutcome, ...] = ()
    session: bytes = b""
    """The recorded screen, an animated WebP; empty where no step asks for it, or nothing moved."""
    frames: tuple[datetime, ...] = ()
    """When each picture of ``session`` was seen."""


def require_address(address: str) -> str:
    """*address*, if it is one that can be captured. Raises :class:`CaptureFailed`."""
    refusal = CaptureFailed(
        "An address begins with http:// or https://, and has a host and no password: {address}.",
        address=address[:200],
    )
    try:
        parts = urlsplit(address)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise refusal from error
    if not fits or "@" in parts.netloc or not address.isprintable() or " " in address or "\\" in address:
        raise refusal
    if len(address) > LONGEST_ADDRESS:
        raise CaptureFailed("An address has at most {longest} characters.", longest=LONGEST_ADDRESS)
    return address


def capture(
    order: CaptureOrder,
    destinations: Destinations,
    *,
    clock: Callable[[], datetime],
    limits: CaptureLimits | None = None,
    trust: Callable[[], ssl.SSLContext] = server_trust,
    made_by: str,
    progress: Callable[[CaptureProgress], None] = ignore,
) -> Capture:
    """Captures what *order* asks for. *made_by* names the program and its release in the WARC file; *progress* is
    called by this thread, a few times a second at most, and an ApplianceError of it ends the capture. Raises
    :class:`CaptureFailed`; nothing is left of a capture that failed."""
    limits, address = limits or CaptureLimits(), require_address(order.address)
    require_steps(order.steps)
    destinations.begin_at(urlsplit(address).hostname or "")
    began, traffic, written = clock(), Traffic(), io.BytesIO()
    reporting = CaptureReporting(progress, traffic)
    reporting.enter(CaptureStage.STARTING)
    warc = WarcFile(written)
    warc.begin({"software": made_by, "format": "WARC File Format 1.1", "conformsTo": _STANDARD}, began)
    with tempfile.TemporaryDirectory(prefix="capture-") as folder:
        interception = Interception(began)
        recorder = Recorder(warc, traffic, Connecting(destinations, traffic, trust), interception, limits, clock)
        visited, command = _browsed(Path(folder), recorder, order, reporting)
    reporting.enter(CaptureStage.PACKING)
    warc.end()
    traffic.note_made(visited.made)
    ended, whole, visit = clock(), written.getvalue(), visited.visit
    page = CapturedPage(visit.loaded_address, visit.title, visit.text, began)
    packed = wacz(whole, warc.entries, page, made_by=made_by, at=ended)
    digest, package = _versions()
    steps, session, frames = visited.steps, visited.session, visited.frames
    return Capture(
        address, began, ended, whole, packed, visit, traffic,
        command, digest, package, limits, steps, session, frames,
    )  # fmt: skip


_DRAWING: Final = 120.0
"""Seconds for putting a picture together."""
_NO_PICTURE: Final = "The browser gave no picture of the page that can be read; nothing was kept."
_NONSENSE: Final = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)
"""What comes of answers that an honest browser does not give."""
_STANDARD: Final = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"


def _browsed(
    folder: Path, recorder: Recorder, order: CaptureOrder, reporting: CaptureReporting
) -> tuple[Visited, tuple[str, ...]]:
    """What a browser gave, and the command by which it ran; it is gone afterwards."""
    trusted = f"--ignore-certificate-errors-spki-list={recorder.interception.fingerprint}"
    enclosure = enclose((*_ALWAYS, trusted))
    proxy = RecordingProxy(enclosure.listener, recorder)
    try:
        with Confinement(folder, warm=1, jobs=CAPTURE_PICTURES, warm_up=()) as drawing:
            tools = DevTools(enclosure.reading, enclosure.writing, waiting=reporting.tick)
            draw = partial(drawing.process, bytes, timeout=_DRAWING, sentence=_NO_PICTURE)
            visitor = partial(Visitor, tools, recorder.limits, lambda: proxy.idle_since, recorder.clock)
            made = partial(visitor, reporting, draw, proxy.why_refused)
            return _visited(made, order), enclosure.command
    finally:
        proxy.close()
        enclosure.end()


def _visited(visitor: Callable[[], Visitor], order: CaptureOrder) -> Visited:
    """What *visitor* gives of it, or one sentence."""
    try:
        return visitor().visit(order)
    except BrowserGone as error:
        raise CaptureFailed(
            "The browser ended or stopped answering while it showed the page; nothing was kept."
        ) from error
    except (DocumentRefused, ConfinementFailed) as error:
        raise CaptureFailed(_NO_PICTURE) from error
    except _NONSENSE as error:
        raise CaptureFailed("The browser answered something that cannot be; nothing was kept.") from error


def _versions() -> tuple[str, str]:
    """SHA-256 of the browser's program, and Debian's name and version of its package."""
    program = Path(browser()).resolve()
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    asked = subprocess.run(
        ["/usr/bin/dpkg-query", "-S", str(program)], capture_output=True, text=True, check=False
    )
    package = asked.stdout.partition(":")[0].strip()
    if not package:
        return digest, ""
    shown = subprocess.run(
        ["/usr/bin/dpkg-query", "-W", "-f", "${Package} ${Version}", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return digest, shown.stdout.strip()
