"""What people wish about reminders, in the database."""

from __future__ import annotations

from datetime import time

from appliance.model.notice import QuietHours, ReminderPreferences
from appliance.store.database import Transaction
from hsm.rows import RowMapper, columns


def preferences_of(tx: Transaction, person: str) -> ReminderPreferences:
    """The wishes of *person*; none when there is no row."""
    rows = tx.execute("SELECT quiet_start, quiet_until, daily FROM reminder_wishes WHERE person = ?", (person,))
    return _PREFERENCES.first(rows) or ReminderPreferences()


def _quiet(start: str | None, until: str) -> QuietHours | None:
    return None if start is None else QuietHours(time.fromisoformat(start), time.fromisoformat(until))


_PREFERENCES = RowMapper(ReminderPreferences, quiet=columns(_quiet, "quiet_start", "quiet_until"))


def save_preferences(tx: Transaction, person: str, wishes: ReminderPreferences) -> None:
    """Writes the *wishes* of *person* in place of earlier ones."""
    quiet = (None, None) if wishes.quiet is None else (_told(wishes.quiet.start), _told(wishes.quiet.until))
    daily = None if wishes.daily is None else _told(wishes.daily)
    tx.execute(
        "INSERT INTO reminder_wishes (person, quiet_start, quiet_until, daily) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (person) DO UPDATE SET quiet_start = excluded.quiet_start,"
        " quiet_until = excluded.quiet_until, daily = excluded.daily",
        (person, *quiet, daily),
    )


def _told(of_day: time) -> str:
    return f"{of_day:%H:%M}"
