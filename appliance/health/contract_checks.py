"""Contracts and timestamps: archive timestamps are renewed in time, outside timestamps arrive, reminders are
derived, events reach other programs, and few timestamp requests are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509

from appliance.config import KeepingSettings
from appliance.errors import ApplianceError
from appliance.health.check_context import CheckContext
from appliance.health.figures import REFUSED, labelled
from appliance.health.findings import HealthFinding, RunbookPage, attention, failing, good, unset
from appliance.health.observations import Observations, grown, with_observations
from appliance.model.api_clients import ApiClient, ClientState
from appliance.model.intent import OutsideStamp
from appliance.model.webhooks import DisabledBy, WebhookEndpoint, WebhookState
from appliance.policy import load_policy
from appliance.reminders.schedule import load_calendar
from appliance.store import api_clients, events, intents
from appliance.store import archive_renewals as kept
from appliance.store import reminders as stored_reminders
from appliance.store import webhooks as stored_webhooks
from appliance.store.database import Transaction
from appliance.timestamping.issuing import horizon_of_certificate
from appliance.timestamping.refusal_counts import NAMES
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError

IN_HAND = timedelta(days=1)
"""What became due since then is still being worked on, and nothing to tell."""


def keeping(context: CheckContext) -> HealthFinding:
    """Archive timestamps are renewed in time."""
    settings = context.configured().keeping
    with context.reading() as tx:
        return keeping_finding(tx, settings, context.now, reached=_reached(context.client, settings))


def keeping_finding(
    tx: Transaction, settings: KeepingSettings, now: datetime, *, reached: datetime | None
) -> HealthFinding:
    """The same, of an open database; *reached* is until when a timestamp that is made now would count."""
    ends, failed = settings.ends, kept.failing(tx)
    late = kept.count_due(tx, now, ends)
    due = kept.count_due(tx, now + settings.lead - IN_HAND, ends)
    if late:
        template = "Contracts that were not timestamped again in time, and can no longer be proven here: {count}."
        return failing(RunbookPage.KEEPING_LATE, template, count=late)
    if failed.count:
        template = "Contracts that could not be timestamped again: {count}. {reason}"
        return failing(RunbookPage.KEEPING_LATE, template, count=failed.count, reason=failed.reason)
    if due and reached is not None and kept.count_due(tx, min(now + settings.lead, reached), ends) < due:
        template = "Contracts that wait to be timestamped again for a new timestamp key: {count}."
        return failing(RunbookPage.KEEPING_LATE, template, count=due)
    if due:
        return good("Contracts that wait to be timestamped again: {count}; the scheduler is at it.", count=due)
    first = kept.first_end(tx, ends)
    if first is None:
        return good("No completed contract has to be kept yet.")
    values = {"day": f"{first - settings.lead:%Y-%m-%d}"}
    return good("Completed contracts are timestamped again from {day} on.", **values)


def _reached(client: AuthorityClient, settings: KeepingSettings) -> datetime | None:
    try:
        certificate = x509.load_der_x509_certificate(client.certificate("tsa"))
    except AuthorityError:
        return None
    return horizon_of_certificate(certificate).end(settings.ends)


SPAN = timedelta(days=1)


def outside_timestamps(context: CheckContext) -> HealthFinding:
    """What became of them in a day. Asks nobody."""
    url = context.configured().outside.url
    if not url:
        return unset("No authority outside is set; signatures carry the local timestamp.")
    with context.reading() as tx:
        counts = intents.outside_since(tx, context.now - SPAN)
    missing = sum(count for stamp, count in counts.items() if stamp is not OutsideStamp.DATED)
    if missing:
        template = "Signatures of a day that got no second timestamp: {count}."
        values = {"count": missing, "url": url}
        return attention(RunbookPage.OUTSIDE_TIMESTAMPS, template, **values)
    template = "Signatures are dated by the authority outside, too ({count} in a day)."
    return good(template, count=counts.get(OutsideStamp.DATED, 0))


LATE = timedelta(minutes=5)
"""The scheduler derives every ten seconds."""


def reminders(context: CheckContext) -> HealthFinding:
    """Reminders that are due are derived."""
    with context.reading() as tx:
        waiting = stored_reminders.waiting_since(tx, context.now - LATE)
        ticked, _ = stored_reminders.clock(tx)
    if waiting and (ticked is None or context.now - ticked > LATE):
        template = "Contracts whose reminders wait to be derived: {count}; the scheduler does not run."
        return failing(RunbookPage.REMINDERS_LATE, template, count=waiting)
    return good("Reminders that are due are derived.")


def calendar(context: CheckContext) -> HealthFinding:
    """The calendar of holidays has this year."""
    year = context.now.year
    try:
        rules = load_policy(context.home.policy).default.reminders
        found = load_calendar(rules.calendar, context.home.calendars)
    except ApplianceError as error:
        return failing(RunbookPage.SETTINGS_WRONG, error.template, **error.values)
    values = {"name": found.name, "year": year, "next": year + 1, "file": f"{rules.calendar}.toml"}
    if not found.covers_year(year):
        template = "The calendar {name} does not have {year}; Monday to Friday count as working days."
        return attention(RunbookPage.CALENDAR_MISSING, template, **values)
    if not found.covers_year(year + 1):
        return good("The calendar {name} has {year}, but not yet {next}; add it in time.", **values)
    return good("The calendar {name} has {year} and {next}.", **values)


FAILING = timedelta(minutes=10)
"""For so long a receiver may be restarted, or be slow, and nobody has to know."""


PILED = 2_000
"""Log entries of contracts: a webhook that is so far behind does not keep up."""


def webhooks(context: CheckContext) -> HealthFinding:
    """Events reach those to whom they are sent."""
    with context.reading() as tx:
        found = stored_webhooks.webhooks(tx)
        behind = {each.id: events.count_after(tx, each.position, most=PILED) for each in found}
    return (
        webhooks_finding(found, behind, context.now) if found else unset("No events are sent to other programs.")
    )


def webhooks_finding(found: Sequence[WebhookEndpoint], behind: Mapping[str, int], now: datetime) -> HealthFinding:
    """What to say of the webhooks that there are; *behind* counts the log entries that follow where each is."""
    for each in found:
        values = {"webhook": each.id, "host": urlsplit(each.url).netloc}
        if each.reason is DisabledBy.FAILING:
            template = "{webhook} is disabled: {host} has taken no event for three days."
            return failing(RunbookPage.WEBHOOKS_FAILING, template, each.id, **values)
        if each.reason is DisabledBy.GONE:
            template = "{webhook} is disabled: {host} said that it wants no more events (410)."
            return attention(RunbookPage.WEBHOOKS_FAILING, template, each.id, **values)
    late = [each for each in found if _is_late(each, now)]
    if late:
        [first, *_] = sorted(late, key=lambda each: each.failing_since or now)
        values = {"webhook": first.id, "host": urlsplit(first.url).netloc}
        template = (
            "Webhooks whose events are not taken: {count}. Failures in a row of {webhook} at {host}: {failures}."
        )
        return attention(
            RunbookPage.WEBHOOKS_FAILING, template, first.id, **values, count=len(late), failures=first.failures
        )
    for each in found:
        if each.state is WebhookState.ACTIVE and behind[each.id] >= PILED:
            values = {"webhook": each.id, "host": urlsplit(each.url).netloc}
            template = (
                "Events pile up for {webhook}: {host} is too far behind."
                " Log entries that follow, at least: {count}."
            )
            return attention(RunbookPage.WEBHOOKS_FAILING, template, each.id, **values, count=PILED)
    count = sum(each.state is WebhookState.ACTIVE for each in found)
    return good("Webhooks to which events are sent: {count}.", count=count)


def _is_late(webhook: WebhookEndpoint, now: datetime) -> bool:
    since = webhook.failing_since
    return webhook.state is WebhookState.ACTIVE and since is not None and now - since > FAILING


CERTIFICATE_LEFT = timedelta(days=30)
"""So long before a client's certificate expires somebody is told: two administrators register another one."""


def client_certificates(context: CheckContext) -> HealthFinding:
    """The certificates by which programs prove who they are last."""
    with context.reading() as tx:
        return client_certificates_finding(api_clients.all_clients(tx), context.now)


def client_certificates_finding(clients: Sequence[ApiClient], now: datetime) -> HealthFinding:
    """The same, of these *clients*; those that are suspended need none."""
    ends = [
        (each.certificate_expires, each)
        for each in clients
        if each.certificate_expires is not None and each.state is ClientState.ACTIVE
    ]
    if not ends:
        return unset("No API client proves who it is by a certificate.")
    until, first = min(ends, key=lambda each: each[0])
    values = {"name": first.name, "client": first.id, "day": f"{until:%Y-%m-%d}"}
    if until <= now:
        template = "The certificate of {name} ({client}) has expired; it cannot use the API any more."
        return failing(RunbookPage.CLIENT_CERTIFICATE_ENDING, template, f"{first.id} ended", **values)
    if until - now <= CERTIFICATE_LEFT:
        template = "The certificate of {name} ({client}) expires on {day}."
        return attention(RunbookPage.CLIENT_CERTIFICATE_ENDING, template, first.id, **values)
    return good("The next certificate of an API client to expire is that of {name}, on {day}.", **values)


MANY = 20
"""Refusals in an hour of which somebody should know, when they are more than the timestamps that were given."""

GIVEN = "vermilion_timestamps_total"


def refusals(context: CheckContext) -> HealthFinding:
    """Most of those who ask are given a timestamp."""
    return with_observations(context, judge_refusals)


def judge_refusals(series: Observations, now: datetime) -> HealthFinding:
    """What the figures of the last hour and day say."""
    lately, day = (_refused(series, now - timedelta(hours=hours), now) for hours in (1, 24))
    given = grown(series, GIVEN, now - timedelta(hours=1), now)
    refused = sum(lately.values())
    if refused >= MANY and refused > given:
        values = {"refused": refused, "given": given, "reason": max(lately, key=lambda name: lately[name])}
        template = (
            "Timestamp requests refused in the last hour or two: {refused}, most often with {reason};"
            " granted: {given}."
        )
        return attention(RunbookPage.TIMESTAMPS_REFUSED, template, str(values["reason"]), **values)
    total = sum(day.values())
    if not total:
        return good("No timestamp request was refused in the last 24 hours.")
    reasons = ", ".join(f"{name} {count}" for name, count in day.items() if count)
    values = {"count": total, "reasons": reasons}
    return good("Timestamp requests refused in the last 24 hours: {count} ({reasons}).", **values)


def _refused(series: Observations, since: datetime, now: datetime) -> Mapping[str, int]:
    return {name: grown(series, labelled(REFUSED, reason=name), since, now) for name in NAMES.values()}
