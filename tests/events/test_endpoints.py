"""Who may do what with a webhook, and what the log says of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.events import WebhookActor, Webhooks
from appliance.events.endpoints import MOST_REQUESTS, MOST_WEBHOOKS
from appliance.model.webhooks import DisabledBy, WebhookState
from appliance.store import ledger
from appliance.store import webhooks as store
from hsm import canonical
from hsm.errors import NotPermitted
from tests.events.receiver import Receiver
from tests.events.site import ERP, OPERATOR, OTHER, Site

CLIENT, STRANGER = WebhookActor.of_client(ERP), WebhookActor.of_client(OTHER)


def told(site: Site) -> list[tuple[str, str]]:
    """What the log says: kinds with who acted."""
    with site.database.reading() as tx:
        leaves = [canonical.decode(leaf) for leaf in ledger.leaves(tx, 0, 1000)]
    return [(leaf["kind"], leaf["public"]["actor"]) for leaf in leaves]


def test_nothing_is_sent_before_the_client_has_its_secret(site: Site, receiver: Receiver) -> None:
    made = site.webhooks.create(ERP, receiver.url, [], by=OPERATOR)
    assert made.state is WebhookState.PENDING and re.fullmatch(r"whpk_[A-Za-z0-9+/]{43}=", made.public_key)
    site.add_contract("one")
    site.append("one")
    site.deliver()
    assert receiver.arrived == []
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", site.webhooks.make_secret(made.id, CLIENT))
    site.deliver()
    assert len(receiver.taken) == 1, "what happened since it was created"


def test_no_administrator_is_shown_a_secret(site: Site, receiver: Receiver) -> None:
    made = site.webhooks.create(ERP, receiver.url, [], by=OPERATOR)
    with pytest.raises(PreconditionRefused):
        site.webhooks.make_secret(made.id, OPERATOR)
    assert site.webhook(made.id).state is WebhookState.PENDING


ACTS: tuple[Callable[[Webhooks, str, WebhookActor], object], ...] = (
    Webhooks.get,
    Webhooks.attempts,
    Webhooks.make_secret,
    lambda webhooks, webhook, by: webhooks.change_types(webhook, [], by),
    Webhooks.disable,
    Webhooks.enable,
    Webhooks.remove,
    lambda webhooks, webhook, by: webhooks.replay(webhook, 0, 0, by),
    Webhooks.send_test,
)


@pytest.mark.parametrize("act", ACTS)
def test_to_another_client_it_does_not_exist(
    site: Site, receiver: Receiver, act: Callable[[Webhooks, str, WebhookActor], object]
) -> None:
    webhook, _ = site.webhook_to(receiver.url)
    before = told(site)
    for name in (webhook, "webhook-none"):
        with pytest.raises(NotFound):
            act(site.webhooks, name, STRANGER)
    assert told(site) == before and site.webhooks.all_of(STRANGER) == []
    assert [each.id for each in site.webhooks.all_of(CLIENT)] == [webhook]
    assert [each.id for each in site.webhooks.all_of(OPERATOR)] == [webhook]


def test_what_administrators_disabled_they_alone_enable(site: Site, receiver: Receiver) -> None:
    webhook, _ = site.webhook_to(receiver.url)
    assert site.webhooks.disable(webhook, OPERATOR).reason is DisabledBy.ADMINISTRATOR
    for act in (site.webhooks.enable, site.webhooks.disable, site.webhooks.send_test):
        with pytest.raises(StateRefused):
            act(webhook, CLIENT)
    assert site.webhooks.enable(webhook, OPERATOR).state is WebhookState.ACTIVE
    site.webhooks.disable(webhook, CLIENT)
    assert site.webhooks.enable(webhook, CLIENT).state is WebhookState.ACTIVE
    with pytest.raises(StateRefused):
        site.webhooks.enable(webhook, CLIENT)


def test_one_without_a_secret_is_not_enabled(site: Site, receiver: Receiver) -> None:
    made = site.webhooks.create(ERP, receiver.url, [], by=OPERATOR)
    site.webhooks.disable(made.id, OPERATOR)
    with pytest.raises(StateRefused):
        site.webhooks.enable(made.id, OPERATOR)
    site.webhooks.make_secret(made.id, CLIENT)
    assert site.webhook(made.id).state is WebhookState.DISABLED
    site.webhooks.enable(made.id, OPERATOR)


def test_the_log_tells_each_change(site: Site, receiver: Receiver) -> None:
    webhook, secret = site.webhook_to(receiver.url)
    site.webhooks.change_types(webhook, ["contract.sent"], CLIENT)
    site.webhooks.disable(webhook, OPERATOR)
    site.webhooks.enable(webhook, OPERATOR)
    site.add_contract("one")
    site.webhooks.replay(webhook, 0, 0, CLIENT)
    site.webhooks.remove(webhook, CLIENT)
    assert [each for each in told(site) if each[0].startswith("webhook")] == [
        ("webhook-created", "administrator-chen"),
        ("webhook-secret-made", ERP),
        ("webhook-changed", ERP),
        ("webhook-disabled", "administrator-chen"),
        ("webhook-enabled", "administrator-chen"),
        ("webhook-replayed", ERP),
        ("webhook-removed", ERP),
    ]
    with site.database.reading() as tx:
        leaves = b"".join(ledger.leaves(tx, 0, 1000))
    assert receiver.url.encode() not in leaves and secret.encode() not in leaves


@pytest.mark.parametrize(
    ("client", "path", "types", "refusal"),
    [
        ("client-unknown", "", [], NotFound),
        (ERP, "#part", [], PreconditionRefused),
        (ERP, "", ["contract.unknown"], PreconditionRefused),
        (ERP, "", ["webhook.test"], PreconditionRefused),
    ],
)
def test_what_is_wrong_makes_no_webhook(
    site: Site, receiver: Receiver, client: str, path: str, types: list[str], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        site.webhooks.create(client, receiver.url + path, types, by=OPERATOR)
    with pytest.raises(PreconditionRefused):
        site.webhooks.create(ERP, "https://elsewhere.example/", [], by=OPERATOR)
    assert site.database.query(store.count) == 0


def test_there_is_a_limit_to_webhooks_and_to_requests(site: Site, receiver: Receiver) -> None:
    webhook, _ = site.webhook_to(receiver.url)
    for _ in range(MOST_REQUESTS):
        site.webhooks.send_test(webhook, CLIENT)
    with pytest.raises(StateRefused):
        site.webhooks.send_test(webhook, CLIENT)
    for _ in range(MOST_WEBHOOKS - 1):
        site.webhooks.create(ERP, receiver.url, [], by=OPERATOR)
    with pytest.raises(StateRefused):
        site.webhooks.create(ERP, receiver.url, [], by=OPERATOR)


def test_a_secret_moved_to_another_webhook_signs_nothing(site: Site, receiver: Receiver) -> None:
    """Whoever can write in the database but has no key cannot give a webhook a secret of another one."""
    one, _ = site.webhook_to(receiver.url)
    other, _ = site.webhook_to(receiver.url)
    with site.database.transaction() as tx:
        [sealed] = store.secrets_of(tx, one, site.now())
        tx.update("webhook_secrets", {"sealed": sealed}, webhook=other)
    with pytest.raises(NotPermitted), site.database.reading() as tx:
        site.delivery._keys.keys(tx, other, site.now())
    site.add_contract("one")
    site.append("one")
    site.deliver()
    assert len(receiver.arrived) == 1 and site.webhook(other).failures == 1
    [attempt] = site.webhooks.attempts(other, CLIENT)
    assert attempt.problem == "This secret was sealed for somebody else, or under another key."
