"""Chromium's DevTools protocol over a pipe: JSON messages, each ended by a zero octet.

The browser is believed in nothing: whoever asked looks at the answer, which has limits of size and time.
"""

from __future__ import annotations

import json
import math
import os
import select
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from appliance.language.sizes import MEGABYTE
from appliance.web_capture.model import CaptureFailed

_BLOCK: Final = 1024 * 1024
_LARGEST: Final = 256 * MEGABYTE
"""Octets of one message: the picture of a page is the largest."""
_MOST_EVENTS: Final = 10_000
_PATIENCE: Final = 0.25
"""Seconds of silence after which whoever waits is told that it goes on."""
_UNREAD: Final = 20.0
"""Seconds in which a browser reads something of what it is asked."""

Event = Mapping[str, Any]


class BrowserRefused(CaptureFailed, code="browser-refused"):
    """The browser does not do what it was asked for."""


class BrowserGone(Exception):
    """The browser has ended or says nothing any more."""


class BrowserBusy(BrowserGone):
    """It did not answer in time; what was asked may still become something."""


class DevTools:
    """A conversation with a browser; not thread-safe. *waiting* is called again and again while nothing comes.

    ``urgent`` is shown each event as it comes, also while an answer is waited for; it says whether that was all,
    and asks nothing but by :meth:`tell`: a page with a dialog answers nothing before that is closed. ``until`` is
    when all that is asked meanwhile ends to be waited for, in seconds of *clock*.
    """

    def __init__(
        self,
        reading: int,
        writing: int,
        clock: Callable[[], float] = time.monotonic,
        waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self._reading = reading
        self._readable = select.poll()
        self._readable.register(reading, select.POLLIN)
        self._waiting = waiting
        self._writing = writing
        os.set_blocking(writing, False)
        self._writable = select.poll()
        self._writable.register(writing, select.POLLOUT)
        self._clock = clock
        self._number = 0
        self._buffer = bytearray()
        self._searched = 0
        self._events: deque[Event] = deque(maxlen=_MOST_EVENTS)
        self.urgent: Callable[[Event], bool] = lambda _: False
        self.until = math.inf

    def ask(
        self, method: str, parameters: Mapping[str, Any] | None = None, *, session: str = "", seconds: float = 20.0
    ) -> Mapping[str, Any]:
        """The result of *method*. Raises :class:`BrowserGone`, :class:`BrowserBusy`, :class:`BrowserRefused`."""
        deadline = min(self._clock() + seconds, self.until)
        number = self.tell(method, parameters, session=session)
        while True:
            found = self._next(deadline)
            if found.get("id") == number:
                if not isinstance(found.get("result"), dict):
                    why = str(found.get("error", {}).get("message", ""))[:200]
                    raise BrowserRefused("The browser refused {method}: {why}.", method=method, why=why)
                return dict(found["result"])
            if isinstance(found.get("method"), str) and not self.urgent(found):
                self._events.append(found)
            if self._clock() >= deadline:
                raise BrowserBusy

    def tell(self, method: str, parameters: Mapping[str, Any] | None = None, *, session: str = "") -> int:
        """Asks for *method* without waiting for its result. Returns the number of the request."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": dict(parameters or {})}
        if session:
            message["sessionId"] = session
        self._write(json.dumps(message).encode() + b"\0")
        return self._number

    def events(self, seconds: float) -> Iterator[Event]:
        """What has happened, and what happens within *seconds*. Raises :class:`BrowserGone`."""
        deadline = self._clock() + seconds
        while self._events and self._clock() < deadline:
            yield self._events.popleft()
        with suppress(TimeoutError):
            while not self._events:
                found = self._next(deadline, patient=True)
                if isinstance(found.get("method"), str) and not self.urgent(found):
                    yield found
                elif self._clock() >= deadline:
                    return

    def _write(self, octets: bytes) -> None:
        try:
            while octets:
                if not self._writable.poll(_UNREAD * 1000):
                    raise BrowserGone
                octets = octets[os.write(self._writing, octets) :]
        except OSError as error:
            raise BrowserGone from error

    def _next(self, deadline: float, *, patient: bool = False) -> dict[str, Any]:
        while True:
            end = self._buffer.find(b"\0", self._searched)
            if end >= 0:
                message = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                self._searched = 0
                with suppress(ValueError, RecursionError):
                    found = json.loads(message)
                    if isinstance(found, dict):
                        return found
                raise BrowserGone
            self._searched = len(self._buffer)
            while not self._readable.poll(max(0.0, min(deadline - self._clock(), _PATIENCE)) * 1000):
                self._waiting()
                if self._clock() >= deadline:
                    raise TimeoutError if patient else BrowserBusy
            block = os.read(self._reading, _BLOCK)
            if not block or len(self._buffer) > _LARGEST:
                raise BrowserGone
            self._buffer += block
