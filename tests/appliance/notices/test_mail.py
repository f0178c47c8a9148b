"""Mail over a real connection: taken, refused, put off, or unknown."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.config import MailSettings, Security
from appliance.language import Language
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.notices.channel import DeliveryRefused, DeliveryUnavailable, DeliveryUnknown, Envelope
from appliance.notices.mail import MailClient
from appliance.notices.messages import MessageContext, compose_message
from tests.appliance.notices.smtp import Post, post_office

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
ZHANG = Person(
    "person-zhang", "张示例", "甲公司示例有限公司", "zhang@example.com", Language.CHINESE, "Asia/Shanghai"
)
NOTICE = Notice("contract-1", ZHANG.subject, NoticeKind.YOUR_TURN, NOON)
ENVELOPE = Envelope(ZHANG.email, ZHANG.name, NOTICE.message_id, NOON)
MATTER = MessageContext(
    "http://localhost:8080/contracts/contract-1/sign", "甲公司示例有限公司", "设备采购合同", NOON
)
LETTER = compose_message(ZHANG, NOTICE.kind, MATTER)


@pytest.fixture
def post() -> Iterator[Post]:
    with post_office() as running:
        yield running


def mail(port: int) -> MailClient:
    return MailClient(
        MailSettings(host="127.0.0.1", port=port, security=Security.NONE, sender="a@example.com"), None
    )


def test_a_mail_arrives_in_chinese_under_its_own_id(post: Post) -> None:
    mail(post.port).send_message(ENVELOPE, LETTER)
    (arrived,) = post.messages
    assert arrived["Message-ID"] == NOTICE.message_id
    assert arrived["Subject"] == "“设备采购合同”等待您签署"
    assert arrived["To"].addresses[0].display_name == "张示例"
    plain, html = (arrived.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    for part in (plain, html):
        assert "2026-11-25 12:00 UTC+08:00（Asia/Shanghai）" in part.get_content()
        assert "http://localhost:8080/contracts/contract-1/sign" in part.get_content()


def test_the_same_notice_has_the_same_id_and_another_has_another() -> None:
    again = Notice("contract-1", ZHANG.subject, NoticeKind.YOUR_TURN, NOON)
    other = Notice("contract-1", ZHANG.subject, NoticeKind.COMPLETED, NOON)
    assert again.message_id == NOTICE.message_id != other.message_id


def test_a_final_no_is_refused(post: Post) -> None:
    post.to_recipient = "550 no such mailbox"
    with pytest.raises(DeliveryRefused, match="no such mailbox"):
        mail(post.port).send_message(ENVELOPE, LETTER)


@pytest.mark.parametrize("answer", ["to_recipient", "to_text"])
def test_a_temporary_no_can_be_tried_again(post: Post, answer: str) -> None:
    setattr(post, answer, "451 come back later")
    with pytest.raises(DeliveryUnavailable, match="come back later"):
        mail(post.port).send_message(ENVELOPE, LETTER)


def test_no_server_can_be_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(DeliveryUnavailable):
            mail(taken.getsockname()[1]).send_message(ENVELOPE, LETTER)


def test_no_answer_to_the_text_is_unknown(post: Post) -> None:
    post.hang_up = True
    with pytest.raises(DeliveryUnknown):
        mail(post.port).send_message(ENVELOPE, LETTER)
    assert post.messages == []


def test_without_encryption_nothing_is_sent_where_it_is_demanded(post: Post) -> None:
    demanding = MailClient(MailSettings(host="127.0.0.1", port=post.port), None)
    with pytest.raises(DeliveryUnavailable, match="STARTTLS"):
        demanding.send_message(ENVELOPE, LETTER)
    assert post.messages == []


@pytest.mark.parametrize(
    "address", ["", "zhang", "zhang@", "a b@example.com", "zhang@example.com\nBcc: all", "张@example.com"]
)
def test_what_is_no_address_is_refused_and_stops_nothing_else(post: Post, address: str) -> None:
    with pytest.raises(DeliveryRefused):
        mail(post.port).send_message(replace(ENVELOPE, recipient=address), LETTER)
    assert post.messages == []
