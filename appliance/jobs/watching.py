"""The watch as jobs of the scheduler: it asks, and tells those who are to be told."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial

from appliance.config import Settings
from appliance.health import Observations
from appliance.health.alarm_delivery import KEY, AlarmDelivery
from appliance.health.alarms import MAIL, WEBHOOK, Alarms
from appliance.health.watching import HealthWatch
from appliance.jobs.scheduler import Job
from appliance.notices.mail import MailClient
from appliance.wiring import Appliance

ALARM_SECONDS = 5.0
"""Seconds between two looks at what is to be told."""


def health_jobs(appliance: Appliance, stack: ExitStack) -> list[Job]:
    """The jobs; what they open is closed by *stack*. They run apart: a mail server that hangs stops no round."""
    settings, now = appliance.settings, appliance.now
    observations = Observations(settings.home.health)
    stack.callback(observations.close)
    watch, alarms = HealthWatch(settings.home, observations, now), Alarms(observations, settings.alarms)

    def look() -> None:
        watch.run_round()
        alarms.compare(now())

    jobs = [Job("watch", float(settings.health.seconds), look, at_once=True)]
    if settings.alarms.mail or settings.alarms.webhook or settings.alarms.heartbeat:
        delivery = AlarmDelivery(settings, observations, mail=_mail(settings), key=_key(settings), now=now)
        jobs.append(Job("alarms by mail", ALARM_SECONDS, partial(delivery.deliver, MAIL)))
        jobs.append(Job("alarms by webhook", ALARM_SECONDS, partial(delivery.deliver, WEBHOOK)))
        if settings.alarms.heartbeat:
            jobs.append(Job("heartbeat", float(settings.alarms.heartbeat_seconds), delivery.beat, at_once=True))
    return jobs


def _mail(settings: Settings) -> MailClient | None:
    return MailClient(settings.mail, settings.mail_password(os.environ)) if settings.mail.host else None


def _key(settings: Settings) -> bytes | None:
    """The secret that signs what the webhook gets, where there is one."""
    return settings.home.optional_secret(KEY, os.environ)
