"""The scheduler's synchronisations with the LDAP directory; the command runs the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from appliance.directories.comparing import Plan
from appliance.directories.following import DirectoryAccounts
from appliance.directory_service.client import DirectoryUnavailable
from appliance.model.directories import DirectoryRound, DirectorySource, DirectoryUser


class DirectoryRounds:
    """*read* gives everybody whom the directory has, or raises :class:`DirectoryUnavailable`."""

    def __init__(
        self,
        accounts: DirectoryAccounts,
        read: Callable[[], Iterable[DirectoryUser]],
        now: Callable[[], datetime],
    ) -> None:
        self._accounts, self._read, self._now = accounts, read, now

    def run_round(self) -> DirectoryRound:
        """One synchronisation, which is kept whatever came of it.

        Raises :class:`DirectoryUnavailable` when the directory did not answer or cannot be believed: nothing was
        changed. Raises :class:`StateRefused` while another one runs."""
        began = self._now()
        try:
            return self._accounts.synchronise(DirectorySource.LDAP, self._read())
        except DirectoryUnavailable as why:
            self._accounts.record_failure(DirectorySource.LDAP, began, why)
            raise

    def plan(self) -> Plan:
        """What a synchronisation would do now; nothing is written. Raises :class:`DirectoryUnavailable`."""
        return self._accounts.plan(DirectorySource.LDAP, self._read())
