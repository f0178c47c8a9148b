"""The latch on the HSM's PIN: once wrong, never tried again until an operator acts."""

from __future__ import annotations

from hsm.store.database import AuthorityDatabase


class PinLatch:
    """One row for each token whose PIN was refused; it outlives restarts."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def refusal_of(self, token: str) -> str | None:
        """Why no PIN may be tried on *token* (its label), or None when one may."""
        row = self._database.one("SELECT sentence FROM latch WHERE token = ?", (token,))
        return str(row[0]) if row else None

    def latch(self, token: str, sentence: str, *, at: int) -> None:
        """Forbids further attempts on *token*."""
        with self._database.transaction():
            self._database.run(
                "INSERT INTO latch (token, sentence, latched) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (token, sentence, at),
            )

    def release_all(self) -> list[str]:
        """Permits one attempt again on every token; the labels of those on which none was permitted."""
        with self._database.transaction():
            latched = [str(row[0]) for row in self._database.all("SELECT token FROM latch ORDER BY token")]
            self._database.run("DELETE FROM latch")
        return latched

    def release(self, token: str) -> bool:
        """Permits one attempt again; False when none was forbidden."""
        with self._database.transaction():
            return self._database.run("DELETE FROM latch WHERE token = ?", (token,)) == 1
