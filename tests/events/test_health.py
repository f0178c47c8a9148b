"""What health says of webhooks: when their events are not taken, when they fall behind, when one has ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.events import WebhookActor
from appliance.events.delivery import GIVEN_UP
from appliance.health.check_context import CheckContext
from appliance.health.contract_checks import PILED, webhooks_finding
from appliance.health.figures import measure_figures
from appliance.health.findings import Condition, HealthFinding
from appliance.home import Home
from appliance.store import events, webhooks
from hsm.client import AuthorityClient
from tests.events.receiver import Receiver, refusing
from tests.events.site import ERP, Site


def finding(site: Site) -> HealthFinding:
    with site.database.reading() as tx:
        found = webhooks.webhooks(tx)
        behind = {each.id: events.count_after(tx, each.position, most=PILED) for each in found}
    return webhooks_finding(found, behind, site.now())


def test_while_events_are_taken_all_is_good(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    site.webhook_to(receiver.url)
    site.append("one")
    site.deliver()
    assert finding(site).condition is Condition.GOOD


def test_a_receiver_that_fails_for_minutes_is_told_of(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    site.append("one")
    receiver.answering = refusing(500)
    site.deliver()
    assert finding(site).condition is Condition.GOOD, "it may be restarting"
    site.ahead = timedelta(minutes=11)
    found = finding(site)
    assert found.condition is Condition.ATTENTION and found.mark == webhook
    assert f"127.0.0.1:{receiver.port}" in found.advice


def test_a_webhook_that_ended_stays_told_until_somebody_acts(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    site.append("one")
    receiver.answering = refusing(500)
    site.deliver()
    site.ahead = GIVEN_UP + timedelta(hours=2)
    site.deliver()
    assert finding(site).condition is Condition.FAILING
    site.webhooks.remove(webhook, WebhookActor.of_client(ERP))
    webhook, _ = site.webhook_to(receiver.url)
    site.append("one")
    receiver.answering = refusing(410)
    site.deliver()
    assert finding(site).condition is Condition.ATTENTION
    site.webhooks.disable(webhook, WebhookActor.of_client(ERP))
    assert finding(site).condition is Condition.GOOD, "its client wants it so"


@pytest.mark.parametrize(("entries", "condition"), [(PILED - 1, Condition.GOOD), (PILED, Condition.ATTENTION)])
def test_one_that_falls_behind_is_told_of(
    site: Site, receiver: Receiver, entries: int, condition: Condition
) -> None:
    webhook, _ = site.webhook_to(receiver.url)
    assert webhooks_finding([site.webhook(webhook)], {webhook: entries}, site.now()).condition is condition


def test_the_oldest_failure_comes_first(site: Site, receiver: Receiver) -> None:
    webhook, _ = site.webhook_to(receiver.url)
    since = site.now() - timedelta(hours=1)
    one = replace(site.webhook(webhook), failures=3, failing_since=since)
    other = replace(one, id="webhook-other", failing_since=since - timedelta(hours=1))
    found = webhooks_finding([one, other], {one.id: 0, other.id: 0}, site.now())
    assert found.mark == "webhook-other" and found.values["count"] == 2


def test_the_metric_says_for_how_long_it_has_failed(site: Site, receiver: Receiver, tmp_path: Path) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    name = f'vermilion_webhook_failing_seconds{{webhook="{webhook}"}}'
    home = Home(tmp_path)
    with AuthorityClient(home.authority_socket("scheduler")) as nobody:
        before = measure_figures(CheckContext(home, site.now(), nobody, opened=site.database))
        site.append("one")
        receiver.answering = refusing(500)
        site.deliver()
        later = site.now() + timedelta(hours=1)
        after = measure_figures(CheckContext(home, later, nobody, opened=site.database))
    assert before[name] == 0 and after[name] >= 3600 - 1
