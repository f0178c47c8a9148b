"""What administrators ask of the organisation's directory, and what they are shown; the scheduler has one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Final, Protocol

from appliance.config import Settings
from appliance.errors import ApplianceError
from appliance.model.api_clients import ClientState
from appliance.model.directories import DirectoryReport, DirectorySource, DirectoryUser, HeldKind
from appliance.model.directory_status import (
    MOST_LINES,
    DirectoryDifferences,
    DirectoryStatus,
    ProviderState,
    PushingProgram,
)
from appliance.store import api_clients, directory_health
from appliance.store.database import Database
from hsm.errors import Sentence


class Asked(StrEnum):
    """What somebody may ask for: a synchronisation now, or what one would change."""

    ROUND = "round"
    DRY_RUN = "dry-run"


NOTHING: Final = "recorded"
"""The kind of what is different in a directory alone, and of no concern to anybody here."""


class DirectoryPlan(Protocol):
    """What a synchronisation would do: among how many users, how much by kind, and one sentence for each thing."""

    @property
    def read(self) -> int: ...

    @property
    def counts(self) -> Mapping[Any, int]: ...

    def sentences(self) -> Iterable[Sentence]: ...


class FollowingAccounts(Protocol):
    """What this uses of :class:`appliance.directories.following.DirectoryAccounts`."""

    def plan(self, source: DirectorySource, users: Iterable[DirectoryUser]) -> DirectoryPlan: ...

    def release(self, kind: HeldKind, *, count: int, digest: str, by: str) -> int: ...

    def report(self) -> DirectoryReport: ...


@dataclass(frozen=True, slots=True)
class DirectoryParts:
    """``read`` gives everybody whom the LDAP directory has; ``synchronise`` does a round with it now. Both raise
    :class:`ApplianceError`, and take as long as the directory does."""

    database: Database
    accounts: FollowingAccounts
    read: Callable[[], Iterable[DirectoryUser]]
    synchronise: Callable[[], object]


class DirectoryOperation:
    """Asked from one thread, done in another: an administrator's other requests do not wait for a slow directory.
    Thread-safe; what was asked for and not done is forgotten when the process ends."""

    def __init__(self, settings: Settings, parts: DirectoryParts, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._parts = parts
        self._now = now
        self._turn = threading.Lock()
        self._asked: list[Asked] = []
        self._differences: DirectoryDifferences | None = None

    def ask_for_round(self) -> None:
        """Has the directory read and followed with the next :meth:`run_asked`."""
        self._ask(Asked.ROUND)

    def ask_for_dry_run(self) -> None:
        """Has it read and compared, and nothing changed."""
        self._ask(Asked.DRY_RUN)

    def release(self, kind: HeldKind, *, count: int, digest: str, by: str) -> int:
        """As :meth:`DirectoryAccounts.release`; a synchronisation follows."""
        released = self._parts.accounts.release(kind, count=count, digest=digest, by=by)
        if self._settings.ldap.configured:
            self._ask(Asked.ROUND)
        return released

    def run_asked(self) -> None:
        """Does what was asked for by now. Raises what the parts raise of a synchronisation; why a dry run failed
        is shown where its differences would be."""
        for each in self._open():
            try:
                if each is Asked.DRY_RUN:
                    self._differences = self._compared()
                else:
                    self._differences = None  # what would have changed has changed
                    self._parts.synchronise()
            finally:
                with self._turn:
                    self._asked.remove(each)

    def status(self) -> DirectoryStatus:
        """What is shown now."""
        settings = self._settings
        asked = self._open()
        return DirectoryStatus(
            ldap=settings.ldap.url,
            minutes=settings.ldap.minutes,
            provider=self._provider(),
            report=self._parts.accounts.report(),
            programs=self._programs(),
            differences=self._differences,
            asked=asked[0] if asked else "",
        )

    def _ask(self, what: Asked) -> None:
        with self._turn:
            if what not in self._asked:
                self._asked.append(what)

    def _open(self) -> list[Asked]:
        with self._turn:
            return list(self._asked)

    def _compared(self) -> DirectoryDifferences:
        at = self._now()
        try:
            plan = self._parts.accounts.plan(DirectorySource.LDAP, self._parts.read())
        except ApplianceError as error:
            return DirectoryDifferences(at, problem=Sentence(error.template, error.plain_values()))
        counts = {str(kind): count for kind, count in plan.counts.items() if kind != NOTHING}
        return DirectoryDifferences(at, plan.read, counts, tuple(islice(plan.sentences(), MOST_LINES)))

    def _provider(self) -> ProviderState:
        issuer = self._settings.openid.issuer
        if not issuer:
            return ProviderState("")
        return self._parts.database.query(directory_health.provider_state, issuer)

    def _programs(self) -> tuple[PushingProgram, ...]:
        found = self._parts.database.query(api_clients.all_clients)
        return tuple(
            PushingProgram(each.id, each.name, each.state is ClientState.ACTIVE, each.last_used)
            for each in found
            if each.pushes_people
        )
