"""How things stand, in the reader's words: what pages show of an observation."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.health import Condition, Observed, Survey
from appliance.health.registry import TITLES
from appliance.health.service_checks import is_to_be_told
from webui.shared.language import translate

LATE = timedelta(seconds=1)
"""An answer older than the last round: what it needs did not answer, so that it could not be asked."""


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One observation. ``condition`` is that of the finding, ``calm`` when nobody has to act; ``page`` may be
    empty. ``at`` is when it was found last; ``stale``: the last round could not ask."""

    name: str
    title: str
    condition: str
    calm: bool
    sentence: str
    remedy: str
    page: str
    since: datetime
    at: datetime
    stale: bool

    @property
    def id(self) -> str:
        """The place on the page."""
        return f"state-{self.name}"


def health_rows(survey: Survey, *, only: Container[str] | None = None) -> list[HealthRow]:
    """What people read of *survey*, in the same order."""
    return [_row(each, survey.at) for each in survey.observed if only is None or each.finding.name in only]


def maintenance_sentence(survey: Survey) -> str:
    """What every page says of a maintenance that is announced or under way; empty without one."""
    told = [each.finding for each in survey.observed if is_to_be_told(each.finding)]
    return translate()(told[0].template, **told[0].values) if told else ""


def worst_first(found: Iterable[HealthRow]) -> list[HealthRow]:
    """The same: failing, what wants attention, what is good, what is not configured; the order within stays."""
    order = (Condition.FAILING, Condition.ATTENTION, Condition.GOOD, Condition.NOT_CONFIGURED)
    return sorted(found, key=lambda row: order.index(Condition(row.condition)))


def _row(observed: Observed, round_at: datetime | None) -> HealthRow:
    finding, say = observed.finding, translate()
    calm = finding.condition.calm
    return HealthRow(
        name=finding.name,
        title=say(TITLES.get(finding.name, finding.name)),
        condition=finding.condition.value,
        calm=calm,
        sentence=translate()(finding.template, **finding.values),
        remedy="" if calm else translate()(finding.remedy, **finding.remedy_values),
        page=finding.page.value if finding.page is not None else "",
        since=observed.since,
        at=observed.at,
        stale=round_at is not None and observed.at < round_at - LATE,
    )
