"""The context of one ceremony, renewal or recovery: participants, tokens, PINs, and the transcript that they
print, read and sign."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pkcs11

from hsm.ceremony.plan import CeremonyPlan, Participant
from hsm.config import AuthoritySettings
from hsm.errors import ConfigurationRefused, ModuleUnavailable
from hsm.files import file_lock, write_durably
from hsm.initialisation import NewToken, initialise
from hsm.intents import instant
from hsm.operations.context import AuthorityContext, open_context
from hsm.operations.records import save_record
from hsm.time_source import SharedTimes
from hsm.token import Login, TokenConnection
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
        self._lines.append(text)
        self._show(text)

    def text(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)


@dataclass(frozen=True, slots=True)
class CeremonyResult:
    """The transcript's file and its SHA-256 (32 bytes), which the participants read aloud and the log records.

    ``setup_codes`` are in no file: the person who held the ceremony hands them out.
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
class CeremonyContext:
    """What a ceremony, renewal or recovery uses while the authority is stopped; ``now`` is its one moment."""

    context: AuthorityContext
    transcript: Transcript
    now: datetime

    def held_at(self) -> str:
        """The transcript line with the time."""
        return f"Held at: {instant(self.now)}"

    def end(self, name: str, participants: Sequence[Participant], codes: Sequence[str] = ()) -> CeremonyResult:
        """Keeps the transcript of the ceremony *name*, and its hash in the caller's transaction."""
        self.transcript.end(participants)
        text = self.transcript.text()
        path = save_record(self.context, name, text, now=self.now)
        return CeremonyResult(path, hashlib.sha256(text.encode()).digest(), tuple(codes))


@contextmanager
def ceremony_context(
    settings: AuthoritySettings, pin: str | None, show: Callable[[str], None]
) -> Iterator[CeremonyContext]:
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
                yield CeremonyContext(context, Transcript(show), context.now())
            finally:
                context.close()
    except BlockingIOError as error:
        raise ConfigurationRefused("The authority is running; stop it before the ceremony.") from error


@dataclass(frozen=True, slots=True)
class RootPin:
    """The PIN of the root's token alone, put together of so many ``parts``, held by as many people."""

    pin: str = field(repr=False)
    parts: int = 1

    @classmethod
    def read(cls, directory: Path) -> RootPin:
        """From ``root.pin`` or its parts in *directory*. Raises :class:`ConfigurationRefused`."""
        return cls(*_joined(directory, "root.pin"))

    @classmethod
    def typed(cls, parts: Sequence[str]) -> RootPin:
        """From *parts*, as their holders typed them, in their order."""
        return cls("".join(parts), len(parts))


@dataclass(frozen=True, slots=True)
class CeremonyPins:
    """The security officer's PIN, the daemon's, and the root's."""

    security_officer: str = field(repr=False)
    user: str = field(repr=False)
    root: RootPin

    @classmethod
    def read(cls, directory: Path) -> CeremonyPins:
        """The PINs in *directory*: ``so.pin``; ``user.pin`` and ``root.pin``, or their parts (``root.pin.1``, …).

        A split PIN is what SoftHSM has in place of the m-of-n of real modules: every part is needed.
        Raises :class:`ConfigurationRefused` when one is missing or too short.
        """
        user, _ = _joined(directory, "user.pin")
        return cls(_pin(directory / "so.pin"), user, RootPin.read(directory))


def _joined(directory: Path, name: str) -> tuple[str, int]:
    """The PIN *name*, and of how many parts it is."""
    parts = sorted(directory.glob(f"{name}.[1-9]")) or [directory / name]
    return "".join(_pin(part, shortest=4 if len(parts) > 1 else 6) for part in parts), len(parts)


def _pin(path: Path, *, shortest: int = 6) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationRefused("{path} can be read by others; make it mode 0600.", path=path)
        pin = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationRefused("The PIN file {path} cannot be read.", path=path) from error
    if len(pin) < shortest:
        raise ConfigurationRefused(
            "The PIN in {path} has less than {count} characters.", path=path, count=shortest
        )
    return pin


def prepare_tokens(settings: AuthoritySettings, plan: CeremonyPlan, pins: CeremonyPins) -> list[tuple[str, str]]:
    """Initialises both tokens; what was done to each, for the transcript.

    Raises :class:`ConfigurationRefused` for a token that is there already, unless the plan says to reuse it, and
    :class:`ModuleUnavailable` when the module does not answer.
    """
    module = settings.token.module
    present = _labels(module)
    wanted = [(plan.tokens.root, pins.root.pin), (settings.token.label, pins.user)]
    if wanted[0][0] == wanted[1][0]:
        raise ConfigurationRefused("The root's token must be another one than the daemon's.")
    done = []
    for label, pin in wanted:
        if label not in present:
            initialise(module, NewToken(label, pins.security_officer, pin), dict(os.environ))
            done.append((f"token {label}", "initialised"))
        elif plan.tokens.reuse:
            done.append((f"token {label}", "was there already and is used again; older keys in it are not"))
        else:
            raise ConfigurationRefused(
                "The token {label} is there already; a ceremony begins with tokens that are not initialised.",
                label=label,
            )
    return done


@contextmanager
def opened_token(context: AuthorityContext, label: str, pin: str) -> Iterator[TokenConnection]:
    """A connection to the token *label*, which logs in with *pin* at first use; a wrong one is tried once."""
    settings = context.settings
    login = Login(label, context.store.latch, settings.home.login_turns, PinChange(pin))
    connection = TokenConnection(settings.token.module, label, login)
    try:
        yield connection
    finally:
        connection.drop()


def _labels(module: str) -> Sequence[str]:
    """The labels of all initialised tokens. The module is left finalised, so that it sees new tokens later."""
    try:
        library = pkcs11.lib(module)
        try:
            return [token.label for token in library.get_tokens()]
        finally:
            library.finalize()
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise ModuleUnavailable(
            "The PKCS#11 module {module} does not answer ({why}).", module=module, why=type(error).__name__
        ) from error
