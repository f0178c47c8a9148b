"""The other end of ``vermilion-capture``: hands it an order, tells how far it is, and gives out whole captures.

A page may have taken the browser over, and even the program: nothing that it says is believed before its form, its
sizes and its times are checked, and what it says becomes bytes, numbers and texts, nothing else. Where there is no
such service, in development, the client starts the same program itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from appliance.capture_service.believing import (
    MOST_NUMBER,
    Unbelievable,
    believable_picture,
    believable_refusal,
    require_believable,
)
from appliance.capture_service.messages import (
    LARGEST_FRAME,
    MOST_PARTS,
    CaptureFault,
    CaptureMeans,
    CaptureTask,
    LiveRequest,
    OctetsPart,
    limits_of,
    put_together,
    seconds_for,
)
from appliance.clock import utc_now
from appliance.config import Settings
from appliance.confinement import frames
from appliance.confinement.requested_programs import plain_reason, requested
from appliance.errors import ApplianceError
from appliance.language.sizes import MEGABYTE
from appliance.web_capture.capturing import Capture
from appliance.web_capture.live_view import LiveAction, LivePicture, encode_actions
from appliance.web_capture.model import CaptureFailed, CaptureOrder, CaptureProgress
from appliance.web_capture.reporting import ignore

T = TypeVar("T")

_WAY: Final = 20.0
"""Seconds beside the program's own: for its start, and for it to say itself that it was late."""
_PATIENCE: Final = 15.0
"""Seconds in which a program of our own ends the browser and cleans up, once its client has gone."""
_BROWSER: Final = 5.0
"""Seconds in which the program takes what it is told."""
_MOST_FRAMES: Final = 20_000
_BESIDE: Final = 256 * MEGABYTE
"""Bytes of picture, PDF and what else there is beside the responses themselves."""
_SKEW: Final = timedelta(seconds=5)

_SENTENCES: Final = {
    CaptureFault.UNSET: "No web page can be captured as the appliance is set up: {why}.",
    CaptureFault.PROGRAM: "The service that captures web pages does not answer: {why}.",
    CaptureFault.LATE: "The service that captures web pages did not answer in time: {why}.",
    CaptureFault.UNBELIEVABLE: "What the service that captures web pages answered cannot be believed: {why}.",
}
SENTENCES: Final = frozenset(_SENTENCES.values())
"""Every sentence of CaptureUnavailable; ``why`` is English, as programs say it."""


class CaptureUnavailable(ApplianceError, code="capture-unavailable"):
    """The service made no capture, and that is not the page's doing, as far as anybody can tell; ``cause`` says
    why. Nothing was kept."""

    def __init__(self, cause: CaptureFault, why: str) -> None:
        super().__init__(_SENTENCES[cause], why=plain_reason(why))
        self.cause = cause


class CaptureService:
    """Asks by the socket *at*; where there is none, and the home is nobody else's, by a program of our own. One
    object serves many threads; each order is a connection of its own."""

    def __init__(self, settings: Settings, at: Path) -> None:
        self._settings = settings
        self._at = at

    def capture(
        self,
        order: CaptureOrder,
        *,
        progress: Callable[[CaptureProgress], None] = ignore,
        live: LiveView | None = None,
    ) -> Capture:
        """Captures what *order* asks for. *progress* is called in this thread, as often as the program says so
        (:mod:`appliance.web_capture.reporting`); what it raises ends the capture and its browser. *live* is who
        logs in, where the order says that somebody does. Raises :class:`CaptureFailed` where the page gave no
        capture, :class:`CaptureUnavailable` where the service did not."""
        if not self._settings.capture.enabled:
            raise CaptureUnavailable(CaptureFault.UNSET, "the setting capture.enabled is false")
        began = utc_now()
        with self._asked(CaptureTask.CAPTURE, order) as answer, answer.shown_to(live) as way:
            for frame in answer.frames():
                match frame:
                    case {"picture": plain} if way is not None and live is not None:
                        live.shown(way.believed(answer.typed(LivePicture, plain)))
                    case {"progress": plain}:
                        made = answer.typed(CaptureProgress, plain)
                        if not (0 <= made.requests <= MOST_NUMBER and 0 <= made.received <= MOST_NUMBER):
                            break
                        progress(made)
                    case {"capture": [small, told]}:
                        whole = answer.capture(small, answer.parts(told, self._most))
                        self._require_believable(whole, order, began)
                        return whole
                    case _:
                        break
        raise CaptureUnavailable(CaptureFault.PROGRAM, "its answer is none")

    def check(self) -> CaptureMeans:
        """With what captures are made; a browser is started for it. Raises as :meth:`capture`."""
        with self._asked(CaptureTask.CHECK, None) as answer:
            for frame in answer.frames():
                match frame:
                    case {"ready": plain}:
                        return answer.typed(CaptureMeans, plain)
                break
        raise CaptureUnavailable(CaptureFault.PROGRAM, "its answer is none")

    @property
    def _most(self) -> int:
        """Bytes of all parts: what was received is in the WARC and in the WACZ, and what was sent beside it."""
        return 4 * self._settings.capture.megabytes * MEGABYTE + _BESIDE

    def _require_believable(self, whole: Capture, order: CaptureOrder, began: datetime) -> None:
        try:
            limits = limits_of(self._settings.capture)
            require_believable(whole, order, limits, since=began - _SKEW, until=utc_now() + _SKEW)
        except Unbelievable as error:
            raise CaptureUnavailable(CaptureFault.UNBELIEVABLE, str(error)) from error

    @contextlib.contextmanager
    def _asked(self, kind: CaptureTask, order: CaptureOrder | None) -> Iterator[_Answer]:
        deadline = time.monotonic() + seconds_for(order, self._settings.capture) + _WAY
        try:
            home, module = self._settings.home, "appliance.capture_service"
            way = requested(module, self._at, home.root, deadline, managed=home.is_managed, patience=_PATIENCE)
            with way as stream:
                plain = None if order is None else frames.encode(order)
                frames.write(stream, {"kind": kind.value, "order": plain})
                yield _Answer(stream, deadline)
        except TimeoutError as error:
            raise CaptureUnavailable(CaptureFault.LATE, "the time is up") from error
        except (OSError, frames.FrameError) as error:
            raise CaptureUnavailable(CaptureFault.PROGRAM, str(error)) from error


class LiveWay:
    """The way to a browser while somebody logs in by hand. Thread-safe; raises OSError where it has ended."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._turn = threading.Lock()
        self._awaited = False
        self._last = 0
        stream.settimeout(_BROWSER)

    def look(self) -> None:
        """Asks for the next picture, unless it was asked for."""
        with self._turn:
            if not self._awaited:
                frames.write(self._stream, {LiveRequest.LOOK: True})
                self._awaited = True

    def act(self, actions: Sequence[LiveAction]) -> None:
        """Does what they did. Raises ValueError for what nobody in front of the view can do."""
        plain = encode_actions(actions)
        with self._turn:
            frames.write(self._stream, {LiveRequest.ACT: plain})

    def proceed(self) -> None:
        """They are logged in; nothing else may be said afterwards."""
        with self._turn:
            frames.write(self._stream, {LiveRequest.PROCEED: True})

    def believed(self, picture: LivePicture) -> LivePicture:
        """*picture*, if it was asked for and can be one."""
        with self._turn:
            if not self._awaited or picture.number <= self._last:
                raise frames.FrameError("it shows what nobody asked for")
            self._awaited, self._last = False, picture.number
        try:
            return believable_picture(picture)
        except Unbelievable as error:
            raise CaptureUnavailable(CaptureFault.UNBELIEVABLE, str(error)) from error


class LiveView(Protocol):
    """Where somebody sees a page and logs in."""

    def opened(self, way: LiveWay) -> None:
        """The browser can be reached by *way*, until the capture ends."""

    def shown(self, picture: LivePicture) -> None:
        """What is seen now; called by the thread that captures."""


class _Answer:
    """What comes by one connection until *deadline*."""

    def __init__(self, stream: socket.socket, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    @contextlib.contextmanager
    def shown_to(self, live: LiveView | None) -> Iterator[LiveWay | None]:
        """The way to the browser, which *live* gets."""
        if live is None:
            yield None
            return
        with self._stream.dup() as second:  # each has a time limit of its own
            way = LiveWay(second)
            live.opened(way)
            yield way

    def frames(self) -> Iterator[dict[str, Any]]:
        """The frames, one after the other; that of a failure is raised."""
        for _ in range(_MOST_FRAMES):
            match frames.read(self._stream, limit=LARGEST_FRAME, deadline=self._deadline):
                case {"failed": {"fault": str(fault), "why": str(why)}} if fault in tuple(CaptureFault):
                    raise CaptureUnavailable(CaptureFault(fault), why)
                case {"refused": {"template": str(template), "values": dict(values)}}:
                    raise _refusal(template, values)
                case dict(frame):
                    yield frame
                case _:
                    break
        raise frames.FrameError("its answer is none")

    def parts(self, told: Any, most: int) -> list[bytes]:
        """The octets that follow, of at most *most* bytes together."""
        parts = self.typed(list[OctetsPart], told)
        if len(parts) > MOST_PARTS or any(each.size < 0 for each in parts) or sum(p.size for p in parts) > most:
            raise frames.FrameError("it sends more than is allowed")
        return [self._part(each) for each in parts]

    def _part(self, part: OctetsPart) -> bytes:
        octets = frames.read_octets(self._stream, part.size, deadline=self._deadline)
        if hashlib.sha256(octets).hexdigest() != part.sha256:
            raise frames.FrameError("what it sends is not what it says")
        return octets

    def capture(self, small: Any, parts: list[bytes]) -> Capture:
        try:
            return frames.decode(Capture, put_together(small, parts))
        except ValueError as error:
            raise frames.FrameError("its answer is none") from error

    @staticmethod
    def typed(kind: type[T], plain: Any) -> T:
        try:
            return frames.decode(kind, plain)
        except ValueError as error:
            raise frames.FrameError("its answer is none") from error


def _refusal(template: str, values: dict[Any, Any]) -> CaptureFailed:
    try:
        return believable_refusal(template, values)
    except Unbelievable as error:
        raise frames.FrameError(str(error)) from error
