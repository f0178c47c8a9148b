"""Pages that would rather not be captured, and a machine that has no room: what comes of it is a capture of what
was shown, or one sentence; never a capture that says something else about the site than what was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.web_capture.model import CaptureFailed, CaptureLimits
from appliance.web_capture.tab import WIDTH
from tests.web_capture.conftest import Capturing
from tests.web_capture.servers import Answer, Asked, Server, page

Served = Callable[..., Server]
SHORT = CaptureLimits(seconds=5.0)


def _script(code: str) -> Callable[[Asked], Answer]:
    return lambda asked: page(f"<title>t</title><body>shown<script>{code}</script>")


RESTLESS = {
    "reloads itself at once": _script("location.reload()"),
    "reloads itself soon": _script("setTimeout(()=>location.reload(),20)"),
    "refreshes": lambda _: page("<meta http-equiv=refresh content=0>shown"),
    "goes from page to page": _script("location='/'+(location.pathname.length%7)+location.pathname.slice(0,9)"),
}


@pytest.mark.parametrize("kind", [pytest.param(each, marks=pytest.mark.long) for each in RESTLESS])
def test_a_page_that_never_rests_is_shown_as_it_is_then(kind: str, served: Served, capturing: Capturing) -> None:
    server = served({"site.example": RESTLESS[kind]})
    found = capturing(f"http://site.example:{server.port}/", ["site.example"], limits=SHORT)
    assert found.capture.visit.text == "shown"
    assert "time" in found.capture.visit.cut
    assert not found.capture.visit.loaded
    assert b"shown" in found.response(found.capture.visit.loaded_address)


CUNNING = {
    "is busy when it is printed": "addEventListener('beforeprint',()=>{for(;;);})",
    "is another one on paper": "addEventListener('beforeprint',()=>{document.body.textContent='swapped'})",
    "writes other addresses all the time": "setInterval(()=>history.pushState({},'','/'+Math.random()),1)",
    "has a very long address": "history.pushState({},'','/'+'a'.repeat(1.5e6))",
    "keeps every processor busy": """for(let i=0;i<20;i++)
        new Worker(URL.createObjectURL(new Blob(['for(;;);'])))""",
    "makes its window small": "resizeTo(500,400)",
    "opens thousands of sockets": "for(let i=0;i<2000;i++)new WebSocket('ws://'+location.host+'/'+i)",
    "fills its disk": """navigator.storage.getDirectory().then(async d=>{
        const f=await d.getFileHandle('x',{create:true}),w=await f.createWritable();
        for(let i=0;i<1000;i++)await w.write(new Uint8Array(1e6))})""",
    "saves hundreds of files": """for(let i=0;i<200;i++){const a=document.createElement('a');a.download=i;
        a.href=URL.createObjectURL(new Blob([new Uint8Array(1e6)]));a.click()}""",
}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(each, marks=() if "printed" in each else pytest.mark.long) for each in CUNNING],
)
def test_a_cunning_page_is_captured(kind: str, served: Served, capturing: Capturing, tmp_path: Path) -> None:
    server = served({"site.example": _script(CUNNING[kind])})
    address = f"http://site.example:{server.port}/"
    found = capturing(address, ["site.example"], limits=CaptureLimits(seconds=15.0))
    visit = found.capture.visit
    assert (visit.text, visit.error, visit.loaded_address) == ("shown", "", address)
    assert visit.picture[16:20] == WIDTH.to_bytes(4)  # IHDR
    assert len(visit.address) <= 8_000
    file = tmp_path / "page.pdf"
    file.write_bytes(visit.pdf)
    said = subprocess.run(["pdftotext", str(file), "-"], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "shown"


@pytest.mark.long
@pytest.mark.parametrize("head", ["Location: /", "Location: file:///etc/passwd", "Location: chrome://version"])
def test_redirects_that_lead_nowhere(head: str, served: Served, capturing: Capturing) -> None:
    server = served({"site.example": lambda _: page("moved", head=f"{head}\r\n", status="302 Found")})
    found = capturing(f"http://site.example:{server.port}/", ["site.example"])
    assert found.capture.visit.error.startswith("net::ERR_")
    assert len(server.seen) <= 25
    assert b"root:" not in found.capture.visit.pdf


@pytest.mark.long
@pytest.mark.parametrize(
    ("status", "head"),
    [("401 Unauthorized", "WWW-Authenticate"), ("407 Proxy Authentication Required", "Proxy-Authenticate")],
)
def test_a_server_that_asks_for_a_password_gets_none(
    status: str, head: str, served: Served, capturing: Capturing
) -> None:
    server = served({"site.example": lambda _: page("who?", status=status, head=f"{head}: Basic realm=x\r\n")})
    found = capturing(f"http://site.example:{server.port}/", ["site.example"])
    assert found.capture.visit.text == "who?"
    assert all("authorization:" not in each.raw.decode("latin-1").lower() for each in server.seen)


@pytest.mark.long
def test_a_page_without_measure(served: Served, capturing: Capturing) -> None:
    """Thirty million pixels high, and as many on paper: picture and PDF end somewhere."""
    body = "<style>@media print{body{height:9000000px}}</style>shown<div style='height:30000000px;width:900000px'>"
    server = served({"site.example": lambda _: page(body)})
    limits = CaptureLimits(seconds=20.0, height=5_000)
    visit = capturing(f"http://site.example:{server.port}/", ["site.example"], limits=limits).capture.visit
    assert (visit.text, visit.height) == ("shown", 5_000)
    assert "height" in visit.cut
    assert visit.pdf.count(b"/Type /Page\n") <= 200


def _within_walls(word: str) -> list[int]:
    """The processes of our own captures' browsers whose command line contains *word*."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            told = (place / "cmdline").read_bytes()
        except OSError:
            continue
        above = list(_ancestors(place))
        if word.encode() in told and not told.startswith(b"/usr/bin/bwrap") and above[-1:] == [str(os.getpid())]:
            found += [int(place.name)] if any(_name(each) == "bwrap" for each in above) else []
    return found


def _ancestors(place: Path) -> Iterator[str]:
    """The processes above the one at *place*, up to this one."""
    number = place.name
    while number not in ("0", "1", str(os.getpid())):
        try:
            number = Path("/proc", number, "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            return
        yield number


def _name(process: str) -> str:
    try:
        return Path("/proc", process, "comm").read_text().strip()
    except OSError:
        return ""


@pytest.mark.long
@pytest.mark.parametrize("kind", ["--type=renderer", "--remote-debugging-pipe"])
def test_a_browser_that_crashes(kind: str, served: Served, capturing: Capturing) -> None:
    """The page asks for something, and then its process (or the whole browser) is gone: one sentence."""

    killed: list[int] = []

    def site(asked: Asked) -> Answer:
        if asked.path == "/crash":
            killed.extend(_within_walls(kind))
            for each in killed:
                os.kill(each, signal.SIGKILL)
        return page("<body>shown<script>setTimeout(()=>fetch('/crash'),300)</script>")

    server = served({"site.example": site})
    with pytest.raises(CaptureFailed, match="ended or stopped answering"):
        capturing(f"http://site.example:{server.port}/", ["site.example"], limits=SHORT)
    assert killed


_WITHOUT_ROOM = """
import os, sys, tempfile
from pathlib import Path
from cryptography.hazmat.primitives.serialization import Encoding
from appliance.web_capture.upstream import server_trust
from tests.web_capture.conftest import captured_of
from tests.web_capture.servers import Server, certificate, page
place, keys = sys.argv[1:]
_, root, key = certificate(Path(keys), ["Test authority"])
Path(keys, "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
context = certificate(Path(keys), ["site.example"], issuer=(root, key))[0]
tempfile.tempdir = os.environ["TMPDIR"] = place
try:
    with open(place + "/fill", "wb", buffering=0) as file:
        while True: file.write(bytes(4096))
except OSError: pass
server = Server({"site.example": lambda _: page("shown")}, context)
trust = lambda: server_trust(keys + "/root.pem")
found = captured_of(f"https://site.example:{server.port}/", ["site.example"], trust=trust)
print(found.capture.visit.text, os.listdir(place))
"""


@pytest.mark.long
def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    """Nothing of a capture is on a disk, so that its site is never said to be out of reach because of one."""
    keys, place = tmp_path / "keys", tmp_path / "full"
    keys.mkdir()
    place.mkdir()
    mounted = 'mount -t tmpfs -o size=64k tmpfs "$1" && exec "$4" -W ignore -c "$3" "$1" "$2"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh"]
    done = subprocess.run(
        [*command, str(place), str(keys), _WITHOUT_ROOM, sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "shown ['fill']", done.stderr
