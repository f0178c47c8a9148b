"""One capture from beginning to end: an address in, files out; and whether this machine can capture at all."""

from __future__ import annotations

import hashlib
import io
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from appliance.web_capture.live_view import LiveHand
from appliance.web_capture.logging_in import LogInByHand
from appliance.web_capture.model import (
    LONGEST_ADDRESS,
    CaptureFailed,
    CaptureLimits,
    CaptureOrder,
    CaptureProgress,
    CaptureStage,
    ManualLogIn,
    StepOutcome,
    Traffic,
)
from appliance.web_capture.recording_proxy import Recorder, RecordingProxy
from appliance.web_capture.reporting import CaptureReporting, ignore
from appliance.web_capture.session import require_steps
from appliance.web_capture.tab import WIDTH, Tab
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
    log_in: ManualLogIn | None = None
    """Of somebody who logged in by hand before; None where nobody did."""


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


def capture(  # noqa: PLR0913 - everything that it works with, all but two by name
    order: CaptureOrder,
    destinations: Destinations,
    *,
    clock: Callable[[], datetime],
    limits: CaptureLimits | None = None,
    trust: Callable[[], ssl.SSLContext] = server_trust,
    made_by: str,
    progress: Callable[[CaptureProgress], None] = ignore,
    live: LiveHand | None = None,
) -> Capture:
    """Captures what *order* asks for. *made_by* names the program and its release in the WARC file; *progress* is
    called by this thread, a few times a second at most, and an ApplianceError of it ends the capture. *live* is
    who logs in, where the order says that somebody does. Raises :class:`CaptureFailed`; nothing is left of a
    capture that failed."""
    limits, address = limits or CaptureLimits(), require_address(order.address)
    require_steps(order.steps)
    if order.log_in != (live is not None):
        raise CaptureFailed("Nobody can log in by hand for this capture; order it without.")
    destinations.begin_at(urlsplit(address).hostname or "")
    reporting = CaptureReporting(progress)
    reporting.enter(CaptureStage.STARTING)
    recording = _Recording(destinations, trust, limits, clock, made_by)
    with tempfile.TemporaryDirectory(prefix="capture-") as folder:
        visited, command = _browsed(Path(folder), recording, order, reporting, live)
    reporting.enter(CaptureStage.PACKING)
    recording.warc.end()
    recording.traffic.note_made(visited.made)
    ended, whole, visit = clock(), recording.written.getvalue(), visited.visit
    page = CapturedPage(visit.loaded_address, visit.title, visit.text, recording.began)
    packed = wacz(whole, recording.warc.entries, page, made_by=made_by, at=ended)
    digest, package = _versions()
    steps, session, frames = visited.steps, visited.session, visited.frames
    return Capture(
        address, recording.began, ended, whole, packed, visit, recording.traffic,
        command, digest, package, limits, steps, session, frames, recording.log_in,
    )  # fmt: skip


_DRAIN: Final = 5.0
"""Seconds for what a page that was left has still under way."""
_DRAWING: Final = 120.0
"""Seconds for putting a picture together."""
_NO_PICTURE: Final = "The browser gave no picture of the page that can be read; nothing was kept."
_NONSENSE: Final = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)
"""What comes of answers that an honest browser does not give."""
_STANDARD: Final = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"


class _Recording:
    """What is recorded, from :meth:`begin` on; what passes before is only counted."""

    def __init__(
        self,
        destinations: Destinations,
        trust: Callable[[], ssl.SSLContext],
        limits: CaptureLimits,
        clock: Callable[[], datetime],
        made_by: str,
    ) -> None:
        self._destinations, self._trust, self._made_by = destinations, trust, made_by
        self.limits, self.clock = limits, clock
        self.began, self.traffic, self.written = clock(), Traffic(), io.BytesIO()
        self.interception = Interception(self.began)
        self.warc = WarcFile(self.written)
        self.log_in: ManualLogIn | None = None

    def begin(self) -> Recorder:
        """Begins the file, and says where everything is recorded."""
        self.began, self.traffic = self.clock(), Traffic()
        about = {"software": self._made_by, "format": "WARC File Format 1.1", "conformsTo": _STANDARD}
        self.warc.begin(about, self.began)
        return replace(self.unrecorded(self.traffic), warc=self.warc)

    def unrecorded(self, traffic: Traffic, **less: int) -> Recorder:
        """Counts in *traffic* alone; *less* are limits that are other ones."""
        connecting = Connecting(self._destinations, traffic, self._trust)
        return Recorder(None, traffic, connecting, self.interception, replace(self.limits, **less), self.clock)


def _browsed(
    folder: Path, recording: _Recording, order: CaptureOrder, reporting: CaptureReporting, live: LiveHand | None
) -> tuple[Visited, tuple[str, ...]]:
    """What a browser gave, and the command by which it ran; it is gone afterwards."""
    trusted = f"--ignore-certificate-errors-spki-list={recording.interception.fingerprint}"
    enclosure = enclose((*_ALWAYS, trusted))
    way = _WayOut(enclosure.listener, reporting)
    try:
        with Confinement(folder, warm=1, jobs=CAPTURE_PICTURES, warm_up=()) as drawing, _in_one_sentence():
            tools = DevTools(enclosure.reading, enclosure.writing, waiting=reporting.tick)
            draw = partial(drawing.process, bytes, timeout=_DRAWING, sentence=_NO_PICTURE)
            way.lead(recording.unrecorded(Traffic()) if live else recording.begin())
            tab = Tab(tools, lambda: way.idle_since, recording.clock, reporting)
            if live is not None:
                _log_in(tab, order, way, recording, live)
            visitor = Visitor(tab, recording.limits, reporting, draw, way.why_refused)
            return visitor.visit(order), enclosure.command
    finally:
        way.close()
        enclosure.end()


def _log_in(tab: Tab, order: CaptureOrder, way: _WayOut, recording: _Recording, live: LiveHand) -> None:
    """Has somebody log in; then nothing may pass until what was under way has ended, and then it is recorded."""
    began, passed = recording.clock(), way.traffic
    way.reporting.enter(CaptureStage.LOG_IN)
    LogInByHand(tab, live, recording.limits.log_in).run(order.address)
    recording.log_in = ManualLogIn(began, recording.clock(), passed.requests, tuple(passed.connected))
    way.lead(recording.unrecorded(Traffic(), requests=0))
    tab.settle(time.monotonic() + _DRAIN)
    way.lead(recording.begin())


class _WayOut:
    """The only way out of a browser: one proxy after the other."""

    def __init__(self, listener: socket.socket, reporting: CaptureReporting) -> None:
        self._listener, self.reporting = listener, reporting
        self._proxy: RecordingProxy | None = None

    def lead(self, recorder: Recorder) -> None:
        """Whatever passes from now on is *recorder*'s; what was under way is ended."""
        self.close()
        self._proxy = RecordingProxy(self._listener, recorder)
        self.traffic = self.reporting.traffic = recorder.traffic

    @property
    def idle_since(self) -> datetime | None:
        """As the proxy says."""
        return None if self._proxy is None else self._proxy.idle_since

    def why_refused(self, address: str) -> str:
        """As the proxy says."""
        return "" if self._proxy is None else self._proxy.why_refused(address)

    def close(self) -> None:
        """Nothing passes any more."""
        if self._proxy is not None:
            self._proxy.close()


@contextmanager
def _in_one_sentence() -> Iterator[None]:
    """Whatever a browser does within it is a sentence."""
    try:
        yield
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


_ARGUMENTS: Final = (
    "--headless",
    "--remote-debugging-pipe",
    "--user-data-dir=/home/capture/profile",
    "--no-first-run",
    "--disable-gpu",
)


def try_browser() -> str:
    """The browser and its release, as it says them. Raises :class:`CaptureFailed` where there is no browser, or it
    cannot be confined, or it does not answer (its own sandbox has to work, too)."""
    enclosure = enclose(_ARGUMENTS)
    try:
        return str(DevTools(enclosure.reading, enclosure.writing).ask("Browser.getVersion").get("product", ""))
    except BrowserGone as error:
        raise CaptureFailed("The browser starts, and ends again or does not answer.") from error
    finally:
        enclosure.end()
