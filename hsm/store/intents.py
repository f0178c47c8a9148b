"""Intents that were authorised: each nonce once, on disk before anything is signed."""

from __future__ import annotations

from collections.abc import Sequence

from pysqlite3 import dbapi2 as sqlite

from hsm.errors import ActivationUsed
from hsm.store.database import AuthorityDatabase


class IntentStore:
    """The record of authorised intents; rows are never changed or deleted."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def authorise(self, nonce: bytes, intent: str, *, activated_by: Sequence[str], strength: str, at: int) -> None:
        """Uses up *nonce* for the canonical *intent*. Raises :class:`ActivationUsed` when it was used before."""
        try:
            self._database.run(
                "INSERT INTO acts (nonce, act, activated_by, strength, authorised) VALUES (?, ?, ?, ?, ?)",
                (nonce, intent, " ".join(activated_by), strength, at),
            )
        except sqlite.IntegrityError as error:
            raise ActivationUsed(_USED) from error

    def require_unused(self, nonce: bytes) -> None:
        """Raises :class:`ActivationUsed` when *nonce* was used up."""
        if self._database.one("SELECT 1 FROM acts WHERE nonce = ?", (nonce,)) is not None:
            raise ActivationUsed(_USED)


_USED = "This activation was used before; each one counts once."
