"""Starts services in their order, waits until each serves, starts the dead again, and ends all together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from appliance.errors import SupervisionFailed
from appliance.supervision.service import Child, Service

PATIENCE_AT_START = 60.0
"""Seconds that a service has until it serves."""

STEADY = 60.0
"""Seconds of running after which an earlier death no longer counts."""

LONGEST_PAUSE = 30.0
TICK = 0.05

Say = Callable[..., None]
"""``say(template, **values)``: one line for the operator; the template is what the catalogue translates."""


@dataclass(slots=True)
class _Post:
    """One service's place: who holds it, since when, how often it fell, and when it is filled again."""

    service: Service
    child: Child | None = None
    since: float = 0.0
    deaths: int = 0
    again_at: float = field(default=0.0)


class Supervisor:
    """A context in which *services* run. Single-threaded: the caller's loop calls :meth:`watch`.

    *say* gets one line for every start and death.
    """

    def __init__(self, services: Sequence[Service], *, say: Say) -> None:
        self._posts = [_Post(service) for service in services]
        self._say = say

    def __enter__(self) -> Supervisor:
        """Starts all, each after the one before it serves. Raises SupervisionFailed, with nothing left running."""
        try:
            for post in self._posts:
                self._start(post)
                self._await(post)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Ends all, the last started first."""
        self._stop()

    def watch(self, *, until: Callable[[], bool]) -> None:
        """Keeps all running until *until* says that it is enough."""
        while not until():
            for post in self._posts:
                self._tend(post)
            time.sleep(TICK)

    def _tend(self, post: _Post) -> None:
        now = time.monotonic()
        if post.child is None:
            if now >= post.again_at:
                self._start(post)
            return
        status = post.child.ended
        if status is None:
            return
        post.deaths = 1 if now - post.since > STEADY else post.deaths + 1
        pause = min(2.0 ** (post.deaths - 1), LONGEST_PAUSE)
        post.again_at = now + pause
        self._say(
            f"{post.service.name} {_ending(status)}; starting it again in {pause:.0f} s ({post.service.log})"
        )
        post.child = None

    def _start(self, post: _Post) -> None:
        post.child, post.since = Child(post.service), time.monotonic()

    def _await(self, post: _Post) -> None:
        name, child = post.service.name, post.child
        while child is not None and not post.service.serves():
            status = child.ended
            if status is not None:
                raise SupervisionFailed(
                    "{name} {ending} before it served; its last words: {words} (see {log})",
                    name=name,
                    ending=_ending(status),
                    words=child.last_words(),
                    log=post.service.log,
                )
            if time.monotonic() - post.since > PATIENCE_AT_START:
                raise SupervisionFailed(
                    "{name} does not serve after {seconds} s (see {log})",
                    name=name,
                    seconds=int(PATIENCE_AT_START),
                    log=post.service.log,
                )
            time.sleep(TICK)
        self._say("{name} serves after {seconds} s", name=name, seconds=f"{time.monotonic() - post.since:.1f}")

    def _stop(self) -> None:
        for post in reversed(self._posts):
            if post.child is not None:
                post.child.stop()
                post.child = None


def _ending(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
