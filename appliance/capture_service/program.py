"""``vermilion-capture``: one request from its standard input, which is a socket; the answer there; the end.

It loads the settings and what a capture needs: neither database nor documents (``tests/capture_service`` holds
that). When the client hangs up, or the time is over, it ends at once, and the browser with it.
"""

from __future__ import annotations

import hashlib
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from typing import Any, Final
from urllib.parse import urlsplit

from appliance.capture_service.messages import (
    LARGEST_REQUEST,
    LONGEST_REASON,
    CaptureFault,
    CaptureFrame,
    CaptureMeans,
    CaptureNotMade,
    CaptureTask,
    OctetsPart,
    limits_of,
    seconds_for,
    taken_apart,
)
from appliance.clock import utc_now
from appliance.config import Settings, load
from appliance.confinement import frames
from appliance.errors import ConfigurationError
from appliance.home import Home
from appliance.web_capture.capturing import capture
from appliance.web_capture.destinations import Destinations
from appliance.web_capture.model import CaptureFailed, CaptureOrder, CaptureProgress, ForwardProxy, HouseNetwork
from appliance.web_capture.trying import try_browser
from appliance.web_capture.upstream import server_trust

_SECRET: Final = "capture.proxy"  # noqa: S105 - its name
_WAY: Final = 10.0
"""Seconds for the request to arrive, which is sent with the connection; and for the program to clean up."""


class _Ended(BaseException):
    """Nobody waits for the answer any more, or the time is over."""


def main() -> None:
    """Answers the request behind standard input."""
    with socket.socket(fileno=0) as stream:
        answer(stream, os.environ)


def answer(stream: socket.socket, environment: Mapping[str, str]) -> None:
    """Answers the one request that comes by *stream*; to be called by the main thread, which signals end."""
    line = _Line(stream)
    try:
        kind, order = _asked(frames.read(stream, limit=LARGEST_REQUEST, deadline=time.monotonic() + _WAY))
        stream.settimeout(None)
        settings = _settings(environment)
        with _watched(stream, line, time.monotonic() + seconds_for(kind, settings.capture)):
            if kind is CaptureTask.CHECK:
                line.ready(CaptureMeans(try_browser()))
            else:
                line.give(_captured(settings, order, line))
    except CaptureNotMade as failure:
        line.fail(failure)
    except CaptureFailed as refusal:
        line.write({CaptureFrame.REFUSED: {"template": refusal.template, "values": refusal.plain_values()}})
    except _Ended:
        if not line.answered:  # else the client has gone as soon as it had everything
            print("vermilion-capture: ended before its end", file=sys.stderr)  # noqa: T201 - the journal
    except (frames.FrameError, OSError) as error:
        print(f"vermilion-capture: {error}", file=sys.stderr)  # noqa: T201 - the journal


class _Line:
    """The way back, which two threads use."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._turn = threading.Lock()
        self.answered = False
        """Whether the last frame is on its way."""

    def write(self, frame: Mapping[str, Any]) -> None:
        with self._turn:
            frames.write(self._stream, frame)

    def progress(self, made: CaptureProgress) -> None:
        try:
            self.write({CaptureFrame.PROGRESS: frames.encode(made)})
        except OSError as error:
            raise _Ended from error

    def ready(self, means: CaptureMeans) -> None:
        self.answered = True
        self.write({CaptureFrame.READY: frames.encode(means)})

    def fail(self, failure: CaptureNotMade) -> None:
        self.write({CaptureFrame.FAILED: {"fault": failure.fault.value, "why": failure.why[:LONGEST_REASON]}})

    def give(self, plain: Any) -> None:
        """A capture: its frame, then what is large in it."""
        parts: list[bytes] = []
        small = taken_apart(plain, parts)
        told = [OctetsPart(len(each), hashlib.sha256(each).hexdigest()) for each in parts]
        self.answered = True
        with self._turn:
            frames.write(self._stream, {CaptureFrame.CAPTURE: [small, frames.encode(told)]})
            for each in parts:
                self._stream.sendall(each)

    def late(self) -> None:
        """Says that the time is over, unless the other thread is writing."""
        if self._turn.acquire(timeout=1):
            with suppress(OSError):
                self._stream.settimeout(1)
                frames.write(
                    self._stream,
                    {CaptureFrame.FAILED: {"fault": CaptureFault.LATE.value, "why": "the time is up"}},
                )


@contextmanager
def _watched(stream: socket.socket, line: _Line, deadline: float) -> Iterator[None]:
    """Within it, the main thread gets :class:`_Ended` when the client hangs up, systemd ends the service, or
    *deadline* is over."""
    over = threading.Event()

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise _Ended

    before = signal.signal(signal.SIGTERM, end)
    threading.Thread(target=_watch, args=(stream, line, deadline, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.signal(signal.SIGTERM, before)


def _watch(stream: socket.socket, line: _Line, deadline: float, over: threading.Event) -> None:
    poll = select.poll()
    poll.register(stream, select.POLLIN | select.POLLRDHUP)  # after its request a client says nothing but goodbye
    left = deadline - time.monotonic()
    gone = bool(poll.poll(max(0.0, left) * 1000))
    if over.is_set():
        return
    if not gone:
        line.late()
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    time.sleep(_WAY)
    os._exit(1)  # the browser ends with this process


def _asked(plain: Any) -> tuple[CaptureTask, CaptureOrder]:
    match plain:
        case {"kind": CaptureTask.CHECK.value, "order": None, **others} if not others:
            return CaptureTask.CHECK, CaptureOrder("")
        case {"kind": CaptureTask.CAPTURE.value, "order": dict(order), **others} if not others:
            with suppress(ValueError):
                return CaptureTask.CAPTURE, frames.decode(CaptureOrder, order)
    raise frames.FrameError("no request")


def _settings(environment: Mapping[str, str]) -> Settings:
    try:
        settings = load(Home.of(environment)).as_served()
    except ConfigurationError as error:
        raise CaptureNotMade(CaptureFault.UNSET, str(error)) from error
    if not settings.capture.enabled:
        raise CaptureNotMade(CaptureFault.UNSET, "the setting capture.enabled is false")
    return settings


def _captured(settings: Settings, order: CaptureOrder, line: _Line) -> Any:
    """The capture as plain values."""
    asked = settings.capture
    destinations = Destinations(
        asked.allowed_hosts,
        utc_now,
        loopback=asked.allows_this_machine,
        closed=settings.own_ports,
        house=_house(settings),
    )
    made = capture(
        order,
        destinations,
        clock=utc_now,
        limits=limits_of(asked),
        made_by=f"vermilion {metadata.version('vermilion')}",
        progress=line.progress,
    )
    return frames.encode(made)


def _house(settings: Settings) -> HouseNetwork:
    """What the settings say of the network, and the secret of the house's proxy."""
    asked = settings.capture
    authorities = str(settings.beside(asked.tls)) if asked.tls else ""
    try:
        if authorities:
            server_trust(authorities)
        secret = settings.home.optional_secret(_SECRET, os.environ) if asked.proxy else None
    except OSError as error:  # as ssl.SSLError is, too
        why = f"the file that capture.tls names cannot be read ({error.strerror or error})"
        raise CaptureNotMade(CaptureFault.UNSET, why) from error
    except ConfigurationError as error:
        raise CaptureNotMade(CaptureFault.UNSET, str(error)) from error
    place = urlsplit(asked.proxy)
    proxy = ForwardProxy(place.hostname or "", place.port or 0, secret) if asked.proxy else None
    only, embedded = tuple(asked.only_hosts), tuple(asked.embedded_hosts)
    return HouseNetwork(only=only, embedded=embedded, proxy=proxy, authorities=authorities)
