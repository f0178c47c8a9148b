"""Figures over time, for charts: gathered by the hour, and for so many days only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.health.observations import Observations
from appliance.store.health import series as store

KEPT = timedelta(days=400)
"""A year can be compared with the one before its last month."""

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HourlyFigures:
    """One hour from ``hour`` (UTC) on. ``grown`` is by how much a figure that only grows did so in it."""

    hour: datetime
    count: int
    mean: float
    low: float
    high: float
    last: float
    grown: float


class FigureSeries:
    """The figures in the watch's database."""

    def __init__(self, observations: Observations) -> None:
        self._observations = observations

    def add_figures(self, figures: Mapping[str, float], now: datetime) -> None:
        """One measurement of each; what is older than :data:`KEPT` goes. Raises StorageError."""
        hour = _hour_of(now)
        with self._observations.database().transaction() as tx:
            for name, value in figures.items():
                store.add(tx, name, hour, value)
            store.forget(tx, before=hour - KEPT)

    def figure_names(self) -> list[str]:
        """Which figures there are."""
        with self._observations.reading() as tx:
            return store.names(tx)

    def read_hours(self, name: str, *, since: datetime, until: datetime) -> list[HourlyFigures]:
        """The hours of one figure, in order; hours without a measurement are left out."""
        with self._observations.reading() as tx:
            rows = store.read(tx, name, since=_hour_of(since) - HOUR, until=until)
        return [bucket for bucket in _buckets(rows) if bucket.hour >= _hour_of(since)]


def _buckets(rows: Iterable[store.Hour]) -> Iterable[HourlyFigures]:
    before: store.Hour | None = None
    for row in rows:
        start = before.last if before is not None and before.last <= row.high else row.low
        yield HourlyFigures(
            hour=row.hour,
            count=row.count,
            mean=row.total / row.count,
            low=row.low,
            high=row.high,
            last=row.last,
            grown=max(0.0, row.high - start),
        )
        before = row


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
