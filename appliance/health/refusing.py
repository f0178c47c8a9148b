"""Timestamp requests that are refused: some always are; when most are, a client or this machine is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta

from appliance.errors import StorageError
from appliance.health.bench import CheckContext, NotAnswerable
from appliance.health.figures import labelled
from appliance.health.finding import HealthFinding, attention, good
from appliance.health.observations import Observations
from appliance.health.pages import RunbookPage
from appliance.health.series import FigureSeries
from appliance.health.tally import REFUSED
from appliance.timestamping.refusal_counts import NAMES

MANY = 20
"""Refusals in an hour of which somebody should know, when they are more than the timestamps that were given."""

GIVEN = "vermilion_timestamps_total"


def refusals(bench: CheckContext) -> HealthFinding:
    """Most of those who ask are given a timestamp."""
    path = bench.home.health
    if not os.access(path, os.R_OK):
        raise NotAnswerable  # not there yet, or not this process's to open
    observations = Observations(path)
    try:
        return judge_refusals(FigureSeries(observations), bench.now)
    except StorageError as error:
        raise NotAnswerable from error  # the watch says so
    finally:
        observations.close()


def judge_refusals(series: FigureSeries, now: datetime) -> HealthFinding:
    """What the figures of the last hour and day say."""
    lately, day = (_refused(series, now - timedelta(hours=hours), now) for hours in (1, 24))
    given = _grown(series, GIVEN, now - timedelta(hours=1), now)
    refused = sum(lately.values())
    if refused >= MANY and refused > given:
        values = {"refused": refused, "given": given, "reason": max(lately, key=lambda name: lately[name])}
        template = (
            "Timestamp requests refused in the last hour or two: {refused}, most often with {reason};"
            " granted: {given}."
        )
        return attention("refusals", RunbookPage.TIMESTAMPS_REFUSED, template, values, mark=str(values["reason"]))
    total = sum(day.values())
    if not total:
        return good("refusals", "No timestamp request was refused in the last 24 hours.")
    reasons = ", ".join(f"{name} {count}" for name, count in day.items() if count)
    values = {"count": total, "reasons": reasons}
    return good("refusals", "Timestamp requests refused in the last 24 hours: {count} ({reasons}).", values)


def _refused(series: FigureSeries, since: datetime, now: datetime) -> Mapping[str, int]:
    return {name: _grown(series, labelled(REFUSED, reason=name), since, now) for name in NAMES.values()}


def _grown(series: FigureSeries, figure: str, since: datetime, now: datetime) -> int:
    """By how much it grew in the hours from the one of *since* on."""
    return round(sum(bucket.grown for bucket in series.read_hours(figure, since=since, until=now)))
