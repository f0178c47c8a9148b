"""The lease on time: no timestamp is issued beyond it, and after a crash none at or below it."""

from __future__ import annotations

from hsm.store.database import AuthorityDatabase


class TimeLease:
    """One number for all workers: microseconds since 1970 (UTC) up to which timestamps may have been given."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def lease(self) -> int:
        """The end of the lease; 0 before the first."""
        row = self._database.one("SELECT until FROM time_lease WHERE one = 1")
        return int(row[0]) if row else 0

    def extend_lease(self, until: int) -> None:
        """Moves the end to *until*, on disk on return; never back."""
        with self._database.transaction():
            self._database.run("UPDATE time_lease SET until = ? WHERE one = 1 AND until < ?", (until, until))
