"""Where webhooks may go: by the allow-list, never to the machine, and not by a name that changes its mind."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.config import parse
from appliance.egress import Egress, EgressFailed, ExchangeLimits
from appliance.errors import ConfigurationError, PreconditionRefused
from appliance.events import WebhookTargets
from appliance.events.targets import AllowedTarget
from appliance.home import Home
from appliance.network_addresses import is_own_address
from tests.events.receiver import Receiver

LIMITS = ExchangeLimits(60.0, 0, frozenset(range(200, 300)))


def targets(*allowed: str, development: bool = False) -> WebhookTargets:
    return WebhookTargets(allowed, development=development)


@pytest.mark.parametrize(
    "url",
    [
        *("https://erp.example/hook", "https://erp.example:443/hook?x=1", "https://ERP.example/"),
        *("https://erp.example:8443/hook", "https://[2001:db8::1]:8443/"),
    ],
)
def test_the_list_names_hosts_and_ports(url: str) -> None:
    targets("erp.example", "erp.example:8443", "[2001:db8::1]:8443").require_allowed(url)


@pytest.mark.parametrize(
    "url",
    [
        *("https://erp.example:8444/", "https://sub.erp.example/", "https://erp.example.evil.example/"),
        *("https://erp.example@evil.example/", "https://user@erp.example/", "http://erp.example/"),
        *(
            "ftp://erp.example/",
            "https:///hook",
            "erp.example/hook",
            "https://erp.example:0/",
            "https://erp.example:x/",
        ),
        *("https://erp.example/#part", "https://erp.example\\@evil.example/", "https://erp.example /", ""),
        *("https://erp.example/\r\nHost: evil.example", "https://erp.example/" + "x" * 500, "https://[::1/"),
        *("https://erp。example/", "https://erp.example./"),
    ],
)
def test_whatever_else_is_refused(url: str) -> None:
    with pytest.raises(PreconditionRefused):
        targets("erp.example", development=True).require_allowed(url)


def test_without_tls_only_the_loopback_interface_in_development() -> None:
    listed = ("127.0.0.1:9000", "localhost:9000", "[::1]:9000", "erp.example:80", "192.0.2.1:80")
    for url in ("http://127.0.0.1:9000/", "http://localhost:9000/", "http://[::1]:9000/"):
        targets(*listed, development=True).require_allowed(url)
        with pytest.raises(PreconditionRefused):
            targets(*listed).require_allowed(url)
    for url in ("http://erp.example/", "http://192.0.2.1/"):
        with pytest.raises(PreconditionRefused):
            targets(*listed, development=True).require_allowed(url)


FORBIDDEN = (
    *("127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.169.254", "fe80::1", "224.0.0.1"),  # noqa: S104
    *("ff02::1", "255.255.255.255", "240.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1"),
    *("2002:7f00:1::", "fe80::1%lo", "2002:a00:1::1", "64:ff9b::a00:1", "64:ff9b::c0a8:101", "2002:6440:1::"),
    *("2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "64:ff9b:1::808:808", "64:ff9b:1:ffff::1", "::808:808"),
)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_no_name_leads_to_the_machine_or_its_link(address: str) -> None:
    tricky = WebhookTargets(["erp.example"], development=True, resolve=lambda _host, _port: [address])
    with pytest.raises(EgressFailed) as refused:
        tricky.connect(("erp.example", 443), 60.0)
    assert refused.value.cause == "forbidden"


def test_one_wrong_address_among_good_ones_is_enough() -> None:
    tricky = WebhookTargets(["erp.example"], development=False, resolve=lambda _h, _p: ["192.0.2.1", "127.0.0.1"])
    with pytest.raises(EgressFailed) as refused:
        tricky.connect(("erp.example", 443), 60.0)
    assert refused.value.cause == "forbidden"


@pytest.mark.parametrize(("mine", "found"), [("192.0.2.7", "192.0.2.7"), ("8.8.8.8", "64:ff9b::808:808")])
def test_the_appliances_own_addresses_are_refused(mine: str, found: str) -> None:
    assert is_own_address("127.0.0.1")
    assert not is_own_address("192.0.2.1")
    own = WebhookTargets(["erp.example"], development=False, resolve=lambda _h, _p: [found], is_own=mine.__eq__)
    with pytest.raises(EgressFailed) as refused:
        own.connect(("erp.example", 443), 60.0)
    assert refused.value.cause == "forbidden"


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "fd00::1", "100.64.0.1", "203.0.113.1", "::ffff:10.1.2.3"),
        *("64:ff9b::808:808", "2002:808:808::1", "2001:db8::1", "2001:1::1"),
    ],
)
def test_private_addresses_are_receivers_like_others(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def connect(place: tuple[str, int], _seconds: float) -> socket.socket:
        asked.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    inside = WebhookTargets(["erp.example"], development=False, resolve=lambda _h, _p: [address])
    with pytest.raises(ConnectionRefusedError):
        inside.connect(("erp.example", 443), 60.0)
    assert asked == [(address, 443)]


def test_the_list_may_name_the_very_address(receiver: Receiver) -> None:
    listed = targets(f"127.0.0.1:{receiver.port}", development=True)
    assert Egress(LIMITS, connect=listed.connect).post(receiver.url, b"{}", {}).status == 204
    for name in ("localhost", f"localhost:{receiver.port}", "127.0.0.1:1"):
        by_name = WebhookTargets([name], development=True, resolve=lambda _h, _p: ["127.0.0.1"])
        with pytest.raises(EgressFailed):
            Egress(LIMITS, connect=by_name.connect).post(f"http://localhost:{receiver.port}/", b"{}", {})


def test_a_name_that_changes_its_mind_is_asked_once(receiver: Receiver) -> None:
    """The first answer is checked and connected to; a second one is never asked for."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    listed = [f"erp.example:{receiver.port}", f"127.0.0.1:{receiver.port}"]
    rebinding = WebhookTargets(listed, development=True, resolve=resolve)
    url = f"http://erp.example:{receiver.port}/hook"
    assert Egress(LIMITS, connect=rebinding.connect).post(url, b"{}", {}).status == 204
    assert receiver.arrived[0].headers["host"] == f"erp.example:{receiver.port}"
    with pytest.raises(EgressFailed) as refused:
        Egress(LIMITS, connect=rebinding.connect).post(url, b"{}", {})
    assert refused.value.cause == "forbidden" and len(receiver.arrived) == 1


def test_a_name_without_an_address_is_unreachable() -> None:
    nobody = WebhookTargets(["erp.example"], development=False, resolve=lambda _h, _p: [])
    with pytest.raises(EgressFailed) as failed:
        Egress(LIMITS, connect=nobody.connect).post("https://erp.example/", b"{}", {})
    assert failed.value.cause == "unreachable"


@pytest.mark.parametrize(
    "line", ["", "erp.example:0", "erp.example:99999", "https://erp.example", "*.example", "ERP.example"]
)
def test_the_setting_takes_hosts_alone(line: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(ConfigurationError):
        parse({"webhooks": {"targets": [line]}}, home, tmp_path)


@pytest.mark.parametrize("line", ["erp.example", "erp.example:8443", "192.0.2.1", "[2001:db8::1]:8443"])
def test_what_the_setting_takes_can_be_used(line: str, tmp_path: Path) -> None:
    [kept] = parse({"webhooks": {"targets": [line]}}, Home(tmp_path), tmp_path).webhooks.targets
    assert AllowedTarget.parse(kept).port in (443, 8443)
