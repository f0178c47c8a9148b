"""The outbox: each message once, nothing lost, and what cannot be known is shown as unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance.accounts.tickets import LinkTokens
from appliance.config import MailSettings, Security
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.notices.channel import Envelope
from appliance.notices.delivery import OutboxDelivery
from appliance.notices.mail import MailClient
from appliance.notices.messages import MailMessage, PortalAddresses, Postponed
from appliance.store import contracts, outbox
from appliance.store.database import Database, Transaction
from tests.appliance.contracts.samples import NOON, contract
from tests.appliance.notices.smtp import Post, post_office
from tests.appliance.store.seeds import seeded

LINKS = LinkTokens(b"k" * 32)
NOTICE = Notice("contract-1", "person-1", NoticeKind.YOUR_TURN, NOON)


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


class NoReminders:
    """For outboxes without any."""

    def compose_mail(
        self, _tx: Transaction, _message: outbox.OutboxMessage, _now: datetime
    ) -> MailMessage | Postponed | None:
        raise AssertionError

    def free_from(self, _tx: Transaction, _person: Person, _now: datetime) -> datetime:
        raise AssertionError


@pytest.fixture
def post() -> Iterator[Post]:
    with post_office() as running:
        yield running


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = seeded(tmp_path / "vermilion.db")
    with opened.transaction() as tx:
        outbox.enqueue(tx, NOTICE)
    yield opened
    opened.close()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def delivery(database: Database, post: Post, time: Time) -> OutboxDelivery:
    mail = MailClient(MailSettings(host="127.0.0.1", port=post.port, security=Security.NONE), None)
    addresses = PortalAddresses("http://localhost:8080", LINKS)
    return OutboxDelivery(
        database, mail, NoReminders(), addresses=addresses, issuer="甲公司示例有限公司", now=time
    )


def counts(database: Database) -> dict[str, int]:
    with database.reading() as tx:
        return outbox.counts(tx)


def test_a_notice_is_sent_once(database: Database, delivery: OutboxDelivery, post: Post) -> None:
    with database.transaction() as tx:
        outbox.enqueue(tx, NOTICE)
    assert (delivery.deliver_due(), delivery.deliver_due()) == (1, 0)
    assert [message["Message-ID"] for message in post.messages] == [NOTICE.message_id]
    assert counts(database) == {"sent": 1}


def test_a_server_that_is_down_is_tried_again_later(
    database: Database, delivery: OutboxDelivery, post: Post, time: Time
) -> None:
    post.to_recipient = "451 not now"
    assert delivery.deliver_due() == 0
    assert counts(database) == {"queued": 1}
    post.to_recipient = "250 ok"
    assert delivery.deliver_due() == 0  # not yet
    time.at += timedelta(minutes=1)
    assert delivery.deliver_due() == 1


def test_a_final_no_is_shown_and_can_be_sent_again_by_hand(
    database: Database, delivery: OutboxDelivery, post: Post, time: Time
) -> None:
    post.to_text = "554 not wanted"
    assert delivery.deliver_due() == 0
    assert counts(database) == {"refused": 1}
    post.to_text = "250 taken"
    with database.transaction() as tx:
        assert outbox.resend(tx, 1, time())
    assert delivery.deliver_due() == 1


def test_no_answer_is_unknown_and_not_sent_again_by_itself(
    database: Database, delivery: OutboxDelivery, post: Post
) -> None:
    post.hang_up = True
    assert (delivery.deliver_due(), delivery.deliver_due()) == (0, 0)
    assert counts(database) == {"unknown": 1}


def test_what_a_killed_sender_had_in_hand_is_unknown(
    database: Database, delivery: OutboxDelivery, post: Post
) -> None:
    with database.transaction() as tx:
        assert outbox.take(tx, 1, NOON) is not None
    assert delivery.recover_interrupted() == 1
    assert (delivery.deliver_due(), counts(database), post.messages) == (0, {"unknown": 1}, [])


def test_a_server_that_is_away_holds_everything_and_no_message_is_the_worse_for_it(
    database: Database, delivery: OutboxDelivery, post: Post, time: Time
) -> None:
    port, away = post.port, MailSettings(host="127.0.0.1", port=1, security=Security.NONE)
    delivery._channel = MailClient(away, None)
    for _ in range(20):
        assert delivery.deliver_due() == 0
        time.at += timedelta(hours=1)
    delivery._channel = MailClient(MailSettings(host="127.0.0.1", port=port, security=Security.NONE), None)
    time.at += timedelta(minutes=5)
    post.to_recipient = "451 not now"
    assert delivery.deliver_due() == 0
    post.to_recipient = "250 ok"
    time.at += timedelta(minutes=1)
    assert (delivery.deliver_due(), counts(database)) == (1, {"sent": 1})


def test_messages_of_one_hold_up_nobody_elses(
    database: Database, delivery: OutboxDelivery, post: Post, time: Time
) -> None:
    """Person 9 sends much, person 1 something a little later; then somebody waits for a link."""
    other = replace(contract(), id="contract-2", initiator="person-1", parties=())
    many = [replace(NOTICE, recipient="person-2", about=str(number)) for number in range(40)]
    single = Notice(other.id, "person-2", NoticeKind.YOUR_TURN, NOON + timedelta(seconds=1))
    own = Notice(None, "person-2", NoticeKind.ENROLLED, NOON + timedelta(seconds=2), "request")
    with database.transaction() as tx:
        contracts.insert_contract(tx, other)
        for notice in (*many, single, own):
            outbox.enqueue(tx, notice)
    time.at += timedelta(seconds=5)
    assert delivery.deliver_due(most=5) == 5
    first = [message["Message-ID"] for message in post.messages]
    assert first == [each.message_id for each in (NOTICE, single, own, many[0], many[1])]
    urgent = Notice(None, "person-9", NoticeKind.RECOVERY, time(), "00" * 16)
    with database.transaction() as tx:
        outbox.enqueue(tx, urgent)
    assert delivery.deliver_due(most=1) == 1
    assert post.messages[-1]["Message-ID"] == urgent.message_id
    assert (delivery.deliver_due(), counts(database)) == (38, {"sent": 44})


def test_what_is_withdrawn_before_its_turn_is_left_out(
    database: Database, delivery: OutboxDelivery, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = delivery._channel.send_message
    with database.transaction() as tx:
        outbox.enqueue(tx, replace(NOTICE, recipient="person-2"))

    def send_and_withdraw(envelope: Envelope, words: MailMessage) -> None:
        send(envelope, words)
        database.commit(outbox.withdraw, "person-2", NOON)

    monkeypatch.setattr(delivery._channel, "send_message", send_and_withdraw)
    assert (delivery.deliver_due(), counts(database)) == (1, {"sent": 1, "withdrawn": 1})
    assert len(post.messages) == 1


def test_the_wait_grows_to_six_hours() -> None:
    waits = [outbox.retry_after(attempt) for attempt in range(1, 12)]
    assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert waits[-1] == timedelta(hours=6)
