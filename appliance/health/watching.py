"""The watch: asks everything, round after round, and keeps the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from appliance.errors import ApplianceError
from appliance.health.bench import Bench, Cursor, Unasked, bench
from appliance.health.check import Check, ask_all
from appliance.health.figures import measure
from appliance.health.finding import Finding
from appliance.health.observations import Observations
from appliance.health.registry import CHECKS
from appliance.health.series import Series
from appliance.health.tally import refused, tally
from appliance.home import Home


class Watch:
    """There is one (the scheduler's); *role* is whom the authority is asked as."""

    def __init__(
        self,
        home: Home,
        observations: Observations,
        now: Callable[[], datetime],
        *,
        role: str = "scheduler",
        checks: Sequence[Check] = CHECKS,
    ) -> None:
        self._home = home
        self._observations = observations
        self._now = now
        self._role = role
        self._checks = checks
        self._cursor = Cursor()

    def look(self) -> list[Finding]:
        """One round; what it found, which is kept on return. Raises StorageError when it cannot be."""
        with bench(self._home, role=self._role, now=self._now(), cursor=self._cursor) as opened:
            found = ask_all(self._checks, opened)
            figures = {**measure(opened), **self._counted(opened), **refused(opened, self._observations)}
        self._observations.keep(found, opened.now, figures, names=[check.name for check in self._checks])
        Series(self._observations).add(figures, opened.now)
        return found

    def _counted(self, opened: Bench) -> dict[str, float]:
        try:
            return tally(opened, self._observations)
        except (Unasked, ApplianceError):  # the database does not answer, which was found above
            return {}
