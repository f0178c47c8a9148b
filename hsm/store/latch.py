"""The latch on the HSM's PIN: once wrong, never tried again until an operator acts."""

from __future__ import annotations

from hsm.store.database import AuthorityDatabase


class PinLatch:
    """One row for each token whose PIN was refused; it outlives restarts."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def refusal_of(self, token: str) -> str | None:
        """Why no PIN may be tried on *token* (its label), or None when one may."""
        return self._database.value(str, "SELECT sentence FROM latch WHERE token = ?", (token,))

    def latch(self, token: str, sentence: str, *, at: int) -> None:
        """Forbids further attempts on *token*."""
        with self._database.transaction():
            self._database.insert("latch", "ON CONFLICT DO NOTHING", token=token, sentence=sentence, latched=at)

    def release_all(self) -> list[str]:
        """Permits one attempt again on every token; the labels of those on which none was permitted."""
        with self._database.transaction():
            latched = self._database.column(str, "SELECT token FROM latch ORDER BY token")
            self._database.run("DELETE FROM latch")
        return latched

    def release(self, token: str) -> bool:
        """Permits one attempt again; False when none was forbidden."""
        with self._database.transaction():
            return self._database.run("DELETE FROM latch WHERE token = ?", (token,)) == 1
