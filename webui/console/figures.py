"""The charts of the history page: which figures, in which unit, over which span, from what the watch keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.health.figures import REFUSED, FigureSeries, HourlyFigures, labelled
from appliance.timestamping.refusal_counts import NAMES
from webui.console import charts
from webui.console.charts import Scale
from webui.shared.language import bare_time, translate

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time in equal steps of ``step`` hours; ``marks`` are the times below the drawing."""

    key: str
    title: str
    steps: int
    step: int
    marks: int

    def starts(self, now: datetime) -> list[datetime]:
        """When each step begins; the last one is under way."""
        last = now.replace(minute=0, second=0, microsecond=0)
        return [
            last - HOUR * self.step * number - HOUR * (self.step - 1) for number in reversed(range(self.steps))
        ]


SPANS = (
    Span("day", "24 hours", steps=24, step=1, marks=5),
    Span("week", "7 days", steps=56, step=3, marks=8),
    Span("month", "30 days", steps=60, step=12, marks=6),
)


@dataclass(frozen=True, slots=True)
class ChartPlan:
    """One chart: the figure and which of its values, ``factor`` times, drawn as ``bars`` or ``curve``."""

    id: str
    title: str
    figure: str
    value: Callable[[Sequence[HourlyFigures]], float]
    shape: str
    unit: str = ""
    factor: float = 1.0
    digits: int = 0
    least: float = 0.0
    per: str = ""
    more: tuple[str, ...] = ()
    """Further figures that are added to it."""


def _sum(buckets: Sequence[HourlyFigures]) -> float:
    return sum(bucket.grown for bucket in buckets)


def _mean(buckets: Sequence[HourlyFigures]) -> float:
    return sum(bucket.mean * bucket.count for bucket in buckets) / sum(bucket.count for bucket in buckets)


def _worst(buckets: Sequence[HourlyFigures]) -> float:
    return max(bucket.high for bucket in buckets)


def _least(buckets: Sequence[HourlyFigures]) -> float:
    return min(bucket.low for bucket in buckets)


_REASONS = tuple(NAMES.values())

PLANS = (
    ChartPlan("timestamps", "Timestamps", "vermilion_timestamps_total", _sum, "bars", least=4),
    ChartPlan(
        "refusals",
        "Timestamps refused",
        labelled(REFUSED, reason=_REASONS[0]),
        _sum,
        "bars",
        least=4,
        more=tuple(labelled(REFUSED, reason=name) for name in _REASONS[1:]),
    ),
    ChartPlan("signatures", "Signatures", "vermilion_signatures_total", _sum, "bars", least=4),
    ChartPlan(
        "offset",
        "Clock, distance from its source",
        "vermilion_clock_offset_seconds",
        _mean,
        "curve",
        "ms",
        1e3,
        2,
        1,
    ),
    ChartPlan("error", "Clock, largest error", "vermilion_clock_error_seconds", _worst, "curve", "ms", 1e3, 1, 10),
    ChartPlan(
        "answer",
        "Authority, time to answer",
        "vermilion_authority_answer_seconds",
        _mean,
        "curve",
        "ms",
        1e3,
        1,
        2,
    ),
    ChartPlan(
        "commit", "Database, time to commit", "vermilion_database_commit_seconds", _mean, "curve", "ms", 1e3, 1, 2
    ),
    ChartPlan("disk", "Disk, free", 'vermilion_disk_free_bytes{place="home"}', _least, "curve", "GB", 1e-9, 1, 10),
    ChartPlan(
        "waiting", "Log, entries that wait for their place", "vermilion_log_waiting", _worst, "bars", least=4
    ),
)
"""In the order of the page."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws. ``told`` says the same in words; ``rows`` are the figures, the newest first."""

    id: str
    title: str
    latest: str
    told: str
    marks: tuple[str, ...]
    times: tuple[str, ...]
    grid: str
    shapes: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def span_of(key: str) -> Span:
    """The span that an address names; the first for anything else."""
    return next((span for span in SPANS if span.key == key), SPANS[0])


def draw_chart(plan: ChartPlan, series: FigureSeries, span: Span, now: datetime) -> Chart:
    """*plan* over *span* until *now*. Raises :class:`StorageError` when the figures cannot be read."""
    starts = span.starts(now)
    figures = (plan.figure, *plan.more)
    found = [bucket for each in figures for bucket in series.read_hours(each, since=starts[0], until=now)]
    values = _values(plan, found, starts, span.step)
    scale = charts.scale_of(values, least=plan.least)
    line = (("under", charts.area(values, scale)), ("curve", charts.line(values, scale)))
    shapes = (("bars", charts.bars(values, scale)),) if plan.shape == "bars" else line
    title = translate()(plan.title)
    return Chart(
        id=f"chart-{plan.id}",
        title=title,
        latest=_latest(plan, values),
        told=_told(plan, title, values),
        marks=tuple(_number(mark, plan, scale) for mark in scale.marks),
        times=_times(starts, span),
        grid=charts.grid(scale),
        shapes=shapes,
        names=(_unit(plan, title),),
        rows=tuple(
            (bare_time(start), (_said(value, plan),))
            for start, value in reversed(list(zip(starts, values, strict=True)))
        ),
    )


def _values(
    plan: ChartPlan, buckets: Sequence[HourlyFigures], starts: Sequence[datetime], step: int
) -> list[float | None]:
    """One value for each step; None for one without a measurement."""
    found: dict[int, list[HourlyFigures]] = {}
    for bucket in buckets:
        found.setdefault((bucket.hour - starts[0]) // (HOUR * step), []).append(bucket)
    return [plan.value(found[number]) * plan.factor if number in found else None for number in range(len(starts))]


def _latest(plan: ChartPlan, values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return translate()("no figures yet")
    if plan.value is _sum:
        return translate()("{total} altogether", total=_said(sum(known), plan))
    return translate()("{value} at last", value=_said(known[-1], plan))


def _told(plan: ChartPlan, title: str, values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    say = translate()
    if not known:
        return say("{title}: no figures yet", title=title)
    low, high = (_said(value, plan) for value in (min(known), max(known)))
    return say("{title}: from {low} to {high}; the figures are below", title=title, low=low, high=high)


def _times(starts: Sequence[datetime], span: Span) -> tuple[str, ...]:
    wanted = [starts[round(number * (len(starts) - 1) / (span.marks - 1))] for number in range(span.marks)]
    return tuple(bare_time(start)[11:] if span.key == "day" else bare_time(start)[5:10] for start in wanted)


def _said(value: float | None, plan: ChartPlan) -> str:
    if value is None:
        return "–"
    return f"{value:,.{plan.digits}f}" + (f" {plan.unit}" if plan.unit else "")


def _number(mark: float, plan: ChartPlan, scale: Scale) -> str:
    height = scale.high - scale.low
    digits = 0 if height >= 2 * len(scale.marks) or mark == 0 else 1 if height >= 1 else 2
    return f"{mark:,.{digits if plan.unit else 0}f}"


def _unit(plan: ChartPlan, title: str) -> str:
    return f"{title} ({plan.unit})" if plan.unit else title
