"""What the health monitor has found, since when, what it measured by the hour, and whether it runs itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from appliance.errors import ApplianceError, StorageError
from appliance.health.check_context import CheckContext, NotAnswerable
from appliance.health.findings import Condition, HealthFinding, RunbookPage, failing, good
from appliance.store.database import Database, Transaction, at_rest
from appliance.store.health import HEALTH
from appliance.store.health import figures as store_of_figures
from appliance.store.health import observations as store

ASLEEP = timedelta(minutes=1)
"""A health monitor that has completed no round for so long does not run."""

KEPT = timedelta(days=400)
"""How long hourly figures are kept: a year, and a month more to compare with the same month a year ago."""

HOUR = timedelta(hours=1)
HourlyFigures = store_of_figures.HourlyFigures


@dataclass(frozen=True, slots=True)
class Observed:
    """A finding, ``since`` when it has been so, and ``at`` when it was found last."""

    finding: HealthFinding
    since: datetime
    at: datetime

    @classmethod
    def from_row(cls, row: store.Observation) -> Observed:
        known = row.page in set(RunbookPage)  # another release may have written it
        page = None if row.page is None else RunbookPage(row.page) if known else RunbookPage.CHECK_BROKEN
        said = row.sentence.template, row.sentence.values
        return cls(HealthFinding(Condition(row.condition), *said, page, row.mark, row.name), row.since, row.at)

    @classmethod
    def from_finding(cls, finding: HealthFinding, now: datetime, before: Observed | None) -> Observed:
        """*finding*, made just now; the health monitor knows since when, if it found the same *before*."""
        same = before is not None and before.finding.occurrence == finding.occurrence
        return cls(finding, before.since if same and before else now, now)


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that the health monitor knows; ``at`` is the end of its last round, None before the first.
    ``figures`` are what it measured then."""

    observed: tuple[Observed, ...] = ()
    at: datetime | None = None
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def condition(self) -> Condition:
        """That of the worst."""
        return max(
            (each.finding.condition for each in self.observed), key=lambda it: it.rank, default=Condition.GOOD
        )


class Observations:
    """The health monitor's database at *path*. Thread-safe. Whoever only reads need not be able to make it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: Database | None = None

    def survey(self, now: datetime) -> Survey:
        """All findings in the order in which people read them, with one about the health monitor itself.

        Never raises: a health monitor whose database does not open counts as one that does not run.
        """
        try:
            survey = self._survey() if self._path.exists() else Survey()
        except ApplianceError as error:
            finding = failing(RunbookPage.WATCH_DEAD, error.template, **error.values)
            return Survey((Observed(finding.named("watch"), now, now),))
        return _with_watch(survey, now)

    def save_round(
        self,
        findings: Iterable[HealthFinding],
        now: datetime,
        figures: Mapping[str, float],
        *,
        names: Sequence[str],
    ) -> None:
        """What a round at *now* found of the things called *names*, in the order in which people read them; what
        could not be asked stays as it was found last. Raises StorageError."""
        positions = {name: number for number, name in enumerate(names)}
        with self.database().transaction() as tx:
            for finding in findings:
                row = store.Observation(**finding.columns(), since=now, at=now)
                store.save_observation(tx, positions[finding.name], row)
            store.keep_only(tx, names)
            store.put_round(tx, now, figures)

    def add_figures(self, figures: Mapping[str, float], now: datetime) -> None:
        """One measurement of each; what is older than :data:`KEPT` goes. Raises StorageError."""
        hour = _hour_of(now)
        with self.database().transaction() as tx:
            for name, value in figures.items():
                store_of_figures.add_figure(tx, name, hour, value)
            store_of_figures.forget_figures(tx, before=hour - KEPT)

    def read_hours(self, name: str, *, since: datetime, until: datetime) -> list[HourlyFigures]:
        """The hours of one figure, in order; hours without a measurement are left out."""
        first = _hour_of(since)
        with self.reading() as tx:
            found = store_of_figures.hours_of(tx, name, since=first - HOUR, until=until)
        return [each for each in found if each.hour >= first]

    def database(self) -> Database:
        """The database, made when missing. Raises StorageError."""
        if self._database is None:
            self._database = Database(self._path, HEALTH)
        return self._database

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One view of it, also for a process that can only read, with no health monitor running.

        Raises StorageError.
        """
        try:
            database = self.database()
        except StorageError:
            if self._path.with_name(f"{self._path.name}-wal").exists():
                raise
            with at_rest(self._path) as tx:
                yield tx
            return
        with database.reading() as tx:
            yield tx

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def _survey(self) -> Survey:
        with self.reading() as tx:
            rows, last = store.all_of(tx), store.last_round(tx)
        at, figures = last if last else (None, {})
        return Survey(tuple(Observed.from_row(row) for row in rows), at, figures)


def with_observations(
    context: CheckContext, judge: Callable[[Observations, datetime], HealthFinding]
) -> HealthFinding:
    """What *judge* says of what was found before. Raises :class:`NotAnswerable` where there is nothing yet, or
    nothing for this process to open."""
    path = context.home.health
    if not os.access(path, os.R_OK):
        raise NotAnswerable
    observations = Observations(path)
    try:
        return judge(observations, context.now)
    except StorageError as error:
        raise NotAnswerable from error  # the health monitor says so
    finally:
        observations.close()


def grown(series: Observations, figure: str, since: datetime, now: datetime) -> int:
    """By how much it grew in the hours from the one of *since* on."""
    return round(sum(bucket.grown for bucket in series.read_hours(figure, since=since, until=now)))


def _with_watch(survey: Survey, now: datetime) -> Survey:
    if survey.at is None:
        finding, since = failing(RunbookPage.WATCH_DEAD, "Nothing has been watched yet."), now
    elif now - survey.at > ASLEEP:
        template, at = "The watch has been asleep since {at}; what follows is from then.", survey.at
        finding, since = failing(RunbookPage.WATCH_DEAD, template, at=f"{at:%Y-%m-%d %H:%M:%S} UTC"), at
    else:
        finding, since = good("Monitoring is running."), survey.at
    return replace(survey, observed=(Observed(finding.named("watch"), since, now), *survey.observed))


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
