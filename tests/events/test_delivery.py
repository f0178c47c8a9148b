"""Webhooks as a receiver sees them: signed, in order, again until they are taken, and never to the wrong place."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import WebhookVerificationError

from appliance.egress import ExchangeLimits
from appliance.errors import NotFound, PreconditionRefused
from appliance.events import WebhookActor
from appliance.events.delivery import GIVEN_UP, KEPT, LONGEST_PAUSE, asked_pause, pause_after
from appliance.ledger.audit_trail import EventKind
from appliance.model.webhooks import DisabledBy, WebhookState
from appliance.store import webhooks as store
from tests.events.receiver import Answer, Arrival, Post, Receiver, receiving, refusing, take, until
from tests.events.site import ERP, HOUSE, OPERATOR, OTHER, Site

CLIENT = WebhookActor.of_client(ERP)
QUICK = ExchangeLimits(0.5, 0, frozenset(range(200, 300)))


def ids(arrivals: list[Arrival]) -> list[str]:
    return [arrival.id for arrival in arrivals]


def test_an_event_arrives_as_the_receivers_library_takes_it(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, secret = site.webhook_to(receiver.url)
    sent = site.append("one", EventKind.CONTRACT_SENT)
    site.deliver()
    [arrival] = receiver.taken
    arrival.verified_by(secret)
    arrival.verified_by_key(site.webhook(webhook).public_key)
    assert arrival.id == f"evt_{sent}" and arrival.headers["content-type"] == "application/json"
    assert arrival.said["type"] == "contract.sent" and arrival.said["log"]["entry"] == sent
    [attempt] = site.webhooks.attempts(webhook, CLIENT)
    assert (attempt.message, attempt.type, attempt.status, attempt.problem) == (
        *(f"evt_{sent}", "contract.sent"),
        *(204, None),
    )


def test_what_happened_before_the_webhook_is_not_sent(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    site.append("one", EventKind.CONTRACT_SENT)
    site.webhook_to(receiver.url)
    recalled = site.append("one", EventKind.CONTRACT_RECALLED)
    site.deliver()
    assert ids(receiver.taken) == [f"evt_{recalled}"]


def test_a_capture_and_a_deposit_are_sent_like_contracts(site: Site, receiver: Receiver) -> None:
    webhook, secret = site.webhook_to(receiver.url)
    site.webhook_to(receiver.url, client=OTHER)
    capture = site.add_capture(1, ERP)
    site.tell(capture, EventKind.CAPTURE_FAILED)
    site.add_deposit(2, HOUSE)
    site.deliver()
    assert [each.said["type"] for each in receiver.taken] == ["capture.failed", "deposit.made"]
    for each in receiver.taken:
        each.verified_by(secret)
    assert receiver.taken[0].said["data"] == {"contract": "", "capture": capture.id, "client": ERP}
    assert site.webhook(webhook).position == receiver.taken[1].said["log"]["entry"]


def test_only_the_types_that_it_wants(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url, ["contract.recalled"])
    site.append("one", EventKind.CONTRACT_SENT)
    site.append("one", EventKind.CONTRACT_RECALLED)
    site.deliver()
    site.webhooks.change_types(webhook, [], CLIENT)
    site.append("one", EventKind.CONTRACT_SENT)
    site.deliver()
    assert [each.said["type"] for each in receiver.taken] == ["contract.recalled", "contract.sent"]


@pytest.mark.parametrize(("asked", "seconds"), [("120", 120), ("9999999", LONGEST_PAUSE.total_seconds())])
def test_a_receiver_is_left_alone_for_as_long_as_it_asks(
    site: Site, receiver: Receiver, asked: str, seconds: float
) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    site.append("one")
    receiver.answering = lambda post: post.answer(429, **{"Retry-After": asked})
    before = site.now()
    site.deliver()
    retry_at = site.webhook(webhook).retry_at
    assert retry_at is not None and -1 <= (retry_at - before).total_seconds() - seconds < 60
    receiver.answering = take
    site.ahead = timedelta(seconds=seconds - 10)
    site.deliver()
    assert not receiver.taken
    site.ahead = timedelta(seconds=seconds + 60)
    site.deliver()
    assert len(receiver.taken) == 1


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        *(("", 0), ("5", 5), ("0", 0), ("-5", 0), ("1.5", 0), ("soon", 0), ("9" * 400, 3600), ("１２０", 0)),
        *(("Wed, 25 Nov 2026 08:10:00 GMT", 300), ("Wed, 25 Nov 2026 08:00:00 GMT", 0)),
        *(("Wed, 25 Nov 9999 08:00:00 GMT", 3600), ("Wed, 99 Nov 2026 08:00:00 GMT", 0)),
    ],
)
def test_what_a_retry_after_asks_for(after: str, seconds: int) -> None:
    now = datetime(2026, 11, 25, 8, 5, tzinfo=UTC)
    assert asked_pause(after, now) == timedelta(seconds=seconds)


def test_in_order_again_until_it_is_taken(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    sent = [site.append("one") for _ in range(5)]
    receiver.answering = refusing(503)
    for _ in range(3):
        site.deliver()
        site.deliver()  # within the pause: nothing is tried
        site.skip_pause(webhook)
    assert ids(receiver.arrived) == [f"evt_{sent[0]}"] * 3 and site.webhook(webhook).failures == 3
    receiver.answering = take
    site.deliver()
    assert ids(receiver.taken) == [f"evt_{number}" for number in sent]
    assert len({arrival.body for arrival in receiver.arrived[:4]}) == 1, "the same event says the same"
    assert site.webhook(webhook).failures == 0 and site.webhook(webhook).retry_at is None


def test_a_receiver_that_is_gone_is_asked_no_more(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    site.append("one")
    receiver.answering = refusing(410)
    site.deliver()
    assert site.webhook(webhook).reason is DisabledBy.GONE
    site.skip_pause(webhook)
    site.deliver()
    assert len(receiver.arrived) == 1
    receiver.answering = take
    site.webhooks.enable(webhook, CLIENT)
    site.deliver()
    assert len(receiver.taken) == 1, "what was not sent meanwhile follows"


def test_three_days_without_a_success_are_the_end(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    site.append("one")
    receiver.answering = refusing(500)
    site.deliver()
    site.ahead = GIVEN_UP - timedelta(minutes=1)
    site.deliver()
    assert site.webhook(webhook).state is WebhookState.ACTIVE
    site.ahead = GIVEN_UP + timedelta(hours=3)
    site.deliver()
    assert site.webhook(webhook).reason is DisabledBy.FAILING and len(receiver.arrived) == 3
    receiver.answering = take
    site.webhooks.enable(webhook, CLIENT, from_now=True)
    later = site.append("one")
    site.deliver()
    assert ids(receiver.taken) == [f"evt_{later}"]


def test_pauses_grow_and_have_an_end() -> None:
    for failures, seconds in ((1, 5), (2, 10), (5, 80), (1000, LONGEST_PAUSE.total_seconds())):
        for _ in range(20):
            assert 0.75 * seconds <= pause_after(failures).total_seconds() <= 1.25 * seconds
    assert len({pause_after(4) for _ in range(20)}) > 1


def test_one_that_answers_never_delays_no_other(site: Site, tmp_path: Path, receiver: Receiver) -> None:
    freed = threading.Event()
    with receiving() as stuck:
        targets = [f"127.0.0.1:{each.port}" for each in (stuck, receiver)]
        with Site.at(tmp_path / "both.db", targets) as both:
            both.add_contract("one")
            both.webhook_to(stuck.url)
            both.webhook_to(receiver.url)
            stuck.answering = lambda _post: until(freed.is_set)
            for _ in range(3):
                sent = both.append("one")
                both.delivery.run_round()
                until(lambda: f"evt_{sent}" in ids(receiver.taken))  # noqa: B023 -- used before the next round
                until(lambda: len(both.delivery._busy) == 1)
            until(lambda: len(stuck.arrived) > 0)
            assert len(stuck.arrived) == 1 and not stuck.taken
            freed.set()


def redirects(post: Post) -> None:
    post.answer(307, Location="/elsewhere")


def drips(post: Post) -> None:
    with suppress(OSError):
        for octet in b"HTTP/1.1 204 No Content\r\n\r\n":
            post.wfile.write(bytes([octet]))
            time.sleep(0.05)


def says_nothing(post: Post) -> None:
    with suppress(OSError):
        post.connection.settimeout(60)
        post.connection.recv(1)


def hangs_up(post: Post) -> None:
    post.connection.shutdown(socket.SHUT_RDWR)


def speaks_nonsense(post: Post) -> None:
    post.wfile.write(b"220 mail.example ESMTP\r\n")


@pytest.mark.parametrize(
    ("way", "status"),
    [(redirects, 307), (drips, None), (says_nothing, None), (hangs_up, None), (speaks_nonsense, None)],
)
def test_whatever_else_it_does_is_a_failure_with_a_sentence(
    tmp_path: Path, receiver: Receiver, way: Answer, status: int | None
) -> None:
    with Site.at(tmp_path / "quick.db", [f"127.0.0.1:{receiver.port}"], limits=QUICK) as site:
        site.add_contract("one")
        webhook, _ = site.webhook_to(receiver.url)
        site.append("one")
        receiver.answering = way
        site.deliver()
        [attempt] = site.webhooks.attempts(webhook, CLIENT)
        assert attempt.status == status and attempt.problem and receiver.url in attempt.problem
        assert len(receiver.arrived) == 1 and site.webhook(webhook).failures == 1


def lies_about_its_length(post: Post) -> None:
    post.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nshort")
    post.connection.shutdown(socket.SHUT_WR)


def never_ends(post: Post) -> None:
    post.wfile.write(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n")
    with suppress(OSError):
        while True:
            post.wfile.write(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")


@pytest.mark.parametrize("way", [lies_about_its_length, never_ends])
def test_the_status_is_the_answer_whatever_follows(site: Site, receiver: Receiver, way: Answer) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    first, second = site.append("one"), site.append("one")
    receiver.answering = way
    site.deliver()
    assert ids(receiver.arrived) == [f"evt_{first}", f"evt_{second}"]
    assert all(attempt.problem is None for attempt in site.webhooks.attempts(webhook, CLIENT))


def test_nobody_listens(site: Site, receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    site.append("one")
    with site.database.transaction() as tx:
        tx.update("webhooks", {"url": f"http://127.0.0.1:{port}/"}, id=webhook)
    site.deliver()
    [attempt] = site.webhooks.attempts(webhook, CLIENT)
    assert attempt.problem is not None and "webhooks.targets" in attempt.problem, "the list does not name it"


def test_both_secrets_sign_while_one_takes_the_place_of_the_other(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, first = site.webhook_to(receiver.url)
    second = site.webhooks.make_secret(webhook, CLIENT)
    site.append("one")
    site.deliver()
    receiver.taken[0].verified_by(first)
    receiver.taken[0].verified_by(second)
    third = site.webhooks.make_secret(webhook, CLIENT)
    site.append("one")
    site.deliver()
    receiver.taken[1].verified_by(second)
    receiver.taken[1].verified_by(third)
    with pytest.raises(WebhookVerificationError):
        receiver.taken[1].verified_by(first)
    site.ahead = timedelta(hours=25)
    assert len(site.database.query(store.secrets_of, webhook, site.now())) == 1
    site.deliver()
    with site.database.reading() as tx:
        assert tx.count("SELECT count(*) FROM webhook_secrets") == 1, "what signs no longer is forgotten"


def test_no_secret_stands_in_the_database_in_the_clear(site: Site, receiver: Receiver, tmp_path: Path) -> None:
    webhook, secret = site.webhook_to(receiver.url)
    with site.database.reading() as tx:
        keys = site.delivery._keys.keys(tx, webhook, site.now())
    for file in tmp_path.glob("site.db*"):
        content = file.read_bytes()
        assert secret.encode() not in content
        assert keys.seed not in content and all(each not in content for each in keys.hmac_secrets)


def test_a_test_goes_out_once_and_ends_the_pause(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, secret = site.webhook_to(receiver.url)
    sent = site.append("one")
    receiver.answering = refusing(500)
    site.deliver()
    failed = site.webhooks.send_test(webhook, CLIENT)
    site.deliver()
    assert ids(receiver.arrived) == [f"evt_{sent}", failed] and site.webhook(webhook).failures == 1
    receiver.answering = take
    passed = site.webhooks.send_test(webhook, OPERATOR)
    site.deliver()
    assert ids(receiver.taken) == [passed, f"evt_{sent}"]
    receiver.taken[0].verified_by(secret)
    assert receiver.taken[0].said["type"] == "webhook.test"


def test_events_are_sent_once_more_on_request(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    sent = [site.append("one") for _ in range(4)]
    site.deliver()
    site.webhooks.replay(webhook, sent[1], sent[2], OPERATOR)
    site.webhooks.replay(webhook, sent[3], sent[3], CLIENT)
    site.deliver()
    assert ids(receiver.taken) == [f"evt_{number}" for number in (*sent, *sent[1:])]
    assert site.database.query(store.requests_of, webhook) == []
    with pytest.raises(PreconditionRefused):
        site.webhooks.replay(webhook, sent[3], sent[3] + 1000, CLIENT)


def test_nothing_is_sent_for_a_client_that_is_suspended(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    sent = site.append("one")
    reach = site.clients.pop(ERP)
    site.deliver()
    assert receiver.arrived == [] and site.webhook(webhook).failures == 0
    site.clients[ERP] = reach
    site.deliver()
    assert ids(receiver.taken) == [f"evt_{sent}"]


def test_what_the_client_may_no_longer_read_is_not_sent(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    site.webhook_to(receiver.url)
    site.append("one")
    site.clients[ERP] = site.clients[OTHER]
    site.deliver()
    assert receiver.arrived == []


def test_old_attempts_are_forgotten(site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    monkeypatch.setattr(store, "KEPT_ATTEMPTS", 3)
    for _ in range(5):
        site.append("one")
    site.deliver()
    assert len(site.webhooks.attempts(webhook, CLIENT)) == 3
    site.ahead = KEPT + timedelta(hours=1)
    site.deliver()
    assert site.webhooks.attempts(webhook, CLIENT) == []


def test_a_webhook_that_is_removed_meanwhile_ends_in_peace(site: Site, receiver: Receiver) -> None:
    site.add_contract("one")
    webhook, _ = site.webhook_to(receiver.url)
    site.append("one")

    def remove(post: Post) -> None:
        site.webhooks.remove(webhook, CLIENT)
        post.answer(200)

    receiver.answering = remove
    site.deliver()
    with pytest.raises(NotFound):
        site.webhook(webhook)
    with site.database.reading() as tx:
        assert tx.count("SELECT count(*) FROM webhook_attempts") == 0
