"""Alarms on their way: by mail and by webhook, each tried again until it arrived; and the dead-man's switch.

All of it leaves by the mail server and by :mod:`appliance.egress`, and nothing does where nothing is configured.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta

from appliance.config import Settings
from appliance.egress import Egress, EgressFailed, ExchangeLimits
from appliance.health.alarm_letters import alarm_mail, webhook_payload
from appliance.health.alarms import MAIL
from appliance.health.observations import ASLEEP, Observations
from appliance.notices.mail import Envelope, MailClient, MailRefused, MailUnavailable, MailUnknown
from appliance.store.health import alarms as store
from appliance.store.health.alarms import AlarmMessage

ACCEPTED = frozenset({200, 201, 202, 204})
"""What web servers answer to what they have taken."""

LIMITS = ExchangeLimits(seconds=10.0, largest=64 * 1024, accepted=ACCEPTED)
LONGEST_PAUSE = timedelta(minutes=15)
GIVEN_UP = timedelta(days=3)
MOST = 20
"""Tellings in one go."""

KEY = "alarms.key"
"""The secret that signs what the webhook gets."""

_SECRET = "whsec_"  # noqa: S105 -- the prefix of Standard Webhooks, not a secret


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
        with database.reading() as tx:
            waiting = store.waiting(tx, self._now(), channel=channel, limit=MOST)
        for telling in waiting:
            problem = self._tell(telling)
            with database.transaction() as tx:
                if problem is None:
                    store.told(tx, telling.id)
                elif self._now() - telling.alarm.at > GIVEN_UP:
                    store.give_up(tx, telling.id, reason=problem)
                else:
                    store.postpone(tx, telling.id, reason=problem, until=self._now() + _pause(telling.attempts))
            arrived += problem is None
        return arrived

    def beat(self) -> None:
        """Tells the dead-man's switch that the watch is awake; nothing when it is not. Raises EgressFailed."""
        survey = self._observations.survey(self._now())
        if survey.at is None or self._now() - survey.at > ASLEEP:
            return
        body = json.dumps({"at": survey.at.isoformat(), "condition": survey.condition}).encode()
        self._egress.post(self._settings.alarms.heartbeat, body, {"Content-Type": "application/json"})

    def _tell(self, telling: AlarmMessage) -> str | None:
        """What went wrong, or None."""
        try:
            if telling.channel == MAIL:
                self._send(telling)
            else:
                self._post(telling)
        except (MailUnavailable, MailUnknown, MailRefused, EgressFailed) as error:
            return str(error) or type(error).__name__
        return None

    def _send(self, telling: AlarmMessage) -> None:
        if self._mail is None:
            raise MailUnavailable("no mail server is set")
        domain = self._settings.mail.sender.rpartition("@")[2]
        name = f"<alarm-{telling.alarm.at:%Y%m%d%H%M%S}-{telling.id}@{domain}>"
        envelope = Envelope(telling.address, "", name, telling.alarm.at)
        self._mail.send_message(envelope, alarm_mail(telling.alarm, self._settings))

    def _post(self, telling: AlarmMessage) -> None:
        now = self._now()
        body = webhook_payload(telling.alarm, self._settings, now)
        name, moment = f"alarm-{telling.alarm.at:%Y%m%d%H%M%S}-{telling.alarm_id}", str(int(now.timestamp()))
        headers = {"Content-Type": "application/json", "webhook-id": name, "webhook-timestamp": moment}
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, name, moment, body)
        self._egress.post(telling.address, body, headers)


def signature(key: bytes, name: str, moment: str, body: bytes) -> str:
    """The header ``webhook-signature`` of Standard Webhooks 1.0: HMAC-SHA256 over id, timestamp and body."""
    secret = base64.b64decode(key[len(_SECRET) :]) if key.startswith(_SECRET.encode()) else key
    made = hmac.new(secret, f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def _pause(attempts: int) -> timedelta:
    return min(timedelta(seconds=15 * 2 ** min(attempts, 10)), LONGEST_PAUSE)
