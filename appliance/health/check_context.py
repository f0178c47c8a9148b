"""One round of health checks: what checks ask with, and how each is asked.

Each part of the appliance is asked once, and its failure is kept, not raised again. A check always gives an
answer, never an exception.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, cast

from appliance.config import Settings, load
from appliance.errors import ApplianceError
from appliance.health.capture_probe import CaptureProbe
from appliance.health.findings import HealthFinding, RunbookPage, attention
from appliance.home import Home
from appliance.store.database import Database, Transaction
from hsm.client import AuthorityClient
from hsm.errors import RefusalError
from hsm.operation_types import AuthorityStatus

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds for each answer of the authority, and for the database's lock."""


@dataclass
class JournalCursor:
    """How far somebody has come who looks at a part of something in each round: to the end of ``line``; at 0 it
    begins anew."""

    line: int = 0


class NotAnswerable(Exception):
    """What a question needs does not answer, which another finding says."""


@dataclass
class CheckContext:
    """One round at ``now``. Not thread-safe; it remembers what it was told, so a new round takes a new one.

    ``opened`` is the appliance's database where the caller has it open; else ``stack`` closes it.
    ``commit_seconds`` is how long an empty transaction took, once that was tried. ``cursor`` is how far the rounds
    before have come in the administrators' journal; a single round has none, and checks all of it. ``captures`` is
    what asks the capture service beside the rounds; a single round has none, and asks itself. ``silent``
    names the checks that had nothing to say, so that what they found before does not stand any more.
    """

    home: Home
    now: datetime
    client: AuthorityClient
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    opened: Database | None = None
    cursor: JournalCursor | None = None
    captures: CaptureProbe | None = None
    stack: ExitStack = field(default_factory=ExitStack)
    commit_seconds: float | None = None
    silent: set[str] = field(default_factory=set)
    _known: dict[str, object] = field(default_factory=dict)

    def settings(self) -> Settings:
        """The settings. Raises :class:`ApplianceError`."""
        return self._once("settings", lambda: load(self.home).as_served())

    def database(self) -> Database:
        """The database, opened. Raises :class:`ApplianceError`, :class:`NotAnswerable` when there is none."""
        if self.opened is not None:
            return self.opened
        if not self.home.database.exists():
            raise NotAnswerable
        return self._once("database", self._open_database)

    def give_up_database(self, error: ApplianceError) -> None:
        """It takes nobody now: whoever asks next in this round need not wait to find that out."""
        self._known["database"] = error

    def status(self) -> AuthorityStatus:
        """What the authority says of itself. Raises :class:`AuthorityError`."""
        return self._once("status", self.client.status)

    def configured(self) -> Settings:
        """The settings, for questions about something else. Raises :class:`NotAnswerable`."""
        with _asked_elsewhere():
            return self.settings()

    def authority(self) -> AuthorityStatus:
        """The status, for questions about something else. Raises :class:`NotAnswerable`."""
        with _asked_elsewhere():
            return self.status()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One view of the database, for questions about what is in it. Raises :class:`NotAnswerable`."""
        with _asked_elsewhere():
            database = self.database()
        with database.reading() as tx:
            yield tx

    def _open_database(self) -> Database:
        return self.stack.enter_context(closing(Database(self.home.database, patience=PATIENCE)))

    def _once(self, name: str, ask: Callable[[], T]) -> T:
        """What *ask* gives or raises, asked once in this round under that *name*."""
        if name not in self._known:
            try:
                self._known[name] = ask()
            except RefusalError as error:
                self._known[name] = error
        known = self._known[name]
        if isinstance(known, Exception):
            raise known
        return cast(T, known)


@contextmanager
def open_check_context(
    home: Home,
    *,
    role: str,
    now: datetime,
    cursor: JournalCursor | None = None,
    captures: CaptureProbe | None = None,
) -> Iterator[CheckContext]:
    """A round of its own: asks the authority as *role* (one of ``home.ROLES``). The caller keeps *cursor* and
    *captures* from round to round, where there are several."""
    with AuthorityClient(home.authority_socket(role), timeout=PATIENCE) as client, ExitStack() as stack:
        yield CheckContext(home, now, client, cursor=cursor, captures=captures, stack=stack)


@contextmanager
def _asked_elsewhere() -> Iterator[None]:
    try:
        yield
    except RefusalError as error:
        raise NotAnswerable from error


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """A question: ``ask`` gives a finding, which gets this ``name``, or None when there is nothing to say; people
    read the ``title`` (a sentence of the catalogue).

    ``serving``: without it nothing is signed, dated or recorded, so ``/readyz`` gives 503. ``at_once``: answered
    fast enough to be asked for every visitor. ``network``: it asks another machine, so only the process that may
    (the scheduler) is sure of the answer.
    """

    name: str
    title: str
    ask: Callable[[CheckContext], HealthFinding | None]
    serving: bool = False
    at_once: bool = False
    network: bool = False


def ask_check(check: Check, context: CheckContext) -> HealthFinding | None:
    """The answer; None when what it needs does not answer, which another finding says."""
    try:
        finding = check.ask(context)
        if finding is None:
            context.silent.add(check.name)
            return None
        return finding.named(check.name)
    except NotAnswerable:
        return None
    except Exception as error:  # a question that breaks is a finding itself, and the others are asked
        log.warning("%s: %s: %s", check.name, type(error).__name__, error)
        values = {"check": check.name, "why": f"{type(error).__name__}: {error}"}
        template = "The question about {check} could not be answered: {why}"
        return attention(RunbookPage.CHECK_BROKEN, template, **values).named(check.name)


def ask_all(checks: Iterable[Check], context: CheckContext) -> list[HealthFinding]:
    """All answers, in the order of *checks*."""
    answers = (ask_check(check, context) for check in checks)
    return [finding for finding in answers if finding is not None]
