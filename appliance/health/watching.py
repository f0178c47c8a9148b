"""The watch: asks everything, round after round, and keeps the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from appliance.errors import ApplianceError
from appliance.health.bench import CheckContext, JournalCursor, NotAnswerable, open_check_context
from appliance.health.check import Check, ask_all
from appliance.health.figures import measure_figures
from appliance.health.finding import HealthFinding
from appliance.health.observations import Observations
from appliance.health.registry import CHECKS
from appliance.health.series import FigureSeries
from appliance.health.tally import refused, tally
from appliance.home import Home


class HealthWatch:
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
        self._cursor = JournalCursor()

    def run_round(self) -> list[HealthFinding]:
        """One round; what it found, which is kept on return. Raises StorageError when it cannot be."""
        with open_check_context(self._home, role=self._role, now=self._now(), cursor=self._cursor) as opened:
            found = ask_all(self._checks, opened)
            figures = {**measure_figures(opened), **self._counted(opened), **refused(opened, self._observations)}
        self._observations.save_round(found, opened.now, figures, names=[check.name for check in self._checks])
        FigureSeries(self._observations).add_figures(figures, opened.now)
        return found

    def _counted(self, opened: CheckContext) -> dict[str, float]:
        try:
            return tally(opened, self._observations)
        except (NotAnswerable, ApplianceError):  # the database does not answer, which was found above
            return {}
