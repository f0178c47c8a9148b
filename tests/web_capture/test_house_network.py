"""Captures in a house with a proxy of its own, with authorities of its own, or with a list of hosts."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.web_capture import destinations
from appliance.web_capture.capturing import Capture, capture
from appliance.web_capture.destinations import Destinations, NotVisited
from appliance.web_capture.model import CaptureOrder, ForwardProxy, HouseNetwork, TlsTrust
from appliance.web_capture.upstream import server_trust
from tests.web_capture.conftest import QUICK, Captured, now
from tests.web_capture.house_proxy import HouseProxy
from tests.web_capture.servers import Asked, Server, answer, certificate, page

Served = Callable[..., Server]
PASSWORD = "capture:p\u00e4ssword"


def nobody(name: str) -> tuple[list[str], tuple[str, ...], str]:
    raise OSError(name)


@pytest.fixture
def proxied() -> Iterator[Callable[..., HouseProxy]]:
    made: list[HouseProxy] = []

    def start(names: dict[str, int], **more: object) -> HouseProxy:
        made.append(HouseProxy(names, **more))  # type: ignore[arg-type] # as the class says
        return made[-1]

    yield start
    for each in made:
        each.close()


def captured(
    address: str,
    proxy: HouseProxy,
    *,
    password: bytes | None = None,
    authorities: str = "",
    trust: Callable[[], ssl.SSLContext] = server_trust,
    allowed: Sequence[str] = (),
) -> Capture:
    def look(name: str) -> tuple[list[str], tuple[str, ...], str]:
        return (["127.0.0.1"], (), "192.0.2.53") if name in allowed else nobody(name)

    house = HouseNetwork(proxy=ForwardProxy("127.0.0.1", proxy.port, password), authorities=authorities)
    where = Destinations(allowed, now, look=look, loopback=True, house=house)
    return capture(CaptureOrder(address), where, clock=now, limits=QUICK, trust=trust, made_by="test")


def test_all_goes_through_the_proxy(served: Served, proxied: Callable[..., HouseProxy]) -> None:
    """Its password goes to it and nowhere else; the facts say who resolved the name."""
    server = served(
        {
            "site.example": lambda asked: page(
                "<img src=/a><img src=/b>shown" if asked.path.endswith("example/") else ""
            )
        }
    )
    proxy = proxied({"site.example": server.port}, password=PASSWORD)
    found = captured("http://site.example/", proxy, password=PASSWORD.encode())
    assert found.visit.text == "shown"
    assert found.traffic.proxy == f"127.0.0.1:{proxy.port}"
    assert not found.traffic.refused
    led = found.traffic.resolutions["site.example"]
    assert (led.address, led.answers, led.resolver) == ("", (), "")
    assert found.traffic.connected["site.example"] == (f"127.0.0.1:{proxy.port}",)
    records = Captured(found).records
    assert {address for kind, address in records if kind == "response"} == {
        f"http://site.example/{path}" for path in ("", "a", "b")
    }
    assert records["request", "http://site.example/"].startswith(b"GET http://site.example/ HTTP/1.1\r\n")
    assert all(b"proxy-authorization" not in each.lower() for each in records.values())
    assert proxy.asked[0] == "GET http://site.example/"  # others follow over the same connection


def test_tunnels_through_the_proxy(
    served: Served,
    proxied: Callable[..., HouseProxy],
    authority: tuple[Callable[..., ssl.SSLContext], Callable[[], ssl.SSLContext]],
) -> None:
    of, trust = authority
    server = served({"site.example": lambda _: page("shown")}, of("site.example"))
    proxy = proxied({"site.example": server.port}, password=PASSWORD)
    found = captured("https://site.example/", proxy, password=PASSWORD.encode(), trust=trust)
    assert found.visit.text == "shown"
    assert found.traffic.tls["site.example"].trust is TlsTrust.TRUSTED
    assert set(proxy.asked) == {"CONNECT site.example:443"}
    assert Captured(found).records["request", "https://site.example/"].startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_does_not_know_us(served: Served, proxied: Callable[..., HouseProxy], scheme: str) -> None:
    """What it says is nothing that the server said."""
    server = served({"site.example": lambda _: page("shown")})
    proxy = proxied({"site.example": server.port}, password=PASSWORD)
    found = captured(f"{scheme}://site.example/", proxy, password=b"capture:wrong")
    assert (f"{scheme}://site.example/", "proxy") in {(each.address, each.why) for each in found.traffic.refused}
    assert not [kind for kind, _ in Captured(found).records if kind == "response"]
    assert not server.seen


def test_a_proxy_that_opens_tls_is_told(
    served: Served, proxied: Callable[..., HouseProxy], tmp_path: Path
) -> None:
    """The certificate that was shown is the house's, not the server's; without the authority's file nobody's."""
    _, root, key = certificate(tmp_path, ["House authority"])
    file = tmp_path / "house.pem"
    file.write_bytes(root.public_bytes(Encoding.PEM))
    server = served({"site.example": lambda _: page("shown")}, certificate(tmp_path, ["site.example"])[0])
    proxy = proxied(
        {"site.example": server.port},
        opens=lambda host: certificate(tmp_path, [host], issuer=(root, key))[0],
    )
    found = captured("https://site.example/", proxy, authorities=str(file))
    facts = found.traffic.tls["site.example"]
    assert (found.visit.text, facts.trust, facts.why) == ("shown", TlsTrust.HOUSE, "")
    unknown = captured("https://site.example/", proxy).traffic.tls["site.example"]
    assert unknown.trust is TlsTrust.UNTRUSTED
    assert "unable to get local issuer certificate" in unknown.why


def test_a_public_certificate_is_not_the_houses(
    served: Served,
    proxied: Callable[..., HouseProxy],
    authority: tuple[Callable[..., ssl.SSLContext], Callable[[], ssl.SSLContext]],
    tmp_path: Path,
) -> None:
    of, trust = authority
    file = tmp_path / "house.pem"
    file.write_bytes(certificate(tmp_path, ["House authority"])[1].public_bytes(Encoding.PEM))
    server = served({"site.example": lambda _: page("shown")}, of("site.example"))
    proxy = proxied({"site.example": server.port})
    found = captured("https://site.example/", proxy, authorities=str(file), trust=trust)
    assert found.traffic.tls["site.example"].trust is TlsTrust.TRUSTED


def test_hosts_of_the_house_are_visited_without_the_proxy(
    served: Served, proxied: Callable[..., HouseProxy]
) -> None:
    server = served({"wiki.corp": lambda _: page("shown")})
    proxy = proxied({})
    found = captured(f"http://wiki.corp:{server.port}/", proxy, allowed=["wiki.corp"])
    assert found.visit.text == "shown"
    assert found.traffic.resolutions["wiki.corp"].address == "127.0.0.1"
    assert proxy.asked == []


def test_a_page_of_strangers_reaches_nothing_of_the_house_by_its_proxy(
    served: Served, proxied: Callable[..., HouseProxy]
) -> None:
    """The proxy could: it knows every name of the house."""
    names = ["wiki.corp", "intranet", "10.0.0.1", "2130706433", "169.254.169.254", "0x7f.1", "[::1]", "localhost"]
    body = "".join(f"<img src=http://{each}/x>" for each in names)
    server = served({"site.example": lambda _: page(body + "shown")})
    secret = served({each: lambda _: page("secret") for each in names})
    proxy = proxied({"site.example": server.port, **dict.fromkeys((*names, "::1", "127.0.0.1"), secret.port)})
    found = captured("http://site.example/", proxy)
    assert found.visit.text == "shown"
    assert secret.seen == []
    assert set(proxy.asked) == {"GET http://site.example/"}
    assert {each.why for each in found.traffic.refused} == {"forbidden"}


@pytest.mark.parametrize(
    "host",
    ["localhost", "intranet", "printer.local", "a.internal", "x.home.arpa", "10.0.0.1", "127.0.0.1", "[::1]",
     "127.1", "2130706433", "0x7f.1", "a.0x10", "a..example", "", "proxy.example", "PROXY.example.",
     "inside.example", "168.63.129.16", "fd00:ec2::254", "127.0.0.%31", "wiki%2ecorp.example", "a b.example"],
)  # fmt: skip
def test_what_is_never_asked_of_the_proxy(host: str) -> None:
    """Among them a name that this machine resolves, too, and which leads inside."""

    def look(name: str) -> tuple[list[str], tuple[str, ...], str]:
        known = {"inside.example": ["1.1.1.1", "10.0.0.9"]}
        if name.strip("[]").replace(".", "").isdigit() or ":" in name:
            return [name.strip("[]")], (), ""
        return (known[name], (), "") if name in known else nobody(name)

    house = HouseNetwork(proxy=ForwardProxy("proxy.example", 3128))
    with pytest.raises(NotVisited, match="forbidden"):
        Destinations([], now, look=look, house=house).of(host)


def test_a_slow_name_opens_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns a name can let this machine wait for it; that makes no other name one that is not looked at."""
    moment = [0.0]
    monkeypatch.setattr(destinations.time, "monotonic", lambda: moment[0])

    def look(name: str) -> tuple[list[str], tuple[str, ...], str]:
        if name == "slow.example":
            moment[0] += 10.0
            nobody(name)
        return (["10.0.0.9"], (), "") if name == "inside.example" else nobody(name)

    where = Destinations([], now, look=look, house=HouseNetwork(proxy=ForwardProxy("proxy.example", 1)))
    assert where.of("slow.example").address == ""
    with pytest.raises(NotVisited, match="forbidden"):
        where.of("inside.example")


def test_silent_resolvers_are_not_waited_for_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    moment, asked = [0.0], []
    monkeypatch.setattr(destinations.time, "monotonic", lambda: moment[0])

    def look(name: str) -> tuple[list[str], tuple[str, ...], str]:
        moment[0] += 10.0
        asked.append(name)
        return nobody(name)

    where = Destinations([], now, look=look, house=HouseNetwork(proxy=ForwardProxy("proxy.example", 1)))
    for name in ("a.example", "b.example", "c.example"):
        assert where.of(name).address == ""
    assert asked == ["a.example", "."]


def test_a_host_that_only_looks_like_one_of_the_house() -> None:
    """Browsers tell ß from ss (UTS #46): the page is a stranger's, and reaches nothing of the house."""
    where = Destinations(["strasse.example"], now, look=lambda _: (["10.0.0.9"], (), ""))
    where.begin_at("straße.example")
    with pytest.raises(NotVisited, match="of-house"):
        where.of("strasse.example")


@pytest.mark.parametrize("host", ["site.example", "1.1.1.1", "known.example", "例子.example"])
def test_what_is_asked_of_the_proxy(host: str) -> None:
    def look(name: str) -> tuple[list[str], tuple[str, ...], str]:
        return (["1.1.1.1"], ("a record",), "192.0.2.53") if name in ("known.example", "1.1.1.1") else nobody(name)

    found = Destinations([], now, look=look, house=HouseNetwork(proxy=ForwardProxy("proxy.example", 1))).of(host)
    assert (found.address, found.answers, found.resolver) == ("", (), "")


@pytest.mark.parametrize(
    ("host", "listed"),
    [
        ("court.example", True),
        ("COURT.example.", True),
        ("www.court.example", False),
        ("a.news.example", True),
        ("a.b.news.example", True),
        ("news.example", False),
        ("badnews.example", False),
        ("xn--fsqu00a.example", True),
        ("wiki.corp", True),
        ("1.1.1.1", False),
    ],
)
def test_a_list_of_hosts(host: str, listed: bool) -> None:
    house = HouseNetwork(only=("court.example", "*.News.example", "例子.example"))
    where = Destinations(["wiki.corp"], now, look=lambda _: (["1.1.1.1"], (), ""), house=house)
    if listed:
        assert where.of(host).address == "1.1.1.1"
    else:
        with pytest.raises(NotVisited, match="not-listed"):
            where.of(host)


def test_pages_of_the_house_and_of_strangers_do_not_meet(served: Served) -> None:
    """An intranet page loads a script from a public network and embeds a stranger's page, which asks the intranet
    for something, as does a redirect: that a house lets a host be embedded opens that host alone."""
    names = ("wiki.corp", "mail.corp", "cdn.example", "stranger.example")
    server = served(dict.fromkeys(names, lambda _: page("")))
    at = {name: f"http://{name}:{server.port}" for name in names}
    asks = f"<script>fetch('{at['mail.corp']}/delete',{{method:'POST',mode:'no-cors'}})</script>"
    body = f"<script src={at['cdn.example']}/lib.js></script><iframe src={at['stranger.example']}/></iframe>shown"
    script = answer(b"document.title='styled'", "text/javascript")

    def stranger(asked: Asked) -> bytes:
        away = page("", head=f"Location: {at['mail.corp']}/x\r\n", status="302 Found")
        return away if asked.path == "/away" else page(asks)

    server.sites = {
        "wiki.corp": lambda asked: page(
            body if asked.path == "/" else "",
            head=f"Location: {at['stranger.example']}\r\n",
            status="200 OK" if asked.path == "/" else "302 Found",
        ),
        "mail.corp": lambda _: page("secret"),
        "cdn.example": lambda _: script,
        "stranger.example": stranger,
    }

    def made(address: str, *embedded: str) -> Capture:
        del server.seen[:]
        house = HouseNetwork(embedded=embedded)
        where = _Near(
            ["wiki.corp", "mail.corp"], now, look=lambda _: (["127.0.0.1"], (), ""), loopback=True, house=house
        )
        return capture(CaptureOrder(address), where, clock=now, limits=QUICK, made_by="test")

    found = made(f"{at['wiki.corp']}/")
    assert (found.visit.text, found.visit.title) == ("shown", "")
    assert {each.host for each in server.seen} == {"wiki.corp"}
    refused = {(each.address, each.why) for each in found.traffic.refused}
    assert refused == {
        (f"{at['cdn.example']}/lib.js", "not-of-house"),
        (f"{at['stranger.example']}/", "not-of-house"),
    }
    assert made(f"{at['wiki.corp']}/", "cdn.example").visit.title == "styled"
    assert {each.host for each in server.seen} == {"wiki.corp", "cdn.example"}
    assert made(f"{at['wiki.corp']}/leave").visit.error == "not-of-house"
    for path in ("/", "/away"):
        outside = made(at["stranger.example"] + path)
        assert {each.host for each in server.seen} == {"stranger.example"}
        assert {each.why for each in outside.traffic.refused} == {"of-house"}


class _Near(Destinations):
    """As if public servers lay on this machine: what refuses them is the rule for names alone."""

    def _is_fit(self, name: str, address: str) -> bool:
        return True


def test_a_list_of_hosts_holds_for_what_pages_load(served: Served) -> None:
    server = served(dict.fromkeys(("site.example", "other.example"), lambda _: page("")))
    body = f"<img src=http://other.example:{server.port}/>shown"
    server.sites = {**server.sites, "site.example": lambda _: page(body)}
    house = HouseNetwork(only=("site.example",))
    where = _Near([], now, look=lambda _: (["127.0.0.1"], (), ""), loopback=True, house=house)
    found = capture(CaptureOrder(f"http://site.example:{server.port}/"), where, clock=now, made_by="test")
    assert {(each.address, each.why) for each in found.traffic.refused} == {
        (f"http://other.example:{server.port}/", "not-listed")
    }


def test_connections_are_used_again(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred small pictures, and as many connections as a browser opens at once."""
    opened: list[object] = []
    serve = Server._serve

    def counted(server: Server, line: socket.socket) -> None:
        opened.append(line)
        serve(server, line)

    monkeypatch.setattr(Server, "_serve", counted)
    body = "".join(f"<img src=/{number}>" for number in range(200))
    server = served({"site.example": lambda asked: page(body if asked.path == "/" else "")})
    where = Destinations(["site.example"], now, look=lambda _: (["127.0.0.1"], (), ""), loopback=True)
    found = capture(CaptureOrder(f"http://site.example:{server.port}/"), where, clock=now, made_by="test")
    assert found.traffic.requests >= 201
    assert not found.traffic.refused
    assert len(opened) <= 20
