"""One child process: its command, its log file, and the question that tells whether it serves."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_AT_END = 15.0
"""Seconds that a child has for its orderly end before it is killed."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is to run, once those that it comes ``after`` (by name) serve. ``serves()`` answers whether the process
    is ready for others, within two seconds, and never raises."""

    name: str
    command: tuple[str, ...]
    serves: Callable[[], bool]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()


class Child:
    """A running :class:`Service`. It ends with its parent, however that one ends."""

    def __init__(self, service: Service) -> None:
        self.service = service
        with service.log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which ends all in order.
            self._process = subprocess.Popen(
                ("setpriv", "--pdeathsig", "TERM", "--", *service.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=service.environment or None,
                start_new_session=True,
            )

    @property
    def ended(self) -> int | None:
        """The exit status (negative: the signal that killed it), or None while it runs."""
        return self._process.poll()

    def tell_to_end(self) -> None:
        """SIGTERM, unless it has ended already."""
        if self._process.poll() is None:
            self._process.terminate()

    def await_end(self) -> None:
        """Waits until it has ended; SIGKILL for what does not go."""
        try:
            self._process.wait(PATIENCE_AT_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The last line of its log that says something, for the message about its end."""
        lines = self.service.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines[-50:]) if line.strip()), "nothing")
