"""Forms that make something are sent once: whoever sends the same form again is led to what the first made.

1. The form carries a random value, ``once``. Who sends it first claims it; the claim is on disk before anything is
   made.
2. When the thing is made, its address is remembered with the claim. When making it was refused, the claim is
   released, and the corrected form may be sent with the same value.
3. A second one with the same value, of the same subject, waits for the first and gets its address.
4. A claim whose process died counts as abandoned after :data:`ABANDONED`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from appliance.errors import PreconditionRefused, StateRefused
from appliance.store import submissions
from appliance.store.database import Database, commits

ABANDONED = timedelta(minutes=5)
"""A claim older than this without a result is nobody's: making something takes a minute at most."""

KEPT = timedelta(days=7)
"""How long it is remembered what a form made; nobody has a page open for longer."""

PATIENCE = 20.0
"""Seconds that a second one waits for the first."""

LENGTHS = range(16, 65)
"""How long a value may be, in characters."""


class Submissions:
    """Thread-safe, and safe between processes. *wait* sleeps between two looks."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime],
        *,
        patience: float = PATIENCE,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._now = now
        self._patience = patience
        self._wait = wait

    def claim(self, subject: str, once: str) -> str | None:
        """None: the caller is the first, makes the thing, and calls :meth:`finish` or :meth:`release`.

        Otherwise the address of what the first made; while it is under way, this waits. Raises
        :class:`StateRefused` when the first takes too long, :class:`PreconditionRefused` for no value of ours.
        """
        if len(once) not in LENGTHS or not once.isascii():
            raise PreconditionRefused("The form is incomplete; load its page again and repeat it.")
        until = time.monotonic() + self._patience
        while not self._claimed(subject, once):
            made = self._made(subject, once, until)
            if made is not None:
                return made
        return None

    finish = commits(submissions.finish)
    release = commits(submissions.release)

    def _claimed(self, subject: str, once: str) -> bool:
        now = self._now()
        with self._database.transaction() as tx:
            submissions.forget(tx, now - KEPT)
            return submissions.claim(tx, subject, once, now=now, abandoned=now - ABANDONED)

    def _made(self, subject: str, once: str, until: float) -> str | None:
        """The address, as soon as it is known; None when the claim was released."""
        while True:
            (known, made) = self._database.query(submissions.made, subject, once)
            if made is not None or not known:
                return made
            if time.monotonic() >= until:
                raise StateRefused("The same form is being worked on already; look for its result in a moment.")
            self._wait(0.05)
