"""What administrators ask of the organisation's directory, and what they are shown; the scheduler has one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from itertools import islice

from appliance.config import Settings
from appliance.directories.comparing import Plan
from appliance.directories.following import DirectoryAccounts
from appliance.directories.rounds import DirectoryRounds
from appliance.errors import ApplianceError, StateRefused
from appliance.model.api_clients import ClientState
from appliance.model.directory_status import (
    MOST_LINES,
    DifferenceKind,
    DirectoryDifference,
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


def _concerns(kind: DifferenceKind) -> bool:
    """Whether people want to know of it."""
    return kind is not DifferenceKind.RECORDED


class DirectoryOperation:
    """Asked from one thread, done in another: an administrator's other requests do not wait for a slow directory.
    Thread-safe; what was asked for and not done is forgotten when the process ends."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        accounts: DirectoryAccounts,
        rounds: DirectoryRounds,
        now: Callable[[], datetime],
    ) -> None:
        self._settings, self._database, self._now = settings, database, now
        self._accounts, self._rounds = accounts, rounds
        self._turn = threading.Lock()
        self._asked: list[Asked] = []
        self._differences: DirectoryDifferences | None = None

    def ask_for_round(self) -> None:
        """Has the directory read and followed with the next :meth:`run_asked`."""
        self._ask(Asked.ROUND)

    def ask_for_dry_run(self) -> None:
        """Has it read and compared, and nothing changed."""
        self._ask(Asked.DRY_RUN)

    def run_asked(self) -> None:
        """Does what was asked for by now. Raises as :meth:`DirectoryRounds.run_round`, after which a round waits
        again only where another one runs; why a dry run failed is shown with its differences."""
        for each in self._open():
            try:
                if each is Asked.DRY_RUN:
                    self._differences = self._compared()
                else:
                    self._run_rounds()
            except StateRefused:  # one that has begun may have read before whoever asked changed something
                raise
            except BaseException:
                self._forget(each)
                raise
            self._forget(each)

    def status(self) -> DirectoryStatus:
        """What is shown now."""
        settings = self._settings
        asked = self._open()
        return DirectoryStatus(
            ldap=settings.ldap.url,
            minutes=settings.ldap.minutes,
            provider=self._provider(),
            report=self._accounts.report(),
            programs=self._programs(),
            differences=self._differences,
            asked=asked[0] if asked else "",
        )

    def _ask(self, what: Asked) -> None:
        with self._turn:
            if what not in self._asked:
                self._asked.append(what)

    def _forget(self, what: Asked) -> None:
        with self._turn:
            self._asked.remove(what)

    def _open(self) -> list[Asked]:
        with self._turn:
            return list(self._asked)

    def _run_rounds(self) -> None:
        for source in self._rounds.sources():
            self._rounds.run_round(source)
            self._differences = None  # what would have changed has changed

    def _compared(self) -> DirectoryDifferences:
        at, plans = self._now(), list[Plan]()
        problem: Sentence | None = None
        for source in self._rounds.sources():
            try:
                plans.append(self._rounds.plan(source))
            except ApplianceError as error:
                problem = Sentence(error.template, error.plain_values())
        counts: Counter[str] = Counter()
        for each in plans:
            counts.update({kind.value: count for kind, count in each.counts.items() if _concerns(kind)})
        told = (
            DirectoryDifference(kind.value, sentence)
            for plan in plans
            for kind, sentence in plan.sentences()
            if _concerns(kind)
        )
        read = sum(each.read for each in plans)
        return DirectoryDifferences(at, read, dict(counts), tuple(islice(told, MOST_LINES)), problem)

    def _provider(self) -> ProviderState:
        issuer = self._settings.openid.issuer
        if not issuer:
            return ProviderState("")
        return self._database.query(directory_health.provider_state, issuer)

    def _programs(self) -> tuple[PushingProgram, ...]:
        found = self._database.query(api_clients.all_clients)
        return tuple(
            PushingProgram(each.id, each.name, each.state is ClientState.ACTIVE, each.last_used)
            for each in found
            if each.pushes_people
        )
