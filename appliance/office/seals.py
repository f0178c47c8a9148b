"""Company seals after they are made: suspended at once when something is wrong, and let go again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from appliance.errors import StateRefused
from appliance.history.chronicle import Chronicle
from appliance.history.events import EventKind, HistoryEvent
from appliance.model.people import Seal
from appliance.office.reasons import worded
from appliance.store import people, roll
from appliance.store.database import Database
from appliance.store.moments import stored


class Seals:
    """What officers do with seals that exist. Thread-safe."""

    def __init__(self, database: Database, chronicle: Chronicle, now: Callable[[], datetime]) -> None:
        self._database = database
        self._chronicle = chronicle
        self._now = now

    def all(self) -> list[Seal]:
        """Every seal, by subject."""
        with self._database.reading() as tx:
            return people.seals(tx)

    def seal(self, subject: str) -> Seal:
        """The seal. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return people.seal(tx, subject)

    def suspend(self, subject: str, *, reason: str, by: str) -> None:
        """Nothing is sealed with it until :meth:`resume`. Raises :class:`StateRefused` when it is so already."""
        self._set(subject, suspended=True, reason=reason, by=by)

    def resume(self, subject: str, *, reason: str, by: str) -> None:
        """The seal may be used again. Raises :class:`StateRefused` when it is so already."""
        self._set(subject, suspended=False, reason=reason, by=by)

    def _set(self, subject: str, *, suspended: bool, reason: str, by: str) -> None:
        now, words = self._now(), worded(reason, "Say why; the reason goes on record.")
        with self._database.transaction() as tx:
            people.seal(tx, subject)
            if not roll.suspend_seal(tx, subject, since=stored(now) if suspended else None):
                raise StateRefused("Another officer has changed this seal in the meantime.")
            kind = EventKind.SEAL_SUSPENDED if suspended else EventKind.SEAL_RESUMED
            self._chronicle.tell(tx, HistoryEvent(kind, now, by, None, {"subject": subject}, {"reason": words}))
