"""The way from the portal's page to a browser in which somebody logs in before a capture.

The scheduler has the connection with the program that captures, and a socket at which only the portal's user may
ask (:class:`LiveViewServer`); :class:`LiveViews` is the portal's end. Each connection carries one request and its
answer, CBOR frames both. What somebody types passes through memory: no database, file, log or refusal has it.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from appliance.capture_service.believing import Unbelievable, believable_picture
from appliance.capture_service.client import LiveWay
from appliance.confinement import frames
from appliance.errors import ApplianceError, NotFound, PreconditionRefused, StateRefused
from appliance.sharing import make_directory
from appliance.web_capture.live_view import (
    LARGEST_PICTURE,
    LiveAction,
    LivePicture,
    decode_actions,
    encode_actions,
)

_LARGEST_REQUEST: Final = 64 * 1024
_LARGEST_ANSWER: Final = LARGEST_PICTURE + 64 * 1024
_PATIENCE: Final = 10.0
"""Seconds for one request beside what it waits for."""
LONGEST_WAIT: Final = 5.0
"""Seconds that one request may wait for a picture."""
_AGAIN: Final = 0.2
"""Seconds until connections are looked at again, where none could be accepted."""
_AT_ONCE: Final = 16
"""Requests that are answered at once, of all log-ins together."""
_PER_SECOND: Final = 100.0
BURST: Final = 300.0
"""Actions of one log-in: so many in a second, and so many at once after a pause."""
_MISSING: Final = "There is no web capture {capture}."
_ENDED: Final = "The log-in of this capture has ended."


class LiveLogIn:
    """One log-in that is under way; thread-safe. It is a :class:`appliance.capture_service.client.LiveView`."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._changed = threading.Condition()
        self._way: LiveWay | None = None
        self._latest: LivePicture | None = None
        self._ended = False
        self._left, self._at = BURST, time.monotonic()

    def opened(self, way: LiveWay) -> None:
        with self._changed:
            self._way = way
            self._changed.notify_all()

    def shown(self, picture: LivePicture) -> None:
        with self._changed:
            self._latest = picture
            self._changed.notify_all()

    def end(self) -> None:
        """Nobody looks or acts any more. Raises :class:`StateRefused` where that was so."""
        with self._changed:
            if self._ended:
                raise StateRefused(_ENDED)
            self._ended = True
            self._changed.notify_all()

    def picture(self, after: int, wait: float) -> LivePicture | None:
        """The newest picture, if its number is above *after*, or becomes so within *wait* seconds."""
        deadline = time.monotonic() + min(max(wait, 0.0), LONGEST_WAIT)
        with self._changed:
            while not self._ended and not self._is_newer(after) and (left := deadline - time.monotonic()) >= 0:
                if self._way is not None:  # else it is on its way
                    self._way.look()
                self._changed.wait(left)
            if self._ended:
                raise StateRefused(_ENDED)
            return self._latest if self._is_newer(after) else None

    def act(self, actions: Sequence[LiveAction]) -> None:
        """Does them. Raises :class:`PreconditionRefused` where they are too many."""
        with self._changed:
            now = time.monotonic()
            self._left = min(BURST, self._left + (now - self._at) * _PER_SECOND) - len(actions)
            self._at = now
            if self._left < 0:
                self._left = 0.0
                raise PreconditionRefused("That was too much at once for the page; wait a moment.")
            self._reached().act(actions)

    def proceed(self) -> None:
        """They are logged in."""
        with self._changed:
            self._reached().proceed()
        self.end()

    def _is_newer(self, after: int) -> bool:
        return self._latest is not None and self._latest.number > after

    def _reached(self) -> LiveWay:
        if self._ended or self._way is None:
            raise StateRefused(_ENDED)
        return self._way


class LiveLogIns:
    """Those that are under way in this process; thread-safe."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._open: dict[str, LiveLogIn] = {}

    @contextlib.contextmanager
    def of(self, capture_id: str, owner: str) -> Iterator[LiveLogIn]:
        """The log-in of a capture while it is made; *owner* alone looks and acts."""
        made = LiveLogIn(owner)
        with self._turn:
            self._open[capture_id] = made
        try:
            yield made
        finally:
            with self._turn:
                del self._open[capture_id]
            with contextlib.suppress(StateRefused):
                made.end()

    def find(self, capture_id: str, by: str) -> LiveLogIn:
        """Raises :class:`NotFound`, also for somebody else's."""
        with self._turn:
            found = self._open.get(capture_id)
        if found is None or found.owner != by:
            raise NotFound(_MISSING, capture=capture_id)
        return found


class LiveViewServer:
    """Answers the portal at the socket *at*, from entering to leaving the block. On an appliance the portal's user
    is the only one in the group of its directory; elsewhere it is for this user alone. *cancel* is
    :meth:`appliance.captures.register.CaptureRegister.cancel`."""

    def __init__(self, at: Path, log_ins: LiveLogIns, cancel: Callable[..., None]) -> None:
        self._at, self._log_ins, self._cancel = at, log_ins, cancel
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> LiveViewServer:
        try:
            self._listening = _listening(self._at)
        except OSError as error:  # the scheduler has more to do than this
            logging.error("nobody can log in by hand before a capture: %s", error)
            return self
        self._thread = threading.Thread(target=self._accept, name="live views", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        if self._thread is not None:
            self._thread.join()
            self._listening.close()

    def _accept(self) -> None:
        self._listening.settimeout(0.2)
        while not self._ends.is_set():
            try:
                stream, _ = self._listening.accept()
            except TimeoutError:
                continue
            except OSError:  # no descriptor is left for a moment, or the portal has gone
                self._ends.wait(_AGAIN)
                continue
            if self._places.acquire(timeout=_PATIENCE):
                threading.Thread(target=self._serve, args=(stream,), daemon=True).start()
            else:
                stream.close()

    def _serve(self, stream: socket.socket) -> None:
        try:
            with stream, contextlib.suppress(OSError, frames.FrameError):  # the portal has gone, or is none
                asked = frames.read(stream, limit=_LARGEST_REQUEST, deadline=time.monotonic() + _PATIENCE)
                answer = self._answer(asked)
                stream.settimeout(_PATIENCE)
                frames.write(stream, answer)
        finally:
            self._places.release()

    def _answer(self, asked: Any) -> Mapping[str, Any]:
        try:
            return {"done": self._done(asked)}
        except (NotFound, StateRefused, PreconditionRefused) as refusal:
            return {"refused": refusal.code}
        except (OSError, ValueError):  # the browser has ended meanwhile; or nobody in front of the view did that
            return {"refused": StateRefused.code}

    def _done(self, asked: Any) -> Any:
        match asked:
            case {"capture": str(capture), "by": str(by), "picture": [int(after), float(wait)]}:
                found = self._log_ins.find(capture, by).picture(after, wait)
                return None if found is None else frames.encode(found)
            case {"capture": str(capture), "by": str(by), "act": plain}:
                self._log_ins.find(capture, by).act(decode_actions(plain))
            case {"capture": str(capture), "by": str(by), "proceed": True}:
                self._log_ins.find(capture, by).proceed()
            case {"capture": str(capture), "by": str(by), "give_up": True}:
                log_in = self._log_ins.find(capture, by)
                self._cancel(capture, by=by)
                log_in.end()
            case _:
                raise frames.FrameError("no request")
        return None


class LiveViews:
    """Asks the scheduler by the socket *at*. Thread-safe; each request is a connection of its own.

    Everything raises :class:`NotFound` where there is no log-in under way of *by*'s capture, :class:`StateRefused`
    once it has ended, or where the scheduler does not answer.
    """

    def __init__(self, at: Path) -> None:
        self._at = at

    def picture(self, capture_id: str, *, by: str, after: int, wait: float = 1.0) -> LivePicture | None:
        """The newest picture, if its number is above *after*, or becomes so within *wait* seconds (at most
        :data:`LONGEST_WAIT`); None otherwise."""
        plain = self._asked({"capture": capture_id, "by": by, "picture": [after, float(wait)]}, wait)
        try:
            return None if plain is None else believable_picture(frames.decode(LivePicture, plain))
        except (ValueError, Unbelievable) as error:
            raise _unreachable() from error

    def act(self, capture_id: str, *, by: str, actions: Sequence[LiveAction]) -> None:
        """Does them in the browser, in their order; at most
        :data:`appliance.web_capture.live_view.MOST_ACTIONS`. Raises :class:`PreconditionRefused` for too many
        within a second, and ValueError for what nobody in front of the view can do."""
        self._asked({"capture": capture_id, "by": by, "act": encode_actions(actions)})

    def proceed(self, capture_id: str, *, by: str) -> None:
        """They are logged in: the address is loaded again, and captured."""
        self._asked({"capture": capture_id, "by": by, "proceed": True})

    def give_up(self, capture_id: str, *, by: str) -> None:
        """Cancels the capture."""
        self._asked({"capture": capture_id, "by": by, "give_up": True})

    def _asked(self, request: Mapping[str, Any], wait: float = 0.0) -> Any:
        deadline = time.monotonic() + 2 * _PATIENCE + wait
        try:
            with socket.socket(socket.AF_UNIX) as stream:
                stream.settimeout(_PATIENCE)
                stream.connect(str(self._at))
                frames.write(stream, request)
                answer = frames.read(stream, limit=_LARGEST_ANSWER, deadline=deadline)
        except (OSError, frames.FrameError):
            raise _unreachable() from None
        match answer:
            case {"done": plain}:
                return plain
            case {"refused": NotFound.code}:
                raise NotFound(_MISSING, capture=str(request["capture"]))
            case {"refused": PreconditionRefused.code}:
                raise PreconditionRefused("That was too much at once for the page; wait a moment.")
            case {"refused": StateRefused.code}:
                raise StateRefused(_ENDED)
        raise _unreachable()


def _unreachable() -> ApplianceError:
    return StateRefused("The page cannot be shown now, as the scheduler does not answer.")


def _listening(at: Path) -> socket.socket:
    make_directory(at.parent)
    made = socket.socket(socket.AF_UNIX)
    fresh = at.with_name(f".{at.name}")  # nobody connects before the mode is right
    fresh.unlink(missing_ok=True)
    made.bind(str(fresh))
    fresh.chmod(0o660 if at.parent.stat().st_mode & stat.S_ISGID else 0o600)
    made.listen(_AT_ONCE)
    fresh.rename(at)
    return made
