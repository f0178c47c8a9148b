"""Maintenance mode, as every process sees it: the portal lets people look, the scheduler holds, nothing is dated.

The truth is a row in the database, so it holds across restarts and for all processes within a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from appliance.errors import NotFound, PreconditionRefused, StateRefused, StorageError
from appliance.model.administration import MaintenanceWindow
from appliance.store import accounts
from appliance.store import maintenance as store
from appliance.store.database import Database

FRESH = 1.0
"""Seconds for which one look at the database serves."""

LONGEST = timedelta(days=7)
FARTHEST = timedelta(days=90)
"""How far ahead it can be announced."""

LONGEST_MESSAGE = 300


class Maintenance:
    """Looks at most once a second; while the database does not answer, it is as it was. Thread-safe."""

    def __init__(
        self, database: Database, now: Callable[[], datetime], *, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._now = now
        self._ticks = ticks
        self._turn = threading.Lock()
        self._looked: float | None = None
        self._window: MaintenanceWindow | None = None

    def window(self) -> MaintenanceWindow | None:
        """What is announced or under way."""
        with self._turn:
            if self._looked is None or self._ticks() - self._looked >= FRESH:
                with suppress(StorageError):  # whoever needs the database is told so there
                    self._window = self._database.query(store.open_window)
                self._looked = self._ticks()
            return self._window

    def under_way(self) -> MaintenanceWindow | None:
        """What has begun and not ended."""
        window = self.window()
        return window if window is not None and window.is_under_way(self._now()) else None

    def plan(self, window: MaintenanceWindow, logins: list[str]) -> MaintenanceWindow:
        """Announces *window*, with exceptions for those accounts of the portal.

        Raises :class:`PreconditionRefused` for times that cannot be, :class:`NotFound` for an unknown login,
        :class:`StateRefused` while another one is open.
        """
        now = self._now()
        self._require_possible(window, now)
        with self._database.transaction() as tx:
            found = {login: accounts.by_login(tx, login) for login in logins}
            unknown = [login for login, account in found.items() if account is None]
            if unknown:
                raise NotFound("Nobody in the portal has the login {login}.", login=unknown[0])
            subjects = frozenset(account.subject for account in found.values() if account is not None)
            planned = MaintenanceWindow(window.begins, window.until, window.message, subjects)
            store.plan(tx, planned, now)
        self._forget()
        return planned

    def end(self) -> None:
        """Ends it, or calls it off. Raises :class:`StateRefused` when there is none."""
        with self._database.transaction() as tx:
            if not store.end(tx, self._now()):
                raise StateRefused("No maintenance is planned or under way.")
        self._forget()

    def _require_possible(self, window: MaintenanceWindow, now: datetime) -> None:
        if window.until <= max(window.begins, now):
            raise PreconditionRefused("A maintenance ends after it begins, and not in the past.")
        if window.until - window.begins > LONGEST or window.begins - now > FARTHEST:
            raise PreconditionRefused(
                "A maintenance lasts at most {days} days, and is announced at most {ahead} days ahead.",
                days=LONGEST.days,
                ahead=FARTHEST.days,
            )
        if len(window.message) > LONGEST_MESSAGE:
            raise PreconditionRefused("The message has at most {most} characters.", most=LONGEST_MESSAGE)

    def _forget(self) -> None:
        with self._turn:
            self._looked = None
