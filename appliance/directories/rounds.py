"""Synchronisations with whole directories: the scheduler's, and those that somebody asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from appliance.directories.comparing import Plan
from appliance.directories.following import DirectoryAccounts
from appliance.directory_service.client import DirectoryUnavailable
from appliance.model.directories import DirectoryRound, DirectorySource, DirectoryUser
from appliance.store import directories
from appliance.store.database import Database

APART: Final = timedelta(hours=1)
"""Between two synchronisations with what is kept here. Accounts follow each push and each sign-in at once; what
was left to the next synchronisation is found by it."""

KEPT: Final = (DirectorySource.SCIM, DirectorySource.OPENID)
"""Directories that are not read: what they have is what was pushed, or said, last."""


class DirectoryRounds:
    """*read* gives everybody whom the LDAP directory has, or raises :class:`DirectoryUnavailable`; None where
    there is no such directory. What programs have pushed by SCIM, or ID tokens said, is in the *database*."""

    def __init__(
        self,
        database: Database,
        accounts: DirectoryAccounts,
        read: Callable[[], Iterable[DirectoryUser]] | None,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._accounts, self._read, self._now = database, accounts, read, now

    def sources(self) -> tuple[DirectorySource, ...]:
        """What can be synchronised with now; first those that nothing outside can keep away."""
        known = [each for each in KEPT if self._database.query(directories.has_users, each)]
        return (*known, DirectorySource.LDAP) if self._read else tuple(known)

    def run_round(self, source: DirectorySource = DirectorySource.LDAP) -> DirectoryRound:
        """One synchronisation with *source*, one of :meth:`sources`, which is kept whatever came of it.

        Raises :class:`DirectoryUnavailable` when the directory did not answer or cannot be believed: nothing was
        changed. Raises :class:`StateRefused` while another one runs."""
        if self._read is None or source in KEPT:
            return self._accounts.synchronise_again(source)
        began = self._now()
        try:
            return self._accounts.synchronise(source, self._read())
        except DirectoryUnavailable as why:
            self._accounts.record_failure(source, began, why)
            raise

    def plan(self, source: DirectorySource = DirectorySource.LDAP) -> Plan:
        """What a synchronisation would do now; nothing is written. Raises :class:`DirectoryUnavailable`."""
        if self._read is None or source in KEPT:
            return self._accounts.plan_again(source)
        return self._accounts.plan(source, self._read())

    def read_again(self) -> None:
        """The scheduler's synchronisation with the LDAP directory. Somebody starts the first one, who has seen
        what it would do; until then nothing is read. Raises as :meth:`run_round`."""
        if self._database.query(directories.last_success, DirectorySource.LDAP) is not None:
            self.run_round()

    def run_due(self) -> None:
        """Synchronises with each of :data:`KEPT` that has users, where the settings are others than at the last
        time, or that was :data:`APART` ago; else this is one small query for each. Raises as :meth:`run_round`."""
        for source in KEPT:
            last = self._database.query(directories.last_round, source)
            if last is not None and last.rules == self._accounts.rules and self._now() - last.ended < APART:
                continue
            if self._database.query(directories.has_users, source):
                self.run_round(source)
