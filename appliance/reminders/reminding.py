"""The tick: derives what is due, a bounded share at a time, and touches nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from appliance.reminders.derivation import KnownHours, ReminderDerivation
from appliance.store import reminder_plans
from appliance.store.database import Database

BATCH = 25
"""Plans that one transaction derives: other writers wait for it."""

LONGEST = 1.0
"""Seconds after which a tick leaves the rest to the next one."""

SIGN_OF_LIFE = timedelta(minutes=1)


class ReminderTick:
    """One caller at a time (the scheduler). A process that dies in the middle loses nothing: what was derived is
    on disk together with the note that it was.

    ``rules`` is a fingerprint of rules and calendars: when they are others than at the last tick, everything is
    looked at anew.
    """

    def __init__(
        self, database: Database, derivation: ReminderDerivation, *, rules: str, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._derivation = derivation
        self._rules = rules
        self._now = now

    def tick(self) -> int:
        """Derives what is due; how many reminders are new."""
        self._prepare()
        made, ends = 0, time.monotonic() + LONGEST
        while time.monotonic() < ends:
            with self._database.reading() as tx:
                due = reminder_plans.due(tx, self._now(), limit=BATCH)
            if not due:
                break
            with self._database.transaction() as tx:
                known: KnownHours = {}
                made += sum(self._derivation.derive_plan(tx, plan, self._now(), known) for plan in due)
        return made

    def _prepare(self) -> None:
        now = self._now()
        with self._database.reading() as tx:
            ticked, rules = reminder_plans.clock(tx)
            touched = reminder_plans.is_anybody_touched(tx)
        if touched or rules != self._rules or ticked is None or now - ticked >= SIGN_OF_LIFE:
            with self._database.transaction() as tx:
                reminder_plans.mark_touched(tx)
                if rules != self._rules:
                    reminder_plans.mark_all(tx)
                reminder_plans.set_clock(tx, now, self._rules)
