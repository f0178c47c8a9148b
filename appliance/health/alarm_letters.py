"""What an alarm says: a mail in the language of the house, and a JSON object for machines."""

from __future__ import annotations

import json
from datetime import datetime
from html import escape
from typing import Final

from appliance.config import Settings
from appliance.health.alarms import LASTING, OVER
from appliance.health.finding import Condition
from appliance.health.registry import TITLES
from appliance.language import Translator, instants, translator
from appliance.notices.messages import MailMessage
from appliance.store.health.alarms import Alarm

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
    paragraphs = list(_paragraphs(alarm, settings, translate))
    body = "\n\n".join(paragraphs) + "\n"
    html = "".join(f"<p>{escape(each)}</p>" for each in paragraphs)
    page = f'<!doctype html><html lang="{settings.interface.language}"><body>{html}</body></html>'
    return MailMessage(subject, body, page)


def _paragraphs(alarm: Alarm, settings: Settings, translate: Translator) -> list[str]:
    zone = settings.interface.zone
    since = instants.second(alarm.since, zone)
    lines = [
        translate(STILL if alarm.event == LASTING else SINCE, since=since, zone=zone),
        translate(alarm.sentence.template, **alarm.sentence.values),
    ]
    if alarm.event != OVER:
        lines.append(translate(TO_DO, remedy=translate(alarm.remedy.template, **alarm.remedy.values)))
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
