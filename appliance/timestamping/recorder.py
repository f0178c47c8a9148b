"""Tokens go into the log in one thread of their own: one commit for all that were signed since the last."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

from appliance.ledger.entry import record_timestamps
from appliance.store.database import Database
from hsm.timestamp import IssuedToken

Told = Callable[[Exception | None], None]


class Recorder:
    """For the loop that it was made in. The thread begins with the first tokens, so that no fork inherits it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[Sequence[IssuedToken], Told]] = []
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def record(self, tokens: Sequence[IssuedToken], told: Told) -> None:
        """Has *told* called in the loop with None once all *tokens* are on disk, or with what prevented it."""
        with self._changed:
            self._waiting.append((tokens, told))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Records what waits, then ends the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while waiting := self._next():
            failure: Exception | None = None
            try:
                with self._database.transaction() as tx:
                    record_timestamps(tx, [token for tokens, _ in waiting for token in tokens])
            except Exception as error:  # told to everybody who waits: nothing of theirs is given out
                failure = error
            self._loop.call_soon_threadsafe(_tell, waiting, failure)

    def _next(self) -> list[tuple[Sequence[IssuedToken], Told]]:
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            waiting, self._waiting = self._waiting, []
            return waiting


def _tell(waiting: Sequence[tuple[Sequence[IssuedToken], Told]], failure: Exception | None) -> None:
    for _, told in waiting:
        told(failure)
