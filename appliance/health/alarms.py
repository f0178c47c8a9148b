"""When somebody is told: that something is wrong, that it still is, that it is over.

A thing is wrong when two rounds in a row found the same, so that what mends itself in a moment wakes nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from appliance.config import AlarmSettings
from appliance.health.finding import Condition
from appliance.health.observations import Observations, Observed
from appliance.store.health import alarms as store
from appliance.store.health import observations as observed
from appliance.store.health.alarms import Alarm
from hsm.errors import Sentence

BEGUN, LASTING, OVER = "begun", "lasting", "over"
MAIL, WEBHOOK = "mail", "webhook"
"""The channels."""

KEPT = timedelta(days=400)

log = logging.getLogger("vermilion.alarms")


class Alarms:
    """Compares what the watch found with what was told, and has the rest told by the channels of *settings*."""

    def __init__(self, observations: Observations, settings: AlarmSettings) -> None:
        self._observations = observations
        self._channels = [*((MAIL, each) for each in settings.mail)]
        if settings.webhook:
            self._channels.append((WEBHOOK, settings.webhook))
        self._repeat = timedelta(hours=settings.repeat_hours)

    def compare(self, now: datetime) -> list[Alarm]:
        """What is new since the last time, kept to be told. Raises StorageError."""
        with self._observations.database().transaction() as tx:
            found = [Observed.from_row(row) for row in observed.all_of(tx)]
            new = list(due(found, store.last_of_each(tx), now, repeat=self._repeat))
            for alarm in new:
                store.add(tx, alarm, self._channels)
            store.forget(tx, before=now - KEPT)
        for alarm in new:
            _say(alarm)
        return new


def due(
    found: Iterable[Observed], told: Mapping[str, Alarm], now: datetime, *, repeat: timedelta
) -> Iterator[Alarm]:
    """What is to be told *now*, after what was *told* last of each thing."""
    for each in found:
        last = told.get(each.finding.name)
        is_open = last is not None and last.event != OVER
        if each.finding.condition.calm:
            if is_open:
                yield _alarm(each, OVER, now)
        elif each.since == each.at:
            continue  # found once; the next round tells whether it stays
        elif last is None or not is_open or (last.condition, last.page, last.mark) != each.finding.occurrence:
            yield _alarm(each, BEGUN, now)
        elif now - last.at >= repeat:
            yield _alarm(each, LASTING, now)


def _alarm(each: Observed, event: str, now: datetime) -> Alarm:
    found = each.finding
    return Alarm(
        name=found.name,
        event=event,
        condition=found.condition,
        sentence=Sentence(found.template, found.values),
        remedy=Sentence(found.remedy, found.remedy_values),
        page=found.page,
        mark=found.mark,
        since=each.since,
        at=now,
    )


def _say(alarm: Alarm) -> None:
    """For the journal and the collector, where others look."""
    level = logging.CRITICAL if alarm.condition == Condition.FAILING else logging.WARNING
    level = logging.INFO if alarm.event == OVER else level
    log.log(level, "%s %s: %s %s", alarm.name, alarm.event, alarm.sentence, alarm.remedy)
