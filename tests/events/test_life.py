"""The life of real contracts, told to a receiver that is down half of the time, and proven by the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.acting_client import ClientReach
from appliance.administration import open_administration
from appliance.administration.action import ActionContext
from appliance.administration.actions import REGISTRY
from appliance.demonstration.participants import LI, ZHANG
from appliance.events import WebhookActor
from appliance.model.administration import Actor, AdministratorRole
from appliance.model.contract import Contract, PartyState
from appliance.wiring import Appliance
from hsm.merkle import leaf_hash, root_from_inclusion
from tests.events.receiver import Post, Receiver, until
from tests.events.site import ERP, Site
from tests.world import World, confirm, sample_document, send, sequenced, shared_world, with_parts


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as running:
        yield running


@pytest.fixture
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as opened:
        yield opened


def signed_by_all(appliance: Appliance) -> Contract:
    contract = send(appliance, sample_document(1))
    for party in contract.parties:
        prepared = appliance.cycle.prepare(contract.id, party.id)
        confirm(appliance, prepared.intent)
        appliance.cycle.sign(prepared.id)
        contract = appliance.cycle.complete(prepared.id)
    assert all(party.state is PartyState.SIGNED for party in contract.parties)
    return appliance.finalisation.finalise(contract.id)


def declined(appliance: Appliance) -> Contract:
    contract = send(appliance, sample_document(1))
    longer = replace(contract.deadline, at=contract.deadline.at + timedelta(days=1))
    appliance.endings.extend(contract.id, longer, by=ZHANG.subject)
    return appliance.endings.decline(contract.id, contract.parties[0].id, by=ZHANG.subject, reason="示例")


def test_each_event_arrives_once_and_in_order(appliance: Appliance, world: World, receiver: Receiver) -> None:
    reach = ClientReach(ERP, frozenset({ZHANG.organisation}))
    site = Site(appliance.database, [f"127.0.0.1:{receiver.port}"])
    site.clients[ERP] = reach
    webhook, secret = site.webhook_to(receiver.url)

    def every_other_time(post: Post) -> None:
        post.answer(503 if len(receiver.arrived) % 2 else 200)

    receiver.answering = every_other_time
    completed, ended = signed_by_all(appliance), declined(appliance)
    for _ in range(60):
        site.deliver()
        site.skip_pause(webhook)
    site.delivery.close()
    site.webhooks.remove(webhook, WebhookActor.of_client(ERP))

    told = [(arrival.said["data"]["contract"], arrival.said["type"]) for arrival in receiver.taken]
    assert [kind for contract, kind in told if contract == completed.id] == [
        "contract.sent",
        *["contract.party.signed"] * 3,
        "contract.completed",
    ]
    assert [kind for contract, kind in told if contract == ended.id] == [
        "contract.sent",
        "contract.deadline_extended",
        "contract.party.declined",
    ]
    assert set(Counter(arrival.id for arrival in receiver.taken).values()) == {1}
    assert set(Counter(arrival.id for arrival in receiver.arrived).values()) == {2}, "each was refused once"
    for arrival in receiver.taken:
        arrival.verified_by(secret)
        for name in (ZHANG.name, LI.name, ZHANG.email):
            assert name not in arrival.body.decode()
    pulled = site.feed.after(-1, reach, limit=1000).events
    assert [event.body() for event in pulled] == [arrival.body for arrival in receiver.taken]
    with sequenced(appliance, world):
        until(lambda: is_placed(appliance, pulled[-1].log.entry))
    proven_by_the_log(appliance, receiver)


def is_placed(appliance: Appliance, entry: int) -> bool:
    latest = appliance.proofs.latest()
    return latest is not None and latest.size > entry


def proven_by_the_log(appliance: Appliance, receiver: Receiver) -> None:
    checkpoint = appliance.proofs.checkpoint()
    for arrival in receiver.taken:
        entry, leaf = arrival.said["log"]["entry"], bytes.fromhex(arrival.said["log"]["leaf_hash"])
        assert leaf_hash(appliance.proofs.entry(entry)) == leaf
        path = appliance.proofs.inclusion(entry, checkpoint.size)
        assert root_from_inclusion(entry, checkpoint.size, leaf, path) == checkpoint.root


def test_administrators_do_what_their_actions_say(appliance: Appliance, receiver: Receiver) -> None:
    """The whole of it: added and resumed, tested, replayed, suspended and removed."""
    site = Site(appliance.database, [f"127.0.0.1:{receiver.port}"])
    site.clients[ERP] = ClientReach(ERP, frozenset({ZHANG.organisation}))
    opened = with_parts(appliance, webhooks=site.webhooks)
    with open_administration(appliance.settings, now=site.now) as administration:
        parts = ActionContext(
            appliance.settings, administration.administrators, appliance.authority, site.now, opened
        )

        def do(name: str, **given: str) -> str:
            action = REGISTRY[name]
            done = action.perform(parts, action.checked(given), Actor("chen", AdministratorRole.SYSTEM))
            assert not done.secret
            return done.template.format(**done.values)

        do("webhooks.add", client=ERP, url=receiver.url, types="contract.sent, contract.recalled")
        [webhook] = site.webhooks.all_of(WebhookActor.of_client(ERP))
        assert webhook.types == {"contract.sent", "contract.recalled"}
        site.webhooks.make_secret(webhook.id, WebhookActor.of_client(ERP))
        contract = send(appliance, sample_document(1))
        site.deliver()
        [sent] = receiver.taken
        do("webhooks.test", webhook=webhook.id)
        entry = str(sent.said["log"]["entry"])
        do("webhooks.replay", webhook=webhook.id, first=entry, last=entry)
        site.deliver()
        assert [arrival.said["type"] for arrival in receiver.taken[1:]] == ["webhook.test", "contract.sent"]
        assert receiver.taken[2].body == sent.body
        do("webhooks.suspend", webhook=webhook.id)
        appliance.endings.recall(contract.id, by=ZHANG.subject, reason="示例")
        site.deliver()
        assert len(receiver.taken) == 3
        do("webhooks.resume", webhook=webhook.id)
        site.deliver()
        assert receiver.taken[3].said["type"] == "contract.recalled"
        do("webhooks.remove", webhook=webhook.id)
        assert site.webhooks.all_of(WebhookActor("root")) == []
    site.delivery.close()
