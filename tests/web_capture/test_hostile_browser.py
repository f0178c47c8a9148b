"""What a browser could do that a page has taken over, and servers that speak HTTP badly: to the proxy's own code,
octet by octet, where no honest browser would send them."""

from __future__ import annotations

import gc
import io
import json
import os
import platform
import resource
import socket
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext, suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from appliance.web_capture import capturing, devtools, enclosure, recording_proxy
from appliance.web_capture.destinations import Destinations, NotVisited
from appliance.web_capture.devtools import BrowserGone, DevTools
from appliance.web_capture.interception import Interception
from appliance.web_capture.messages import Malformed, ServerResponse, read_request, read_response
from appliance.web_capture.model import CaptureFailed, CaptureLimits, CaptureOrder, HouseNetwork, Traffic
from appliance.web_capture.recording_proxy import Recorder, RecordingProxy
from appliance.web_capture.upstream import Connecting, server_trust
from appliance.web_capture.warc import RecordType, WarcFile
from tests.web_capture.conftest import now
from tests.web_capture.servers import Server, page

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Proxied = tuple[RecordingProxy, socket.socket, WarcFile, Traffic]


def _asked(octets: bytes) -> object:
    browser, line = socket.socketpair()
    with browser, line:
        browser.sendall(octets)
        browser.shutdown(socket.SHUT_WR)
        return read_request(line, largest=1_000_000)


def _answered(blocks: Sequence[bytes], method: str = "GET") -> tuple[ServerResponse, bytes]:
    """The response to *blocks*, which come one by one, and what the browser was given."""
    given: list[bytes] = []
    server, line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def send() -> None:
        with suppress(OSError):  # whom it is sent to may have had enough
            for each in blocks:
                server.sendall(each)
            server.shutdown(socket.SHUT_WR)

    with server, line:
        sending = threading.Thread(target=send)
        sending.start()
        try:
            return read_response(line, method, given.append, lambda _: True), b"".join(given)
        finally:
            line.close()
            sending.join()


@pytest.mark.parametrize(
    "octets",
    [
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nabGET /x HTTP/1.1\r\n\r\n",
        b"GET http://x/ HTTP/0.9\r\nHost: x\r\n\r\n",
        b"CONNECT x:25 HTTP/1.1\r\nHost: x\r\n\r\nEHLO",
        b"POST /a HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /a HTTP/1.1\nHost: x\n\n",
    ],
)
def test_a_request_with_another_behind_it_is_none(octets: bytes) -> None:
    with pytest.raises(Malformed):
        _asked(octets)


@pytest.mark.parametrize("more", [_OK, b"JUNK", b"\r\n\r\n", b"HTTP/1.1 200", b"HTTP/1.1 100 C\r\n\r\n"])
@pytest.mark.parametrize(
    "whole", [_OK, _CHUNKED + b"2\r\nab\r\n0\r\n\r\n", _CHUNKED + b"2\r\nab\r\n0\r\nX: y\r\n\r\n"]
)
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_what_follows_a_response_is_no_part_of_it(whole: bytes, more: bytes, parts: int) -> None:
    """It is neither recorded nor shown, told, and nothing else is asked over that connection."""
    sent = whole + more
    cuts = {1: [], 2: [20], 3: [len(whole) - 1]}[parts]
    blocks = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    response, given = _answered(blocks)
    assert (response.raw, given) == (whole, whole)
    assert (response.excess, response.reusable, response.why) == (True, False, "")


def test_a_whole_response_is_taken_as_it_is() -> None:
    for whole in (_OK, _CHUNKED + b"2\r\nab\r\n0\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"):
        response, given = _answered([b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + whole])
        assert (response.raw, given, response.excess, response.why) == (whole, whole, False, "")


def test_a_head_alone_has_no_body() -> None:
    response, given = _answered([_OK], "HEAD")
    assert response.raw == given == _OK[:-2]
    assert not response.reusable


@pytest.mark.parametrize("broken", [b"zz\r\n", b"2\r\nabcd"])
def test_what_the_browser_was_given_is_recorded(broken: bytes) -> None:
    """A server breaks off by malformed octets after the page was shown: the page is in the record."""
    response, given = _answered([_CHUNKED + b"4\r\npage\r\n", broken])
    assert b"page" in given
    assert response.raw.startswith(given)
    assert (response.why, response.reusable) == ("unspecified", False)


@pytest.mark.parametrize(
    "blocks", [[b"HTTP/1.1 200 OK\r\nX", b": \0\r\n\r\n"], [b"SSH-2.0\r\n"], [b"HTTP/1.1 200 OK\n\n"]]
)
def test_a_malformed_head_is_never_shown(blocks: list[bytes]) -> None:
    given: list[bytes] = []
    server, line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with server, line:
        for each in blocks:
            server.sendall(each)
        with pytest.raises(Malformed):
            read_response(line, "GET", given.append, lambda _: True)
    assert given in ([], [b""])


def test_a_flood_of_interim_responses() -> None:
    """Each block ends where one ends, so that no head seems too large."""
    flood = [b"HTTP/1.1 100 \r\n\r\n" * 2048] * 200
    with pytest.raises(Malformed):
        _answered([*flood, _OK])


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Proxied]:
    """A proxy that visits site.example on this machine; its listener, its record."""
    where = Destinations(["site.example"], now, look=lambda _: (["127.0.0.1"], (), ""), loopback=True)
    traffic, warc = Traffic(), WarcFile(io.BytesIO())
    connecting = Connecting(where, traffic, server_trust)
    recorder = Recorder(warc, traffic, connecting, Interception(now()), CaptureLimits(), now)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = RecordingProxy(listener, recorder)
        yield proxy, listener, warc, traffic
        proxy.close()


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("GET http://site.example:{port}/ HTTP/1.1\r\nHost: inside.example\r\n\r\n", "other-host"),
        ("GET http://site.example:{port}/ HTTP/1.1\r\nHost: site.example:{port}\r\nHost: x\r\n\r\n", "other-host"),
        ("GET http://site.example:{port}/ HTTP/1.1\r\n\r\n", "other-host"),
        ("GET http://site.example:22/ HTTP/1.1\r\nHost: site.example:22\r\n\r\n", "forbidden"),
        ("GET http://u@site.example:{port}/ HTTP/1.1\r\nHost: site.example:{port}\r\n\r\n", ""),
        ("CONNECT site.example:{port} HTTP/1.1\r\n\r\n|GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", ""),
        ("CONNECT site.example:{port} HTTP/1.1\r\n\r\n|GET /x HTTP/1.1\r\nHost: x\r\n\r\n", "other-host"),
        ("CONNECT site.example:{port} HTTP/1.1\r\n\r\n|CONNECT site.example:{port} HTTP/1.1\r\n\r\n", ""),
    ],
)
def test_the_recorded_address_is_what_was_asked_for(
    served: Callable[..., Server], proxied: Proxied, asked: str, why: str
) -> None:
    """Another Host, a whole address within a tunnel, a tunnel within it, a port of another protocol."""
    server = served({each: lambda _: page("secret") for each in ("site.example", "inside.example", "x")})
    proxy, listener, warc, traffic = proxied
    with socket.create_connection(listener.getsockname()) as line:
        line.settimeout(5)
        for part in asked.format(port=server.port).split("|"):
            line.sendall(part.encode())
            got = line.recv(1000)
    proxy.close()
    assert b"secret" not in got
    assert (server.seen, warc.entries) == ([], [])
    assert [each.why for each in traffic.refused] == ([why] if why else [])


@pytest.mark.parametrize("target", ["/a?", "/a;b?c=%00", "?d", "", "//e//f", "/g?http://x/"])
def test_the_server_is_asked_for_what_is_recorded(
    served: Callable[..., Server], proxied: Proxied, target: str
) -> None:
    server = served({"site.example": lambda _: page("x")})
    proxy, listener, warc, _ = proxied
    whole = f"http://site.example:{server.port}{target}"
    with socket.create_connection(listener.getsockname()) as line:
        line.settimeout(5)
        line.sendall(f"GET {whole} HTTP/1.1\r\nHost: site.example:{server.port}\r\n\r\n".encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 200")
    proxy.close()
    assert [each.path for each in server.seen] == [target if target.startswith("/") else f"/{target}"]
    assert [each.address for each in warc.entries] == [whole]


def test_what_a_page_sends_has_a_limit(served: Callable[..., Server]) -> None:
    """It is in the record as well, and the record is in memory."""
    server = served({"site.example": lambda _: page("x")})
    where = Destinations(["site.example"], now, look=lambda _: (["127.0.0.1"], (), ""), loopback=True)
    traffic, warc, limits = Traffic(), WarcFile(io.BytesIO()), CaptureLimits(bytes=100_000)
    connecting = Connecting(where, traffic, server_trust)
    recorder = Recorder(warc, traffic, connecting, Interception(now()), limits, now)
    sent = f"POST http://site.example:{server.port}/ HTTP/1.1\r\nHost: site.example:{server.port}\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = RecordingProxy(listener, recorder)
        answers = []
        for _ in range(4):
            with socket.create_connection(listener.getsockname()) as line:
                line.settimeout(5)
                line.sendall(f"{sent}Content-Length: 40000\r\n\r\n".encode() + b"x" * 40_000)
                answers.append(line.recv(1000)[:12])
        proxy.close()
    assert answers == [b"HTTP/1.1 200"] * 2 + [b"HTTP/1.1 502"] * 2
    assert {each.why for each in traffic.refused} == {"too-many"}


def test_a_machine_without_descriptors_is_no_fault_of_the_site(
    served: Callable[..., Server], proxied: Proxied
) -> None:
    """What cannot be opened then is told as such, and visited once there is room again."""
    _, listener, _, traffic = proxied
    server = served({"site.example": lambda _: page("here")})
    asked = f"GET http://site.example:{server.port}/ HTTP/1.1\r\nHost: site.example:{server.port}\r\n\r\n"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as held:
        lines = [held.enter_context(socket.create_connection(listener.getsockname())) for _ in range(2)]
        lines[1].sendall(asked.encode())
        assert lines[1].recv(1000).startswith(b"HTTP/1.1 200")  # so both are accepted
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        last = max(int(each.name) for each in Path("/proc/self/fd").iterdir())
        resource.setrlimit(resource.RLIMIT_NOFILE, (last + 1, hard))
        with suppress(OSError):
            while True:
                held.enter_context(open(os.devnull))  # noqa: PTH123 - as many as there may be
        lines[0].sendall(asked.encode())
        assert lines[0].recv(1000).startswith(b"HTTP/1.1 502")
    assert [each.why for each in traffic.refused] == ["no-room"]
    with socket.create_connection(listener.getsockname()) as line:
        line.sendall(asked.encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 200")


def test_no_more_connections_than_there_are_descriptors_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_proxy.resource, "getrlimit", lambda _: (100, 100))
    assert recording_proxy._room() == 12


def test_contexts_of_any_number_of_hosts() -> None:
    interception = Interception(now())
    made = [weakref.ref(interception.context_for(f"{number}.example")) for number in range(300)]
    gc.collect()
    assert sum(each() is not None for each in made) <= 256
    assert interception.context_for("299.example") is made[-1]()


_PROBE = """
import json, os, resource, socket, sys
told = {}
def tried(name, what):
    try: told[name] = what()
    except Exception as error: told[name] = type(error).__name__
def writable(place, flags=0):  # opened and no more: where the walls have a hole, this is the machine's own
    os.close(os.open(place, os.O_WRONLY | flags, 0o600))
    return 1
def grown(place):
    there = os.open(place, os.O_WRONLY | os.O_APPEND)
    for _ in range(200): os.write(there, b"x" * 65536)
    return os.fstat(there).st_size
def connected(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as line:
        line.settimeout(2)
        return line.connect(address)
import ctypes
kernel = ctypes.CDLL(None, use_errno=True).syscall
tried("/proc/sys/kernel/core_pattern", lambda: writable("/proc/sys/kernel/core_pattern"))
for place in ("/dev/x", "/x", "/etc/x", "/tmp/x", "/home/capture/x"):
    tried(place, lambda: writable(place, os.O_CREAT))
for place in ("/proc/self/fd/2", "/proc/1/fd/2"):
    tried(place, lambda: grown(place))
tried("vsock", lambda: connected(40, (2, 22)))
tried("network", lambda: connected(socket.AF_INET, ("192.0.2.1", 80)))
tried("keyring", lambda: kernel(KEYCTL, 0, -3, 0))
for place in ("/dev/shm", "/tmp", "/home/capture"):
    tried("size of " + place, lambda: os.statvfs(place).f_blocks * os.statvfs(place).f_frsize)
tried("files", lambda: resource.getrlimit(resource.RLIMIT_NOFILE))
tried("etc", lambda: sorted(os.listdir("/etc")))
tried("processes", lambda: len([each for each in os.listdir("/proc") if each.isdigit()]))
os.write(4, json.dumps(told).encode() + b"\\0")
"""


def test_what_is_reachable_from_within(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of the attacker's in the browser's place: no file, device, setting, key or network of the host,
    and nothing that fills its disk or its memory."""
    keyctl = {"x86_64": "250", "aarch64": "219"}[platform.machine()]
    monkeypatch.setattr(enclosure, "browser", lambda: "/usr/bin/python3")
    inside = enclosure.enclose(("-I", "-c", _PROBE.replace("KEYCTL", keyctl)))
    try:
        told = json.loads(os.read(inside.reading, 65536).rstrip(b"\0"))
    finally:
        inside.end()
    written = {place for place, what in told.items() if place.startswith("/") and what == 1}
    assert written == {"/tmp/x", "/home/capture/x"}  # noqa: S108 - the browser's own
    assert told["/proc/self/fd/2"] in ("PermissionError", "OSError")
    assert told["/proc/1/fd/2"] in ("PermissionError", "OSError")
    assert told["vsock"] == told["network"] == "OSError"
    assert told["keyring"] == -1
    assert {told[each] for each in told if each.startswith("size of ")} == {512 * 1024 * 1024}
    assert max(told["files"]) <= 4096
    assert set(told["etc"]) <= {"fonts", "alternatives"}
    assert told["processes"] <= 3


def test_what_was_under_way_at_the_end_is_recorded_as_cut(served: Callable[..., Server], proxied: Proxied) -> None:
    """The browser had shown its beginning; nothing comes into the record after the end."""
    stop = threading.Event()

    def drip() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nshown"
        stop.wait(20)

    proxy, listener, warc, traffic = proxied
    server = served({"site.example": lambda _: drip()})
    address = f"http://site.example:{server.port}/"
    with socket.create_connection(listener.getsockname()) as line:
        line.sendall(f"GET {address} HTTP/1.1\r\nHost: site.example:{server.port}\r\n\r\n".encode())
        assert line.recv(1000).endswith(b"shown")
        proxy.close()
    stop.set()
    assert [each.address for each in warc.entries] == [address]
    assert [(each.address, each.why) for each in traffic.cut] == [(address, "time")]
    warc.end()
    with pytest.raises(ValueError, match="ended"):
        warc.write(RecordType.RESPONSE, address, b"", now())


@pytest.mark.parametrize(
    "address",
    ["fec0::1", "::ffff:0:a00:1", "5f00::1", "4000::1", "2606:4700::1%eth0", "64:ff9b::a00:1", "::ffff:10.0.0.1",
     "::ffff:127.0.0.1", "2002:7f00:1::", "100.64.0.1", "0.0.0.0", "::",  # noqa: S104 - not bound to
     "fd00::1", "127.1", "2130706433", "0x7f.1", "168.63.129.16", "::ffff:168.63.129.16", "100.100.100.200",
     "fd00:ec2::254", "fd20:ce::254", "192.0.0.192"],
)  # fmt: skip
def test_an_address_that_no_public_server_has(address: str) -> None:
    with pytest.raises(NotVisited):
        Destinations([], now).of(address)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "100.100.100.200",
     "fd00:ec2::254", "fd20:ce::254", "192.0.0.192", "fe80::a9fe:a9fe"],
)  # fmt: skip
def test_no_operator_can_allow_the_secrets_of_a_cloud(address: str) -> None:
    where = Destinations(["wiki.example", address], now, look=lambda _: ([address], (), ""))
    for each in ("wiki.example", address):
        with pytest.raises(NotVisited):
            where.of(each)


def test_a_capture_is_of_the_house_or_of_the_internet() -> None:
    """Hosts that the operator allows by name are for captures of them, not for what any page links to, wherever
    they are; and captures of them visit no others but those that the house lets its pages embed."""
    places = {"wiki.example": ["10.0.0.1"], "site.example": ["1.1.1.1"], "mail.example": ["1.1.1.2"]}
    house = HouseNetwork(embedded=("*.cdn.example",))
    for first, inside in (("wiki.example", True), ("WIKI.example.", True), ("site.example", False)):
        names = ["wiki.example", "mail.example"]
        where = Destinations(names, now, look=lambda name: (places.get(name, ["1.1.1.3"]), (), ""), house=house)
        where.begin_at(first)
        assert where.of("a.cdn.example").address == "1.1.1.3"
        for each in names:
            with nullcontext() if inside else pytest.raises(NotVisited, match="of-house"):
                where.of(each)
        with pytest.raises(NotVisited, match="not-of-house") if inside else nullcontext():
            where.of("site.example")


def test_the_appliances_own_ports_are_closed_where_this_machine_is_allowed() -> None:
    where = Destinations(["localhost"], now, look=lambda _: (["127.0.0.1"], (), ""), loopback=True, closed=[8080])
    assert where.at("localhost", 8000).address == "127.0.0.1"
    with pytest.raises(NotVisited):
        where.at("localhost", 8080)
    assert Destinations([], now, closed=[8080]).at("1.1.1.1", 8080).address == "1.1.1.1"


def test_public_addresses_are_visited() -> None:
    for address in ("2606:4700::1", "64:ff9b::808:808", "1.1.1.1"):
        assert Destinations([], now).of(address).address == address


_NONSENSE = (
    b"[" * 200_000, b'{"id":1,"error":[]}', b'{"id":1,"result":{"data":"' + b"A" * 40 + b'"}}',
    b'{"id":1,"result":[]}', b"1" * 10_000, b"\xff", b'{"id":1,"result":{"sessionId":{},"targetId":[]}}',
)  # fmt: skip


@pytest.mark.parametrize("answer", _NONSENSE)
@pytest.mark.parametrize("after", [0, 3, 9, 11])
def test_a_browser_that_answers_nonsense(monkeypatch: pytest.MonkeyPatch, answer: bytes, after: int) -> None:
    """After some answers as they should be: one sentence, whatever it says."""
    monkeypatch.setattr(enclosure, "browser", lambda: "/usr/bin/python3")
    monkeypatch.setattr(capturing, "browser", lambda: "/usr/bin/python3")
    monkeypatch.setattr(
        capturing, "_ALWAYS", ("-I", "-c", _LIAR.format(after=after, answer=answer[:64], length=len(answer)))
    )
    with pytest.raises(CaptureFailed):
        capturing.capture(CaptureOrder("http://site.example/"), Destinations([], now), clock=now, made_by="test")


_LIAR = """
import json, os
whole = dict(product="x", targetId="t", sessionId="s", frameTree=dict(frame=dict(id="f")), executionContextId=1,
    result=dict(value="complete"), cssContentSize=dict(width=float("inf"), height=800), data="AAAA")
bad, length, left, buffer = {answer!r}, {length}, {after}, b""
if bad[:1] in b"[1A": bad = bad[:1] * length
while True:
    block = os.read(3, 65536)
    if not block: break
    buffer += block
    while b"\\0" in buffer:
        asked, _, buffer = buffer.partition(b"\\0")
        number = json.loads(asked)["id"]
        left -= 1
        good = json.dumps(dict(id=number, result=whole)).encode()
        said = good if left >= 0 else bad.replace(b'"id":1', b'"id":%d' % number)
        os.write(4, said + b"\\0")
"""


def test_events_without_end_end() -> None:
    """Each event makes the visitor ask something, and each answer brings another event."""
    read, told = os.pipe()
    asked, written = os.pipe()
    tools = DevTools(read, written, clock=count(step=0.01).__next__)
    event = b'{"method":"Page.javascriptDialogOpening","params":{}}\0'

    def answer() -> None:
        while block := os.read(asked, 65536):
            with suppress(OSError):
                os.write(told, event * 2 + b'{"id":%d,"result":{}}\0' % json.loads(block[:-1])["id"])

    threading.Thread(target=answer, daemon=True).start()
    tools.ask("first")
    for number, _ in enumerate(tools.events(0.2)):
        tools.ask("close")
        assert number < 20
    for each in (written, told):
        os.close(each)


def _closed(tools: DevTools, _: object) -> bool:
    return bool(tools.tell("close"))


def test_a_browser_that_talks_and_never_answers_or_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dialogs without end, each of which is closed by a message that it does not read."""
    monkeypatch.setattr(devtools, "_UNREAD", 0.1)
    ended = threading.Event()

    def talk() -> None:
        with suppress(OSError):
            while not ended.is_set():
                os.write(told, b'{"method":"Page.javascriptDialogOpening","params":{}}\0' * 100)

    for urgent in (False, True):
        read, told = os.pipe()
        asked, written = os.pipe()
        tools = DevTools(read, written)
        ended.clear()
        if urgent:
            tools.urgent = partial(_closed, tools)
        talking = threading.Thread(target=talk, daemon=True)
        talking.start()
        with pytest.raises(BrowserGone):
            tools.ask("first", seconds=1.0 if not urgent else 60.0)
        ended.set()
        os.close(read)
        talking.join()
        for each in (written, told, asked):
            os.close(each)
