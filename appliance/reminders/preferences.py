"""People's preferences about reminders: quiet hours, one mail a day."""

from __future__ import annotations

from datetime import time

from appliance.errors import PreconditionRefused
from appliance.model.notice import QuietHours, ReminderPreferences
from appliance.store import reminders
from appliance.store.database import Database


class ReminderPreferenceService:
    """Each person's own. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load_preferences(self, person: str) -> ReminderPreferences:
        """The preferences of *person*; the defaults until they are set."""
        with self._database.reading() as tx:
            return reminders.preferences_of(tx, person)

    def save_preferences(self, person: str, preferences: ReminderPreferences) -> None:
        """Applies to waiting reminders, too."""
        with self._database.transaction() as tx:
            reminders.save_preferences(tx, person, preferences)


def parse_preferences(start: str, until: str, daily: str) -> ReminderPreferences:
    """The preferences as typed, ``22:00``; empty for none. Raises :class:`PreconditionRefused`."""
    begins, ends, at = (_time(text) for text in (start, until, daily))
    if (begins is None) != (ends is None):
        raise PreconditionRefused("Quiet hours need a beginning and an end; leave both empty for none.")
    if begins is None or ends is None:
        return ReminderPreferences(None, at)
    if begins == ends:
        raise PreconditionRefused("Quiet hours cannot be the whole day; leave them empty for none.")
    return ReminderPreferences(QuietHours(begins, ends), at)


def _time(text: str) -> time | None:
    if not text.strip():
        return None
    try:
        found = time.fromisoformat(text.strip())
    except ValueError as error:
        raise PreconditionRefused("{text} is not a time of day; write it like 22:00.", text=text[:20]) from error
    return found.replace(second=0, microsecond=0, tzinfo=None)
