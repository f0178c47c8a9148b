"""Charts as the server draws them: values in, the shapes of an SVG and the words beside it out; and those of the
history page: which figures, in which unit, over which span, from what the health monitor keeps.

The drawing is a box of 1000 by 100 units that the page stretches; words stand beside it, to keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from appliance.health import Observations
from appliance.health.figures import REFUSED, labelled
from appliance.health.observations import HourlyFigures
from appliance.timestamping.refusal_counts import NAMES
from webui.shared.language import bare_time, translate

WIDTH, HEIGHT = 1000, 100
LINES = 2
"""Steps of the scale: three numbers beside the drawing."""

Values = Sequence[float | None]
"""One value for each step of time; None where nothing is known."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From ``low`` to ``high`` in equal ``marks``, the highest first."""

    low: float
    high: float

    @property
    def marks(self) -> tuple[float, ...]:
        """The numbers beside the drawing, from the top down."""
        step = (self.high - self.low) / LINES
        return tuple(self.high - step * number for number in range(LINES + 1))

    def y(self, value: float) -> float:
        """Where *value* is, in units from the top."""
        return round(HEIGHT * (self.high - value) / (self.high - self.low), 2)


def scale_of(*curves: Values, least: float = 0.0) -> Scale:
    """A scale of round numbers that holds all values and nought; *least* is the smallest height that it has."""
    known = [value for values in curves for value in values if value is not None]
    top, bottom = max([*known, least, 0.0]), min([*known, 0.0])
    step = _round_up(max(top - bottom, 1e-9) / LINES)
    while True:
        low = -step * math.ceil(round(-bottom / step, 9)) if bottom < 0 else 0.0
        if low + step * LINES >= top:
            return Scale(low, low + step * LINES)
        step = _round_up(step * 1.01)


def bars(values: Values, scale: Scale) -> str:
    """The path of one bar for each known value that is not nought, with a gap between neighbours."""
    step = WIDTH / max(len(values), 1)
    gap = min(step * 0.25, 6.0)
    base = scale.y(0)
    return "".join(
        f"M{number * step + gap / 2:.2f} {base:g}V{scale.y(value):g}h{step - gap:.2f}V{base:g}z"
        for number, value in enumerate(values)
        if value
    )


def line(values: Values, scale: Scale) -> str:
    """The path through all known values, in the middle of their steps; broken where nothing is known."""
    # ``h0.01``: a value alone would have no length to be seen.
    return "".join(f"M{first}h0.01{_onwards(others)}" for first, *others in _stretches(values, scale))


def area(values: Values, scale: Scale) -> str:
    """The path of what lies between the line and nought, for each stretch that is known."""
    base = f"{scale.y(0):g}"
    return "".join(
        f"M{first.partition(' ')[0]} {base}L{first}{_onwards(others)}V{base}z"
        for first, *others in _stretches(values, scale)
    )


def _onwards(points: Iterable[str]) -> str:
    return "".join(f"L{each}" for each in points)


def _stretches(values: Values, scale: Scale) -> list[list[str]]:
    """The points of neighbours that are all known."""
    step = WIDTH / max(len(values), 1)
    known = groupby(enumerate(values), lambda each: each[1] is not None)
    return [
        [f"{(number + 0.5) * step:.2f} {scale.y(value):g}" for number, value in stretch if value is not None]
        for is_known, stretch in known
        if is_known
    ]


def grid(scale: Scale) -> str:
    """The path of the lines that the scale's numbers stand beside."""
    return "".join(f"M0 {scale.y(mark):g}H{WIDTH}" for mark in scale.marks)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(nice * power for nice in (1, 2, 5, 10) if nice * power >= value * (1 - 1e-9))


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
class Unit:
    """What numbers are shown in: ``factor`` of the figure's own."""

    name: str
    factor: float


_MS, _GB = Unit("ms", 1e3), Unit("GB", 1e-9)


@dataclass(frozen=True, slots=True)
class ChartPlan:
    """One chart: the figure (with ``more`` added to it), which of its values, the ``least`` height of its scale.
    Counts, without a ``unit``, are drawn as bars, everything else as a curve."""

    id: str
    title: str
    figure: str
    value: Callable[[Sequence[HourlyFigures]], float]
    unit: Unit | None = None
    digits: int = 0
    least: float = 0.0
    more: tuple[str, ...] = ()


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
    ChartPlan("timestamps", "Timestamps", "vermilion_timestamps_total", _sum, least=4),
    ChartPlan(
        "refusals",
        "Timestamps refused",
        labelled(REFUSED, reason=_REASONS[0]),
        _sum,
        least=4,
        more=tuple(labelled(REFUSED, reason=name) for name in _REASONS[1:]),
    ),
    ChartPlan("signatures", "Signatures", "vermilion_signatures_total", _sum, least=4),
    ChartPlan("offset", "Clock, distance from its source", "vermilion_clock_offset_seconds", _mean, _MS, 2, 1),
    ChartPlan("error", "Clock, largest error", "vermilion_clock_error_seconds", _worst, _MS, 1, 10),
    ChartPlan("answer", "Authority, time to answer", "vermilion_authority_answer_seconds", _mean, _MS, 1, 2),
    ChartPlan("commit", "Database, time to commit", "vermilion_database_commit_seconds", _mean, _MS, 1, 2),
    ChartPlan("disk", "Disk, free", 'vermilion_disk_free_bytes{place="home"}', _least, _GB, 1, 10),
    ChartPlan("waiting", "Log, pending entries", "vermilion_log_waiting", _worst, least=4),
)
"""In the order of the page."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws. ``told`` says it in words; ``rows`` are figures, newest first, under ``name``."""

    id: str
    title: str
    latest: str
    told: str
    marks: tuple[str, ...]
    times: tuple[str, ...]
    grid: str
    shapes: tuple[tuple[str, str], ...]
    name: str
    rows: tuple[tuple[str, str], ...]


def span_of(key: str) -> Span:
    """The span that an address names; the first for anything else."""
    return next((span for span in SPANS if span.key == key), SPANS[0])


def draw_chart(plan: ChartPlan, series: Observations, span: Span, now: datetime) -> Chart:
    """*plan* over *span* until *now*. Raises :class:`StorageError` when the figures cannot be read."""
    starts, unit, title = span.starts(now), plan.unit, translate()(plan.title)
    figures = (plan.figure, *plan.more)
    found = [bucket for each in figures for bucket in series.read_hours(each, since=starts[0], until=now)]
    values = _values(plan, found, starts, span.step)
    scale = scale_of(values, least=plan.least)
    known = [*zip(starts, values, strict=True)]
    curve = (("under", area(values, scale)), ("curve", line(values, scale)))
    return Chart(
        id=f"chart-{plan.id}",
        title=title,
        latest=_latest(plan, values),
        told=_describe_chart(plan, title, values),
        marks=tuple(_number(mark, plan, scale) for mark in scale.marks),
        times=_times(starts, span),
        grid=grid(scale),
        shapes=curve if unit else (("bars", bars(values, scale)),),
        name=f"{title} ({unit.name})" if unit else title,
        rows=tuple((bare_time(at), _said(value, plan)) for at, value in reversed(known)),
    )


def _values(
    plan: ChartPlan, buckets: Sequence[HourlyFigures], starts: Sequence[datetime], step: int
) -> list[float | None]:
    """One value for each step; None for one without a measurement."""
    found: dict[int, list[HourlyFigures]] = {}
    for bucket in buckets:
        found.setdefault((bucket.hour - starts[0]) // (HOUR * step), []).append(bucket)
    factor = plan.unit.factor if plan.unit else 1.0
    return [plan.value(found[number]) * factor if number in found else None for number in range(len(starts))]


def _latest(plan: ChartPlan, values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return translate()("no figures yet")
    if plan.value is _sum:
        return translate()("{total} altogether", total=_said(sum(known), plan))
    return translate()("{value} at last", value=_said(known[-1], plan))


def _describe_chart(plan: ChartPlan, title: str, values: Sequence[float | None]) -> str:
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
    return f"{value:,.{plan.digits}f}" + (f" {plan.unit.name}" if plan.unit else "")


def _number(mark: float, plan: ChartPlan, scale: Scale) -> str:
    height = scale.high - scale.low
    digits = 0 if height >= 2 * len(scale.marks) or mark == 0 else 1 if height >= 1 else 2
    return f"{mark:,.{digits if plan.unit else 0}f}"
