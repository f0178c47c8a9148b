"""One ceremony, renewal or recovery from its beginning to its record: who is there, what they do, and a transcript
that they print, read and sign."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from hsm.ceremony.plan import Participant
from hsm.config import AuthoritySettings
from hsm.errors import ConfigurationRefused
from hsm.files import file_lock, write_durably
from hsm.intents import instant
from hsm.operations.context import AuthorityContext, open_context
from hsm.operations.records import save_record
from hsm.time_source import SharedTimes
from hsm.worker_messages import PinChange


class Transcript:
    """Grows line by line; each line is also shown at once through *show*."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._lines: list[str] = []
        self._steps = 0

    def begin(self, heading: Sequence[str], participants: Sequence[Participant]) -> None:
        """The *heading*, line by line (what, why, when), and who is there."""
        for line in (*heading, "Participants:"):
            self.line(line)
        for each in participants:
            self.line(f"  {each.hand}: {each.name}, {each.duty}")

    def step(self, what: str, hands: Sequence[str], results: Sequence[tuple[str, str]]) -> None:
        """One step, done by *hands*, and its *results* as names and values."""
        self._steps += 1
        self.line("")
        self.line(f"{self._steps}. {what}")
        self.line(f"   hands: {', '.join(hands)}")
        for name, value in results:
            self.line(f"   {name}: {value}")

    def end(self, participants: Sequence[Participant]) -> None:
        """The lines to sign on."""
        self.line("")
        self.line("We were present, and what is written above is what was done:")
        for each in participants:
            self.line("")
            self.line(f"  {each.name} ({each.hand})  ______________________________  date ______________")

    def line(self, text: str) -> None:
        """Adds one line."""
        self._lines.append(text)
        self._show(text)

    def text(self) -> str:
        """The whole transcript."""
        return "".join(f"{line}\n" for line in self._lines)


@dataclass(frozen=True, slots=True)
class CeremonyResult:
    """The transcript's file and its SHA-256 (32 bytes), which the participants read aloud and the log records.

    ``setup_codes`` are in no file: whoever held the ceremony hands them out.
    """

    transcript: Path
    sha256: bytes
    setup_codes: tuple[str, ...] = field(default=(), repr=False)

    def show_outcome(self, show: Callable[[str], None], what: str = "", codes_to: Path | None = None) -> None:
        """Shows where the transcript is, and the codes under the heading *what*: on this one copy, or they are
        written to *codes_to* (mode 0600) and not shown."""
        show("")
        show(f"transcript: {self.transcript}")
        show(f"SHA-256 of the transcript: {self.sha256.hex()}")
        if codes_to is not None and self.setup_codes:
            write_durably(codes_to, "".join(f"{code}\n" for code in self.setup_codes).encode(), mode=0o600)
        elif self.setup_codes:
            show(what)
            for code in self.setup_codes:
                show(f"  {code}")


@dataclass(frozen=True, slots=True)
class Sitting:
    """What a ceremony works with while the authority stands still, at the one time ``now``."""

    context: AuthorityContext
    transcript: Transcript
    now: datetime

    def held_at(self) -> str:
        """The line that says when."""
        return f"Held at: {instant(self.now)}"

    def end(self, name: str, participants: Sequence[Participant], codes: Sequence[str] = ()) -> CeremonyResult:
        """Keeps the transcript of the ceremony *name*, and its hash in the caller's transaction."""
        self.transcript.end(participants)
        text = self.transcript.text()
        path = save_record(self.context, name, text, now=self.now)
        return CeremonyResult(path, hashlib.sha256(text.encode()).digest(), tuple(codes))


@contextmanager
def sitting(settings: AuthoritySettings, pin: str | None, show: Callable[[str], None]) -> Iterator[Sitting]:
    """While no daemon runs on this home, and none can start; the daemon's token opens with *pin*.

    Raises :class:`ConfigurationRefused` while the daemon runs, :class:`hsm.errors.TimeNotAvailable` without a
    proven clock.
    """
    lock = settings.home.single
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with file_lock(lock, wait=False):
            SharedTimes.create(settings.home.clock)
            context = open_context(settings, PinChange(pin))
            try:
                yield Sitting(context, Transcript(show), context.now())
            finally:
                context.close()
    except BlockingIOError as error:
        raise ConfigurationRefused("The authority is running; stop it before the ceremony.") from error
