"""Alarms: when somebody is told that something is wrong, still is, or is over; what mail and webhook say; and how
they are delivered, tried again until they arrive.

A thing is wrong when two rounds in a row found the same, so that nobody is called for what passes by itself.
Everything leaves by the mail server and by :mod:`appliance.egress`; nothing does where nothing is configured.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from appliance.config import AlarmSettings, Settings
from appliance.egress import Egress, EgressFailed, ExchangeLimits
from appliance.health.findings import Condition
from appliance.health.observations import ASLEEP, Observations, Observed
from appliance.health.surveys import TITLES
from appliance.language import Translator, instants, translator
from appliance.notices.channel import DeliveryRefused, DeliveryUnavailable, DeliveryUnknown, Envelope, pause_after
from appliance.notices.mail import MailClient
from appliance.notices.messages import MailMessage, plain_message
from appliance.standard_webhooks import WebhookKeys
from appliance.store.health import alarms as store
from appliance.store.health import observations as observed
from appliance.store.health.alarms import Alarm, AlarmMessage

BEGUN, LASTING, OVER = "begun", "lasting", "over"
MAIL, WEBHOOK = "mail", "webhook"
"""The channels."""

KEPT = timedelta(days=400)

log = logging.getLogger("vermilion.alarms")


def raise_alarms(observations: Observations, settings: AlarmSettings, now: datetime) -> list[Alarm]:
    """Stores as alarms, for the channels of *settings*, what the health monitor found and nobody was told yet.
    Raises StorageError."""
    channels = [(MAIL, each) for each in settings.mail]
    if settings.webhook:
        channels.append((WEBHOOK, settings.webhook))
    repeat = timedelta(hours=settings.repeat_hours)
    with observations.database().transaction() as tx:
        found = [Observed.from_row(row) for row in observed.all_of(tx)]
        new = list(due(found, store.last_of_each(tx), now, repeat=repeat))
        for alarm in new:
            store.insert_alarm(tx, alarm, channels)
        store.forget(tx, before=now - KEPT)
    for alarm in new:
        _say(alarm)
    return new


def due(
    found: Iterable[Observed], sent: Mapping[str, Alarm], now: datetime, *, repeat: timedelta
) -> Iterator[Alarm]:
    """What is to be told *now*, after what was *sent* last of each thing."""
    for each in found:
        last = sent.get(each.finding.name)
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
    return Alarm(**each.finding.columns(), event=event, since=each.since, at=now)


def _say(alarm: Alarm) -> None:
    """For the journal and the collector, where others look."""
    level = logging.CRITICAL if alarm.condition == Condition.FAILING else logging.WARNING
    level = logging.INFO if alarm.event == OVER else level
    log.log(level, "%s %s: %s %s", alarm.name, alarm.event, alarm.sentence, alarm.remedy)


SUBJECTS: Final = {
    Condition.FAILING: "Failing: {title} ({organisation})",
    Condition.ATTENTION: "Needs attention: {title} ({organisation})",
    Condition.NOT_CONFIGURED: "No longer configured: {title} ({organisation})",
    Condition.GOOD: "In order again: {title} ({organisation})",
}
STILL: Final = "Still so since {since} ({zone}):"
SINCE: Final = "Since {since} ({zone}):"
TO_DO: Final = "What to do: {remedy}"
PAGE: Final = "The runbook has a page about it: docs/runbook/{page}.md"
FROM: Final = "Sent by the signing appliance at {url}."


def alarm_mail(alarm: Alarm, settings: Settings) -> MailMessage:
    """The mail, as text and as quiet HTML."""
    translate = translator(settings.interface.language)
    title, organisation = translate(TITLES.get(alarm.name, alarm.name)), settings.organisation.name
    subject = translate(SUBJECTS[Condition(alarm.condition)], title=title, organisation=organisation)
    return plain_message(subject, _paragraphs(alarm, settings, translate), settings.interface.language)


def _paragraphs(alarm: Alarm, settings: Settings, translate: Translator) -> list[str]:
    zone = settings.interface.zone
    since = instants.second(alarm.since, zone)
    lines = [
        translate(STILL if alarm.event == LASTING else SINCE, since=since, zone=zone),
        alarm.sentence.translated(translate),
    ]
    if alarm.event != OVER:
        lines.append(translate(TO_DO, remedy=alarm.remedy.translated(translate)))
    if alarm.page is not None:
        lines.append(translate(PAGE, page=alarm.page))
    return [*lines, translate(FROM, url=settings.web.public_url)]


def webhook_payload(alarm: Alarm, settings: Settings, now: datetime) -> bytes:
    """The JSON object (UTF-8) that the webhook gets: Standard Webhooks' ``type``, ``timestamp`` and ``data``."""
    data = {
        "name": alarm.name,
        "condition": alarm.condition,
        "sentence": str(alarm.sentence),
        "remedy": str(alarm.remedy),
        "page": alarm.page,
        "since": alarm.since.isoformat(),
        "at": alarm.at.isoformat(),
        "appliance": settings.web.public_url,
        "organisation": settings.organisation.name,
    }
    whole = {"type": f"alarm.{alarm.event}", "timestamp": now.isoformat(), "data": data}
    return json.dumps(whole, ensure_ascii=False).encode()


ACCEPTED = frozenset({200, 201, 202, 204})
"""What web servers answer to what they have taken."""

LIMITS = ExchangeLimits(seconds=10.0, largest=64 * 1024, accepted=ACCEPTED)
LONGEST_PAUSE = timedelta(minutes=15)
GIVEN_UP = timedelta(days=3)
MOST = 20
"""Tellings in one go."""

KEY = "alarms.key"
"""The secret that signs what the webhook gets."""


class AlarmDelivery:
    """There is one sender (the scheduler's). *key* signs what the webhook gets (Standard Webhooks), where there is
    one."""

    def __init__(
        self,
        settings: Settings,
        observations: Observations,
        *,
        mail: MailClient | None,
        key: bytes | None,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._observations = observations
        self._mail = mail
        self._key = key
        self._now = now
        trust = str(settings.beside(settings.alarms.tls)) if settings.alarms.tls else None
        self._egress = Egress(LIMITS, trust=trust)

    def deliver(self, channel: str) -> int:
        """Tells what is due by *channel* (``mail`` or ``webhook``); how many arrived. Each has a turn of its
        own, so that one that hangs keeps nothing from the other. Raises StorageError."""
        database, arrived = self._observations.database(), 0
        waiting = database.query(store.waiting, self._now(), channel=channel, limit=MOST)
        for message in waiting:
            problem = self._deliver(message)
            with database.transaction() as tx:
                if problem is None:
                    store.mark_sent(tx, message.id)
                elif self._now() - message.alarm.at > GIVEN_UP:
                    store.give_up(tx, message.id, reason=problem)
                else:
                    store.postpone(
                        tx,
                        message.id,
                        reason=problem,
                        until=self._now() + pause_after(message.attempts, LONGEST_PAUSE),
                    )
            arrived += problem is None
        return arrived

    def beat(self) -> None:
        """Tells the dead-man's switch that the health monitor runs, if it does. Raises EgressFailed."""
        survey = self._observations.survey(self._now())
        if survey.at is None or self._now() - survey.at > ASLEEP:
            return
        body = json.dumps({"at": survey.at.isoformat(), "condition": survey.condition}).encode()
        self._egress.post(self._settings.alarms.heartbeat, body, {"Content-Type": "application/json"})

    def _deliver(self, message: AlarmMessage) -> str | None:
        """What went wrong, or None."""
        try:
            if message.channel == MAIL:
                self._send(message)
            else:
                self._post(message)
        except (DeliveryUnavailable, DeliveryUnknown, DeliveryRefused, EgressFailed) as error:
            return str(error) or type(error).__name__
        return None

    def _send(self, message: AlarmMessage) -> None:
        if self._mail is None:
            raise DeliveryUnavailable("no mail server is set")
        domain = self._settings.mail.sender.rpartition("@")[2]
        name = f"<alarm-{message.alarm.at:%Y%m%d%H%M%S}-{message.id}@{domain}>"
        envelope = Envelope(message.address, "", name, message.alarm.at)
        self._mail.send_message(envelope, alarm_mail(message.alarm, self._settings))

    def _post(self, message: AlarmMessage) -> None:
        now = self._now()
        body = webhook_payload(message.alarm, self._settings, now)
        name = f"alarm-{message.alarm.at:%Y%m%d%H%M%S}-{message.alarm_id}"
        self._egress.post(message.address, body, WebhookKeys.of_file(self._key).headers(name, now, body))
