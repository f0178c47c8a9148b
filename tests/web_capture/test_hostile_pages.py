"""Pages that mean harm: nothing outside of the capture is reached, and what is cut off is told."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import count

import cbor2
import pytest

from appliance.capture_service.messages import LARGEST_FRAME
from appliance.confinement import frames
from appliance.web_capture.capturing import require_address
from appliance.web_capture.model import (
    CaptureFailed,
    CaptureLimits,
    CaptureOrder,
    Resolution,
    TlsFacts,
    TlsTrust,
    Traffic,
)
from tests.web_capture.conftest import Captured, Capturing, now
from tests.web_capture.servers import Asked, Server, answer, page

Served = Callable[..., Server]


def refused(captured: Captured) -> set[tuple[str, str]]:
    return {(each.address.split("/")[2].partition(":")[0], each.why) for each in captured.capture.traffic.refused}


def test_internal_addresses_are_not_visited(served: Served, capturing: Capturing) -> None:
    """By redirect, picture, frame, script; by name, by number, by other ways to write the number."""
    places = {
        "inside.example": ["10.1.2.3"],
        "link.example": ["169.254.169.254"],
        "loop.example": ["127.0.0.1"],
        "mapped.example": ["::ffff:127.0.0.1"],
        "both.example": ["93.184.215.14", "127.0.0.1"],
    }
    hosts = [*places, "127.0.0.1", "10.0.0.1", "2130706433", "0x7f.1", "[::1]", "localhost"]
    reached: list[Asked] = []

    def inner(asked: Asked) -> bytes:
        reached.append(asked)
        return page("secret")

    body = "".join(
        f"<img src=http://{host}:{{port}}/x><iframe src=http://{host}:{{port}}/y></iframe>" for host in hosts
    )
    script = "".join(f"fetch('http://{host}:{{port}}/z',{{{{mode:'no-cors'}}}}).catch(()=>0);" for host in hosts)
    server = served({"site.example": lambda _: page("")})
    inside = served(dict.fromkeys([*places, "127.0.0.1", "localhost"], inner))
    text = (body + f"<script>{script}</script>shown").format(port=inside.port)
    server.sites = {"site.example": lambda _: page(text)}
    known = {**places, "127.0.0.1": ["127.0.0.1"], "localhost": ["127.0.0.1"], "10.0.0.1": ["10.0.0.1"]}
    found = capturing(f"http://site.example:{server.port}/", ["site.example"], elsewhere=known)
    assert reached == []
    assert not inside.seen
    assert {
        ("inside.example", "forbidden"),
        ("link.example", "forbidden"),
        ("loop.example", "forbidden"),
    } <= refused(found)
    assert {("mapped.example", "forbidden"), ("both.example", "forbidden"), ("127.0.0.1", "forbidden")} <= refused(
        found
    )
    assert ("localhost", "forbidden") in refused(found)
    assert "shown" in found.capture.visit.text
    assert all(b"secret" not in block for block in found.records.values())


@pytest.mark.long
def test_a_redirect_to_an_internal_address_ends_there(served: Served, capturing: Capturing) -> None:
    to = "Location: http://inside.example/admin\r\n"
    server = served({"site.example": lambda _: page("", head=to, status="302 Found")})
    found = capturing(
        f"http://site.example:{server.port}/", ["site.example"], elsewhere={"inside.example": ["192.168.1.1"]}
    )
    assert refused(found) == {("inside.example", "forbidden")}
    assert found.capture.visit.error == "forbidden"  # what the proxy answered is no page of anybody's
    assert ("response", "http://inside.example/admin") not in found.records


@pytest.mark.long
def test_a_name_that_changes_its_mind_changes_nothing(served: Served) -> None:
    """DNS rebinding: the second look-up would lead inside; there is none."""
    from appliance.web_capture.capturing import capture  # noqa: PLC0415 - with look-ups of its own
    from appliance.web_capture.destinations import Destinations  # noqa: PLC0415
    from tests.web_capture.conftest import now  # noqa: PLC0415

    asked: list[str] = []
    server = served({"site.example": lambda each: page("<img src=/b><img src=/c>" if each.path == "/" else "")})

    def look(name: str) -> tuple[list[str], tuple[str, ...], str]:
        asked.append(name)
        return (["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]), (), ""

    where = Destinations(["site.example"], now, look=look, loopback=True)
    found = capture(CaptureOrder(f"http://site.example:{server.port}/"), where, clock=now, made_by="test")
    assert asked == ["site.example"]
    assert not found.traffic.refused
    assert len(server.seen) >= 3


def test_files_and_other_protocols(served: Served, capturing: Capturing) -> None:
    """``file:``, the browser's own pages, web sockets, WebRTC: nothing comes of them."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", 0))
    probe.settimeout(0.2)
    script = """let s=[];for(const u of ['file:///etc/passwd','chrome://version','view-source:file:///etc/passwd']){
      const f=document.createElement('iframe');f.src=u;document.body.append(f);fetch(u).then(r=>r.text())
      .then(t=>s.push(t)).catch(()=>0)}
      try{new WebSocket('ws://site.example:%(port)d/socket')}catch(e){}
      const p=new RTCPeerConnection({iceServers:[{urls:'stun:127.0.0.1:%(udp)d'}]});p.createDataChannel('x');
      p.createOffer().then(o=>p.setLocalDescription(o));
      setTimeout(()=>document.body.append('read '+s.join('').length),900);document.body.append('.')"""
    server = served({"site.example": lambda _: page("")})
    values = {"port": server.port, "udp": probe.getsockname()[1]}
    server.sites = {"site.example": lambda _: page(f"<body><script>{script % values}</script>")}
    found = capturing(f"http://site.example:{server.port}/", ["site.example"])
    assert "root:" not in found.capture.visit.text
    assert b"root:" not in found.capture.visit.pdf
    assert ("site.example", "other-protocol") in refused(found)
    with pytest.raises(TimeoutError):
        probe.recv(100)
    probe.close()


@pytest.mark.long
def test_windows_dialogs_and_downloads(served: Served, capturing: Capturing) -> None:
    script = """for(let i=0;i<20;i++){window.open('/popup'+i)}
      for(let i=0;i<3;i++){alert('stay');confirm('?');prompt('!')}
      onbeforeunload=()=>'never';const a=document.createElement('a');a.href='/tool.exe';a.download='tool.exe';
      document.body.append(a);a.click();document.body.append('done')"""
    answers = {
        "/": page(f"<body><script>{script}</script>"),
        "/tool.exe": answer(b"MZ", "application/octet-stream", head="Content-Disposition: attachment\r\n"),
    }
    server = served({"site.example": lambda asked: answers.get(asked.path, page("popup"))})
    found = capturing(f"http://site.example:{server.port}/", ["site.example"])
    assert found.capture.visit.text == "done"


@pytest.mark.long
def test_an_address_that_is_a_download(served: Served, capturing: Capturing) -> None:
    """The octets are in the WARC; nobody opens them."""
    sent = answer(b"MZ\x90\x00", "application/octet-stream", head="Content-Disposition: attachment\r\n")
    server = served({"site.example": lambda _: sent})
    found = capturing(f"http://site.example:{server.port}/tool.exe", ["site.example"])
    assert found.response(f"http://site.example:{server.port}/tool.exe") == sent
    assert found.capture.visit.error != ""


@pytest.mark.long
def test_a_page_without_end(served: Served, capturing: Capturing) -> None:
    more = """<script>const m=()=>{if(scrollY+innerHeight>document.body.scrollHeight-900)
      fetch('/more').then(r=>r.text()).then(t=>document.body.insertAdjacentHTML('beforeend',t))};addEventListener('scroll',m)</script>"""
    server = served(
        {"site.example": lambda asked: page(f"<body style='margin:0'>{more}<p style='height:2000px'>part")}
    )
    limits = CaptureLimits(seconds=20.0, height=6_000)
    found = capturing(f"http://site.example:{server.port}/", ["site.example"], limits=limits)
    assert "height" in found.capture.visit.cut
    assert found.capture.visit.height == 6_000


@pytest.mark.long
def test_ten_thousand_requests(served: Served, capturing: Capturing) -> None:
    script = "for(let i=0;i<10000;i++)fetch('/r'+i).catch(()=>0);document.body.append('asked')"
    server = served(
        {"site.example": lambda asked: page(f"<body><script>{script}</script>" if asked.path == "/" else "x")}
    )
    limits = CaptureLimits(seconds=25.0, requests=300)
    found = capturing(f"http://site.example:{server.port}/", ["site.example"], limits=limits)
    assert len(server.seen) <= 300
    assert ("site.example", "too-many") in refused(found)
    assert "asked" in found.capture.visit.text


@pytest.mark.long
def test_responses_without_end_and_bombs(served: Served, capturing: Capturing) -> None:
    """One drips, one never ends, one is 1 GB once unpacked: each is cut off, and the page is captured."""
    stop = threading.Event()

    def drip() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/css\r\n\r\n"
        while not stop.wait(0.3):
            yield b" "

    def flood() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"
        for _ in count():
            if stop.is_set():
                return
            yield b"\0" * 65536

    bomb = answer(gzip.compress(bytes(2**30), compresslevel=9), "text/plain", head="Content-Encoding: gzip\r\n")
    body = (
        "shown<img src=/flood><script>fetch('/bomb').then(r=>r.text());fetch('/drip').then(r=>r.text())</script>"
    )
    answers: dict[str, Callable[[], bytes | Iterator[bytes]]] = {
        "/": lambda: page(body), "/flood": flood, "/drip": drip, "/bomb": lambda: bomb,
    }  # fmt: skip
    server = served({"site.example": lambda asked: answers[asked.path]()})
    limits = CaptureLimits(seconds=12.0, response=4 * 1024 * 1024, bytes=16 * 1024 * 1024)
    try:
        found = capturing(f"http://site.example:{server.port}/", ["site.example"], limits=limits)
    finally:
        stop.set()
    assert found.capture.visit.text == "shown"
    assert "time" in found.capture.visit.cut
    assert (f"http://site.example:{server.port}/flood", "length") in {
        (each.address, each.why) for each in found.capture.traffic.cut
    }
    assert len(found.capture.warc) < 32 * 1024 * 1024


@pytest.mark.long
@pytest.mark.parametrize("when", ["", "onload=()=>setInterval(()=>{for(;;);},300);", "onscroll=()=>{for(;;);};"])
def test_a_page_or_frame_that_is_busy_for_ever_is_shown_as_it_is(
    when: str, served: Served, capturing: Capturing
) -> None:
    busy = f"<p style='height:2000px'>shown<script>{when or 'for(;;);'}</script>"
    server = served({"site.example": lambda _: page(busy)})
    inner = f"<iframe src=http://site.example:{server.port}/ height=3000></iframe>"
    server.sites = {**server.sites, "outer.example": lambda _: page(f"outer{inner}")}
    for host in list(server.sites)[: 1 if "scroll" in when else 2]:
        address = f"http://{host}:{server.port}/"
        found = capturing(address, list(server.sites), limits=CaptureLimits(seconds=3.0)).capture.visit
        assert "shown" in found.text
        assert "time" in found.cut
        assert not found.loaded


@pytest.mark.long
def test_a_server_that_speaks_no_http(served: Served, capturing: Capturing) -> None:
    server = served({"site.example": lambda _: iter([b"SSH-2.0-OpenSSH_9.6\r\n"])})
    found = capturing(f"http://site.example:{server.port}/", ["site.example"])
    assert refused(found) == {("site.example", "no-answer")}


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://site.example/", "http://", "http://u:p@site.example/", "http://site.example:0/",
     "http://site.example/\n", "javascript:alert(1)", "http://site.example/" + "a" * 2000, "http://[::1", "//x"],
)  # fmt: skip
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(CaptureFailed):
        require_address(address)


def test_a_page_that_breaks_off(served: Served, capturing: Capturing) -> None:
    """What the picture shows is in the record, however its server ends it."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n{2000:x}\r\n"

    def broken() -> Iterator[bytes]:
        yield (head + "<title>x</title><body>promised".ljust(2000)).encode() + b"\r\n"
        threading.Event().wait(1.0)
        yield b"no length\r\n"

    server = served({"site.example": lambda _: broken()})
    address = f"http://site.example:{server.port}/"
    found = capturing(address, ["site.example"], limits=CaptureLimits(seconds=6.0))
    assert found.capture.visit.text.strip() == "promised"
    assert b"promised" in found.response(address)
    assert (address, "unspecified") in {(each.address, each.why) for each in found.capture.traffic.cut}


def test_half_characters_do_not_stop_a_capture(served: Served, capturing: Capturing) -> None:
    script = "<script>document.title='x\\ud800';document.body.append('\\udc00!')</script>"
    server = served({"site.example": lambda _: page(f"<body>promised{script}")})
    visit = capturing(f"http://site.example:{server.port}/", ["site.example"]).capture.visit
    assert (visit.title[0], visit.text[:8]) == ("x", "promised")


def test_what_zones_and_servers_say_has_a_limit() -> None:
    """All of it crosses to the client in one frame: a page that has it refused would be tried for an hour."""
    traffic = Traffic()
    for number in range(2_000):
        host = f"h{number}.example"
        traffic.note_resolution(Resolution(host, "192.0.2.1", ("a" * 1_000,) * 40, "", now()))
        chain = (b"c" * 50_000, b"d" * 50_000)
        traffic.note_tls(TlsFacts(host, "TLSv1.3", "", TlsTrust.UNTRUSTED, "why", chain))
    assert len(traffic.resolutions) == len(traffic.tls) == 2_000
    assert traffic.tls["h0.example"].chain == chain
    assert traffic.resolutions["h0.example"].answers
    assert len(cbor2.dumps(frames.encode(traffic))) < LARGEST_FRAME / 2
