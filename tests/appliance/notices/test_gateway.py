"""The message gateway, over real HTTP: what it gets, what its answers mean, and what it is not told."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.config import GatewaySettings, Settings, parse
from appliance.contact_details import masked_number, mobile_number
from appliance.errors import ConfigurationError
from appliance.home import Home
from appliance.language import Language
from appliance.notices.channel import (
    Channel,
    DeliveryRefused,
    DeliveryUnavailable,
    DeliveryUnknown,
    DeliveryUnreachable,
    Envelope,
)
from appliance.notices.gateway import GatewayClient
from appliance.notices.messages import TextMessage
from tests.message_gateway import Gateway, message_gateway
from tests.ports import free_port

KEY = b"whsec_" + base64.b64encode(bytes(range(32)))
TO = Envelope("+8613800000000", "", f"<{'0' * 40}@notices.vermilion>", datetime(2026, 11, 1, tzinfo=UTC))
VALUES = {"code": "12345678", "organisation": "甲公司示例有限公司", "host": "sign.example"}
TEXT = TextMessage("guest-code", Language.CHINESE, "验证码 12345678，请勿告知他人。", VALUES)


def now() -> datetime:
    return datetime.now(UTC)


def client_of(url: str, home: Path, *, key: bytes = KEY, seconds: int = 10) -> Channel[TextMessage]:
    settings = replace(Settings(Home(home)), gateway=GatewaySettings(url=url, seconds=seconds))
    return GatewayClient(settings, key, now)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with message_gateway(KEY) as running:
        yield running


@pytest.fixture
def client(gateway: Gateway, tmp_path: Path) -> Channel[TextMessage]:
    return client_of(gateway.url, tmp_path)


def test_a_message_is_signed_and_says_no_more_than_it_has_to(
    client: Channel[TextMessage], gateway: Gateway
) -> None:
    assert client.send_message(TO, TEXT) == "202"
    assert gateway.messages == [
        {
            "id": f"msg_{'0' * 40}",
            "kind": "guest-code",
            "to": "+8613800000000",
            "language": "zh",
            "text": TEXT.text,
            "values": VALUES,
        }
    ]
    assert "." not in gateway.messages[0]["id"], "Standard Webhooks: the id has no full stop"


def test_one_that_comes_twice_was_taken_before(client: Channel[TextMessage], gateway: Gateway) -> None:
    client.send_message(TO, TEXT)
    assert client.send_message(TO, TEXT) == "409"
    assert len(gateway.messages) == 1 and client.is_idempotent


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, None),
        (204, None),
        (301, DeliveryUnreachable),
        (400, DeliveryRefused),
        (401, DeliveryUnreachable),
        (403, DeliveryUnreachable),
        (404, DeliveryRefused),
        (408, DeliveryUnavailable),
        (409, None),
        (422, DeliveryRefused),
        (429, DeliveryUnreachable),
        (500, DeliveryUnknown),
        (503, DeliveryUnknown),
    ],
)
def test_each_status_has_one_meaning(
    client: Channel[TextMessage], gateway: Gateway, status: int, meaning: type[Exception] | None
) -> None:
    gateway.status, gateway.reason = status, "号码停机"
    if meaning is None:
        assert client.send_message(TO, TEXT) == str(status)
        return
    with pytest.raises(meaning, match=f"^{status} 号码停机$") as failed:
        client.send_message(TO, TEXT)
    assert type(failed.value) is meaning


def test_what_the_gateway_says_is_kept_without_the_code(client: Channel[TextMessage], gateway: Gateway) -> None:
    gateway.status, gateway.reason = 422, f"cannot send: {TEXT.text}"
    with pytest.raises(DeliveryRefused, match=r"^422$"):
        client.send_message(TO, TEXT)
    assert "12345678" not in repr(TEXT)


def test_a_gateway_with_another_key_takes_nothing(gateway: Gateway, tmp_path: Path) -> None:
    other = client_of(gateway.url, tmp_path, key=b"another key")
    with pytest.raises(DeliveryUnreachable, match="401 the signature is not right"):
        other.send_message(TO, TEXT)
    with pytest.raises(DeliveryUnreachable, match="401"):
        other.greet()
    assert gateway.messages == []


def test_no_answer_may_mean_that_it_was_taken(gateway: Gateway, tmp_path: Path) -> None:
    client = client_of(gateway.url, tmp_path, seconds=1)
    gateway.hang_up = True
    with pytest.raises(DeliveryUnknown):
        client.send_message(TO, TEXT)
    gateway.hang_up = False
    gateway.holds.clear()
    with pytest.raises(DeliveryUnknown, match=r"within 1\.0 s"):
        client.send_message(TO, TEXT)
    gateway.holds.set()
    assert client.send_message(TO, TEXT) == "409", "it was"
    assert len(gateway.messages) == 1


def test_a_gateway_that_is_away_has_taken_nothing(tmp_path: Path) -> None:
    client = client_of(f"http://127.0.0.1:{free_port()}/messages", tmp_path)
    with pytest.raises(DeliveryUnreachable):
        client.send_message(TO, TEXT)
    with pytest.raises(DeliveryUnreachable):
        client.greet()


def test_asking_whether_it_works_sends_nothing(client: Channel[TextMessage], gateway: Gateway) -> None:
    client.greet()
    assert (gateway.checks, gateway.messages) == (1, [])
    gateway.status = 500
    with pytest.raises(DeliveryUnreachable, match="500"):
        client.greet()


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://gateway.enterprise.example/messages", True),
        ("http://127.0.0.1:8099/messages", True),
        ("http://localhost:8099/messages", True),
        ("http://gateway.enterprise.example/messages", False),
        ("https://user:secret@gateway.enterprise.example/", False),
        ("http://[gateway", False),
        ("gateway.enterprise.example", False),
    ],
)
def test_codes_leave_this_machine_by_tls_alone(tmp_path: Path, url: str, taken: bool) -> None:
    home = Home(tmp_path)
    if taken:
        assert parse({"gateway": {"url": url}}, home, home.settings).gateway.configured
    else:
        with pytest.raises(ConfigurationError, match=r"gateway\.url"):
            parse({"gateway": {"url": url}}, home, home.settings)
    assert not parse({}, home, home.settings).gateway.configured


@pytest.mark.parametrize(
    ("telephone", "mobile"),
    [
        ("138 0000 0000", "+8613800000000"),
        ("+86 138 0000 0000", "+8613800000000"),
        ("86-138-0000-0000", "+8613800000000"),
        ("0086 19900000000", "+8619900000000"),
        ("+852 5555 0100", "+85255550100"),
        ("+1 (202) 555-0100", "+12025550100"),
        ("+44 7700 900123", "+447700900123"),
        ("+86 10 5555 0100", None),
        ("+86 0138 0000 0000", None),
        ("+86 120 0000 0000", None),
        ("010-5555 0100", None),
        ("5555 0100", None),
        ("12000000000", None),
        ("+0 138 0000 0000", None),
        ("95555", None),
    ],
)
def test_numbers_that_take_text_messages(telephone: str, mobile: str | None) -> None:
    assert mobile_number(telephone) == mobile


def test_a_number_is_shown_to_its_owner_alone() -> None:
    assert masked_number("+8613800000000") == "+86 138 **** 0000"
    assert masked_number("+447700900123") == "+44 **** 23"
