"""Programs that use the API: their credentials fit and are used, they keep to the limits, their batches go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from appliance.health.check_context import CheckContext
from appliance.health.figures import API_REFUSED, BATCH_WAITING, NOT_PROVEN, OVER_LIMIT, labelled
from appliance.health.findings import HealthFinding, RunbookPage, attention, good, unset
from appliance.health.observations import Observations, grown, with_observations
from appliance.model.api_clients import ApiClient, ClientState
from appliance.store import api_clients, mail_merges
from appliance.store import maintenance as stored_maintenance
from appliance.store.database import Transaction
from appliance.store.mail_merges import DueMerge

UNUSED: Final = timedelta(days=90)
"""A way in that nobody has used for so long is one that nobody watches."""

MANY_REFUSALS: Final = 20
"""Attempts to get a token, in an hour or two, that proved nothing: no program repeats them by accident."""

MANY_LIMITED: Final = 100
"""Requests over the limit in an hour or two: a program that waits as it is told makes few."""

STUCK: Final = 2
"""Hours before this one in which a list has not got on either: lists take turns of some seconds."""

_LATELY: Final = timedelta(hours=1)
_NONE: Final = "No program uses the API."


def unused(context: CheckContext) -> HealthFinding:
    """Programs that may use the API do."""
    return unused_finding(_active(context), context.now)


def unused_finding(active: Sequence[ApiClient], now: datetime) -> HealthFinding:
    """What to say of the clients that are *active*."""
    if not active:
        return unset(_NONE)
    idle = [each for each in active if now - (each.last_used or each.created) > UNUSED]
    if not idle:
        return good("Programs that use the API: {count}.", count=len(active))
    first = min(idle, key=lambda each: each.last_used or each.created)
    template = "API clients that have not been used for three months: {count}, among them {name} ({client})."
    values = {"count": len(idle), "name": first.name, "client": first.id}
    return attention(RunbookPage.CLIENT_UNUSED, template, first.id, **values)


def refused(context: CheckContext) -> HealthFinding:
    """Programs prove who they are."""
    return _judged(context, judge_refused)


def judge_refused(active: Sequence[ApiClient], series: Observations, now: datetime) -> HealthFinding:
    """What the figures of the last hour say of those who asked for a token in the name of these clients."""
    counts = {each.id: _count(series, each, (NOT_PROVEN,), now) for each in active}
    worst = max(active, key=lambda each: counts[each.id])
    if counts[worst.id] < MANY_REFUSALS:
        return good("The API's clients prove who they are.")
    template = "Access tokens refused to {name} ({client}) in the last hour or two: {count}; nothing was proven."
    values = {"name": worst.name, "client": worst.id, "count": counts[worst.id]}
    return attention(RunbookPage.CLIENT_REFUSED, template, worst.id, **values)


def limited(context: CheckContext) -> HealthFinding:
    """Programs keep to the limits."""
    return _judged(context, judge_limited)


def judge_limited(active: Sequence[ApiClient], series: Observations, now: datetime) -> HealthFinding:
    """What the figures of the last hour say of requests that were too many."""
    counts = {each.id: _count(series, each, OVER_LIMIT, now) for each in active}
    worst = max(active, key=lambda each: counts[each.id])
    if counts[worst.id] < MANY_LIMITED:
        return good("The API's clients keep to the limit of requests.")
    template = "Requests of {name} ({client}) over its limit in the last hour or two: {count}."
    values = {"name": worst.name, "client": worst.id, "count": counts[worst.id]}
    return attention(RunbookPage.CLIENT_LIMITED, template, worst.id, **values)


def _judged(
    context: CheckContext, judge: Callable[[Sequence[ApiClient], Observations, datetime], HealthFinding]
) -> HealthFinding:
    active = _active(context)
    return with_observations(context, partial(judge, active)) if active else unset(_NONE)


def batches(context: CheckContext) -> HealthFinding:
    """Lists become contracts."""
    with context.reading() as tx:
        due = [each for each in mail_merges.due_merges(tx) if each.client is None or _is_active(tx, each.client)]
        window = stored_maintenance.open_window(tx)
    if not due:
        return good("No list waits to become contracts.")
    if window is not None and window.is_under_way(context.now):
        return good("Lists wait for the end of the maintenance: {count}.", count=len(due))
    return with_observations(context, partial(judge_batches, due))


def judge_batches(due: Sequence[DueMerge], series: Observations, now: datetime) -> HealthFinding:
    """What the figures say of these lists: one of which as many rows wait as
    :data:`STUCK` hours ago does not get on."""
    held = [each for each in due if _stands_still(series, each.id, now)]
    if not held:
        return good("Lists that become contracts now: {count}.", count=len(due))
    template = "Lists that have not got on for more than an hour: {count}, among them {batch}."
    return attention(RunbookPage.BATCH_STUCK, template, held[0].id, count=len(held), batch=held[0].id)


def _stands_still(series: Observations, batch: str, now: datetime) -> bool:
    figure, since = labelled(BATCH_WAITING, batch=batch), now - timedelta(hours=STUCK)
    hours = series.read_hours(figure, since=since, until=now)
    return len(hours) > STUCK and len({count for each in hours for count in (each.low, each.high)}) == 1


def _count(series: Observations, client: ApiClient, reasons: Sequence[str], now: datetime) -> int:
    figures = (labelled(API_REFUSED, client=client.id, reason=each) for each in reasons)
    return sum(grown(series, figure, now - _LATELY, now) for figure in figures)


def _active(context: CheckContext) -> list[ApiClient]:
    with context.reading() as tx:
        return [each for each in api_clients.all_clients(tx) if each.state is ClientState.ACTIVE]


def _is_active(tx: Transaction, client_id: str) -> bool:
    found = api_clients.find_client(tx, client_id)
    return found is not None and found.state is ClientState.ACTIVE
