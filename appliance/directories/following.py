"""Accounts that follow the organisation's directories: what a reading, or one pushed user, changes here."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.accounts.context import AccountsPart
from appliance.model.directories import (
    DirectoryReport,
    DirectoryRound,
    DirectorySource,
    DirectoryUser,
    HeldKind,
    KnownUser,
)
from appliance.store.database import Transaction


class DirectoryAccounts(AccountsPart):
    """Does what the directories ask for, and no more. Thread-safe; of synchronisations one runs at a time."""

    def follow(self, source: DirectorySource, user: DirectoryUser) -> KnownUser:
        """One user as the directory has them now: new, changed, disabled, or there again; in a transaction of its own.
        What could not be done is the ``problem`` of what is returned; what waits for two administrators leaves the
        account as it is."""
        raise NotImplementedError

    def follow_within(self, tx: Transaction, source: DirectorySource, user: DirectoryUser) -> KnownUser:
        """The same in the caller's transaction, after which :meth:`finish` has to be called."""
        raise NotImplementedError

    def remove(self, source: DirectorySource, key: str) -> KnownUser:
        """The directory has the user no more. Raises :class:`NotFound` for one whom it never had."""
        raise NotImplementedError

    def remove_within(self, tx: Transaction, source: DirectorySource, key: str) -> KnownUser:
        """The same in the caller's transaction, after which :meth:`finish` has to be called."""
        raise NotImplementedError

    def synchronise(self, source: DirectorySource, users: Iterable[DirectoryUser]) -> DirectoryRound:
        """Everybody as a whole reading has them: who is not in it is removed.

        Raises :class:`DirectoryUnavailable` for a reading that cannot be believed, :class:`StateRefused` while another
        synchronisation runs. What was begun and broken off is gone on with by the next one.
        """
        raise NotImplementedError

    def finish(self) -> None:
        """Does what was released, and offers the open work of who has departed to their managers."""
        raise NotImplementedError

    def release(self, kind: HeldKind, *, count: int, digest: str, by: str) -> int:
        """Two administrators (*by*, logins) agree to all that waits of one *kind*, of which they were shown *count*
        and *digest*; how many. Raises :class:`StateRefused` where other users wait now."""
        raise NotImplementedError

    def report(self) -> DirectoryReport:
        """What the console shows."""
        raise NotImplementedError
