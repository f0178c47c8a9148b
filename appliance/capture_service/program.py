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
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from typing import Any, Final
from urllib.parse import urlsplit

from appliance.capture_service.messages import (
    LARGEST_ACT,
    LARGEST_REQUEST,
    CaptureFault,
    CaptureFrame,
    CaptureMeans,
    CaptureNotMade,
    CaptureTask,
    LiveRequest,
    OctetsPart,
    limits_of,
    seconds_for,
    taken_apart,
)
from appliance.clock import utc_now
from appliance.config import Settings, load
from appliance.confinement import frames
from appliance.confinement.requested_programs import LONGEST_REASON
from appliance.errors import ConfigurationError
from appliance.home import Home
from appliance.web_capture.capturing import capture, try_browser
from appliance.web_capture.destinations import Destinations
from appliance.web_capture.live_view import LiveAction, LivePicture, decode_actions
from appliance.web_capture.model import CaptureFailed, CaptureOrder, CaptureProgress, ForwardProxy, HouseNetwork
from appliance.web_capture.upstream import server_trust

_SECRET: Final = "capture.proxy"  # noqa: S105 - its name
_WAY: Final = 10.0
"""Seconds for the request to arrive, which is sent with the connection; and for the program to clean up."""


_MOST_WAITING: Final = 2_000
"""Actions that the browser has not taken yet."""


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
        order = _asked(frames.read(stream, limit=LARGEST_REQUEST, deadline=time.monotonic() + _WAY))
        stream.settimeout(None)
        settings = _settings(environment)
        hand = _Hand(stream, line) if order is not None and order.log_in else None
        with _watched(stream, line, time.monotonic() + seconds_for(order, settings.capture), hand):
            if order is None:
                line.ready(CaptureMeans(try_browser()))
            else:
                line.give(_captured(settings, order, line, hand))
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

    def show(self, picture: LivePicture) -> None:
        try:
            self.write({CaptureFrame.PICTURE: frames.encode(picture)})
        except OSError as error:
            raise _Ended from error

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


class _Hand:
    """Whoever logs in, at the other end of *stream*, which a thread of its own reads until they are logged in.
    What they do is kept until the browser has it, and nowhere said."""

    def __init__(self, stream: socket.socket, line: _Line) -> None:
        self._stream = stream
        self._line = line
        self._done: deque[LiveAction] = deque()
        self.looks = self.proceeds = False

    def listen(self) -> None:
        """Until they are logged in; ends this program where the client says what it never does."""
        with suppress(frames.FrameError, OSError, ValueError):
            while self._take(frames.read(self._stream, limit=LARGEST_ACT)):
                pass
        if not self.proceeds:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def _take(self, frame: Any) -> bool:
        """Whether more comes. Raises ValueError for what is no frame of :class:`LiveRequest`."""
        match frame:
            case {LiveRequest.LOOK.value: True, **others} if not others:
                self.looks = True
            case {LiveRequest.ACT.value: plain, **others} if not others and len(self._done) < _MOST_WAITING:
                self._done.extend(decode_actions(plain))
            case {LiveRequest.PROCEED.value: True, **others} if not others:
                self.proceeds = True
            case _:
                raise ValueError("no request")
        return not self.proceeds

    def actions(self) -> list[LiveAction]:
        """What they did since."""
        return [self._done.popleft() for _ in range(len(self._done))]

    def show(self, picture: LivePicture) -> None:
        """Shows them what they wait for."""
        self.looks = False
        self._line.show(picture)


@contextmanager
def _watched(stream: socket.socket, line: _Line, deadline: float, hand: _Hand | None = None) -> Iterator[None]:
    """Within it, the main thread gets :class:`_Ended` when the client hangs up, systemd ends the service, or
    *deadline* is over."""
    over = threading.Event()

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise _Ended

    before = signal.signal(signal.SIGTERM, end)
    # After its order a client says nothing but goodbye, unless somebody logs in.
    gone = select.POLLRDHUP if hand else select.POLLIN | select.POLLRDHUP
    threading.Thread(target=_watch, args=(stream, line, deadline, over, gone), daemon=True).start()
    if hand:
        threading.Thread(target=hand.listen, daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.signal(signal.SIGTERM, before)


def _watch(stream: socket.socket, line: _Line, deadline: float, over: threading.Event, events: int) -> None:
    poll = select.poll()
    poll.register(stream, events)
    left = deadline - time.monotonic()
    gone = bool(poll.poll(max(0.0, left) * 1000))
    if over.is_set():
        return
    if not gone:
        line.late()
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    time.sleep(_WAY)
    os._exit(1)  # the browser ends with this process


def _asked(plain: Any) -> CaptureOrder | None:
    """The order; None for a check."""
    match plain:
        case {"kind": CaptureTask.CHECK.value, "order": None, **others} if not others:
            return None
        case {"kind": CaptureTask.CAPTURE.value, "order": dict(order), **others} if not others:
            with suppress(ValueError):
                return frames.decode(CaptureOrder, order)
    raise frames.FrameError("no request")


def _settings(environment: Mapping[str, str]) -> Settings:
    try:
        settings = load(Home.of(environment)).as_served()
    except ConfigurationError as error:
        raise CaptureNotMade(CaptureFault.UNSET, str(error)) from error
    if not settings.capture.enabled:
        raise CaptureNotMade(CaptureFault.UNSET, "the setting capture.enabled is false")
    return settings


def _captured(settings: Settings, order: CaptureOrder, line: _Line, hand: _Hand | None) -> Any:
    """The capture as plain values."""
    asked = settings.capture
    if hand and not asked.live_view:
        raise CaptureNotMade(CaptureFault.UNSET, "the setting capture.live_view is false")
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
        live=hand,
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
