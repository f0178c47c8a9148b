"""``vermilion-directory``: one request from its standard input, which is a socket; the answer there; the end.

It loads the settings and what the one request needs: neither database nor documents, and of LDAP and HTTP only
what is asked for (``tests/directories`` holds that).
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from appliance.config import load
from appliance.confinement import frames
from appliance.confinement.requested_programs import LONGEST_REASON
from appliance.directory_service.messages import (
    LARGEST_REQUEST,
    DirectoryFault,
    FrameKind,
    RequestFailed,
    RequestKind,
)
from appliance.directory_service.request import Request, seconds_for
from appliance.errors import ConfigurationError
from appliance.home import Home

_WAY = 10.0
"""Seconds for the request to arrive, which is sent with the connection."""

Frame = dict[str, Any]


def main() -> None:
    """Answers the request behind standard input."""
    with socket.socket(fileno=0) as stream:
        answer(stream, os.environ)


def answer(stream: socket.socket, environment: Mapping[str, str]) -> None:
    """Answers the one request that comes by *stream*."""
    line = _Line(stream)
    try:
        kind, arguments = _asked(frames.read(stream, limit=LARGEST_REQUEST, deadline=time.monotonic() + _WAY))
        stream.settimeout(None)
        request = _request(kind, arguments, environment)
        with line.ending_at(request.deadline):
            for frame in HANDLERS[kind](request):
                line.write(frame)
    except RequestFailed as failure:
        line.fail(failure)
    except (frames.FrameError, OSError) as error:
        print(f"vermilion-directory: {error}", file=sys.stderr)  # noqa: T201 - the journal


class _Line:
    """The way back, which somebody else than the handler may end: a library that hangs ends nothing itself."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._turn = threading.Lock()

    def write(self, frame: Frame) -> None:
        with self._turn:
            frames.write(self._stream, frame)

    def fail(self, failure: RequestFailed) -> None:
        self.write({FrameKind.FAILED: {"fault": failure.fault.value, "why": failure.why[:LONGEST_REASON]}})

    def ending_at(self, deadline: float) -> _Alarm:
        """Within it, and once *deadline* is over, the process says so and ends."""
        return _Alarm(deadline - time.monotonic(), self._end)

    def _end(self) -> None:
        # Not for the turn: the handler may wait with it, for a client that reads nothing.
        try:
            if self._turn.acquire(timeout=1):
                frames.write(
                    self._stream, {FrameKind.FAILED: {"fault": DirectoryFault.LATE.value, "why": "the time is up"}}
                )
        finally:
            os._exit(1)


class _Alarm:
    def __init__(self, seconds: float, ring: Callable[[], None]) -> None:
        self._timer = threading.Timer(max(0.0, seconds) + 1, ring)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _asked(plain: Any) -> tuple[RequestKind, dict[str, str]]:
    match plain:
        case {"kind": str(kind), "arguments": dict(arguments), **others} if not others:
            texts = all(type(each) is str for pair in arguments.items() for each in pair)
            if kind in tuple(RequestKind) and texts:
                return RequestKind(kind), arguments
    raise frames.FrameError("no request")


def _request(kind: RequestKind, arguments: dict[str, str], environment: Mapping[str, str]) -> Request:
    try:
        settings = load(Home.of(environment))
    except ConfigurationError as error:
        raise RequestFailed(DirectoryFault.UNSET, str(error)) from error
    return Request(settings, arguments, time.monotonic() + seconds_for(kind, settings), environment)


def _users(request: Request) -> Iterator[Frame]:
    from appliance.directory_service.whole_reading import user_frames  # noqa: PLC0415 - loads libldap

    yield from user_frames(request)


def _check(request: Request) -> Iterator[Frame]:
    from appliance.directory_service.checking import finding_frames  # noqa: PLC0415 - loads libldap

    yield from finding_frames(request)


def _provider(request: Request) -> Iterator[Frame]:
    from appliance.directory_service import openid  # noqa: PLC0415 - loads HTTP

    yield {FrameKind.PROVIDER: openid.describe(request)}


def _exchange(request: Request) -> Iterator[Frame]:
    from appliance.directory_service import openid  # noqa: PLC0415 - loads HTTP

    yield {FrameKind.TOKENS: openid.exchange(request)}


HANDLERS: Mapping[RequestKind, Callable[[Request], Iterator[Frame]]] = {
    RequestKind.USERS: _users,
    RequestKind.CHECK: _check,
    RequestKind.PROVIDER: _provider,
    RequestKind.EXCHANGE: _exchange,
}
