"""The program makes real captures, loads nothing that it does not need, and ends when nobody waits for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from appliance.capture_service.client import CaptureService, CaptureUnavailable
from appliance.capture_service.messages import CaptureFault
from appliance.captures.live_views import LiveLogIn
from appliance.confinement import frames
from appliance.confinement.requested_programs import requested_here
from appliance.web_capture.model import (
    CaptureFailed,
    CaptureOrder,
    CaptureProgress,
    CaptureStage,
    CaptureStep,
    StepKind,
    StepResult,
)
from tests.capture_service.conftest import ENABLED, service_of
from tests.web_capture.house_proxy import HouseProxy
from tests.web_capture.servers import Answer, Asked, Server, Site, answer, page

pytestmark = pytest.mark.processes
Serve = Callable[[Site], str]

_CODE = """
import socket, sys
from appliance.capture_service import program
near, far = socket.socketpair()
from appliance.confinement import frames
frames.write(near, {"kind": "capture", "order": {"address": sys.argv[2], "steps": []}})
program.answer(far, {"VERMILION_HOME": sys.argv[1]})
far.close()
try:
    while "progress" in (last := frames.read(near, limit=1 << 25)):
        pass
    print(*last)
except frames.FrameError:
    print("nothing")
others = ("appliance.store", "appliance.wiring", "appliance.accounts", "appliance.contracts", "appliance.ledger",
          "appliance.documents", "appliance.pdf", "hsm.client", "hsm.store", "pysqlite3", "sqlite3", "pyhanko",
          "pikepdf", "flask")
print(*(name for name in sys.modules if name.startswith(others)))
"""


def test_a_page_is_captured_and_progress_told(service: CaptureService, serve: Serve) -> None:
    octets = os.urandom(300_000)  # large enough to be a part of its own

    def site(asked: Asked) -> Answer:
        if asked.path == "/":
            return page('<title>Wiki</title><p>Hello<img src="/noise">')
        return answer(octets, "image/png") if asked.path == "/noise" else page("", status="404 Not Found")

    stages: list[CaptureStage] = []
    address = serve(site)
    made = service.capture(CaptureOrder(address), progress=lambda each: stages.append(each.stage))
    assert (made.address, made.visit.title, made.visit.text.strip()) == (address, "Wiki", "Hello")
    found = {
        record.rec_headers.get_header("WARC-Target-URI"): record.raw_stream.read()
        for record in ArchiveIterator(BytesIO(made.warc), no_record_parse=True)
        if record.rec_type == "response"
    }
    assert found[f"{address}noise"].endswith(octets)
    assert list(dict.fromkeys(stages))[:2] == [CaptureStage.STARTING, CaptureStage.LOADING]
    assert stages[-1] is CaptureStage.PACKING


def test_a_browser_starts_for_a_check(service: CaptureService) -> None:
    assert "Chrome/" in service.check().product


def test_what_the_engine_refuses_is_said_in_its_words(service: CaptureService) -> None:
    with pytest.raises(CaptureFailed, match="begins with http:// or https://") as refusal:
        service.capture(CaptureOrder("ftp://localhost/"))
    assert refusal.value.values == {"address": "ftp://localhost/"}


def test_the_appliances_own_ports_are_closed(service: CaptureService, serve: Serve, home: Path) -> None:
    port = serve(lambda _: page("the portal")).rstrip("/").rpartition(":")[2]
    (home / "config/appliance.toml").write_text(ENABLED + f"[web]\nport = {port}\n")
    made = service_of(home).capture(CaptureOrder(f"http://127.0.0.1:{port}/"))
    assert [each.why for each in made.traffic.refused] == ["forbidden"]
    assert "the portal" not in made.visit.text
    assert (
        "the portal" in service_of_other_ports(home).capture(CaptureOrder(f"http://127.0.0.1:{port}/")).visit.text
    )


def service_of_other_ports(home: Path) -> CaptureService:
    (home / "config/appliance.toml").write_text(ENABLED)
    return service_of(home)


def test_hosts_that_nobody_allowed_stay_closed(home: Path, serve: Serve) -> None:
    (home / "config/appliance.toml").write_text("[capture]\nenabled = true\n")
    made = service_of(home).capture(CaptureOrder(serve(lambda _: page("the portal"))))
    assert [each.why for each in made.traffic.refused] == ["forbidden"]


def test_it_loads_neither_database_nor_documents(home: Path, serve: Serve) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CODE, str(home), serve(lambda _: page("here"))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["capture", ""]


def test_who_hangs_up_ends_the_browser(service: CaptureService, serve: Serve) -> None:
    """The page never ends; the capture does, with everything that it started."""
    reached, forever = Event(), Event()

    def site(asked: Asked) -> Answer:
        def trickle() -> Iterator[bytes]:
            reached.set()
            yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>endless"
            forever.wait(60)

        return trickle()

    class Cancelled(Exception):
        pass

    def cancel(_: CaptureProgress) -> None:
        if reached.is_set():
            running.extend(browsers())
            raise Cancelled

    running: list[int] = []
    with pytest.raises(Cancelled):
        service.capture(CaptureOrder(serve(site)), progress=cancel)
    forever.set()
    assert running, "the browser was there"
    assert not set(running) & set(browsers()), "and is no more"


def browsers() -> list[int]:
    """Processes of browsers and their walls that this one's descendants are."""
    mine, found = {os.getpid()}, []
    for each in sorted(
        (each for each in Path("/proc").iterdir() if each.name.isdigit()), key=lambda e: int(e.name)
    ):
        try:
            status = each.joinpath("stat").read_text().rpartition(")")[2].split()
            command = each.joinpath("cmdline").read_bytes()
        except OSError:
            continue
        if int(status[1]) in mine:
            mine.add(int(each.name))
            if b"bwrap" in command or b"chromium" in command:
                found.append(int(each.name))
    return found


def test_what_hangs_is_ended_and_told() -> None:
    code = (
        "import socket, time\n"
        "from appliance.capture_service.program import _Ended, _Line, _watched\n"
        "stream = socket.socket(fileno=0)\n"
        "try:\n"
        "    with _watched(stream, _Line(stream), time.monotonic() + 1): time.sleep(600)\n"
        "except _Ended:\n"
        "    raise SystemExit(7)\n"
    )
    near, far = socket.socketpair()
    with near:
        with far:
            process = subprocess.Popen([sys.executable, "-c", code], stdin=far.fileno())
        try:
            near.settimeout(60)
            assert frames.read(near, limit=1 << 20) == {"failed": {"fault": "late", "why": "the time is up"}}
            assert process.wait(60) == 7
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "capture"},
        {"kind": "everything", "order": None},
        {"kind": "check", "order": {"address": "http://localhost/", "steps": []}},
        {"kind": "capture", "order": {"address": 7, "steps": []}},
        {"kind": "capture", "order": {"address": "http://localhost/", "steps": [], "allowed": ["localhost"]}},
        {"kind": "capture", "order": {"address": "http://localhost/", "steps": [{"kind": "type"}]}},
        [],
    ],
)
def test_what_is_no_request_gets_no_answer(home: Path, asked: Any) -> None:
    near, far = socket.socketpair()
    with near:
        with far:
            process = subprocess.Popen(
                [sys.executable, "-m", "appliance.capture_service"],
                stdin=far.fileno(),
                stderr=subprocess.DEVNULL,
                env={"VERMILION_HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        try:
            frames.write(near, asked)
            with pytest.raises(frames.FrameError):
                frames.read(near, limit=1 << 20, deadline=time.monotonic() + 60)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("", "capture.enabled is false"),
        ("[capture]\nenabled = true\nport = 1\n", "capture.port"),
        ('[capture]\nenabled = true\ntls = "none.pem"\n', "capture.tls"),
    ],
)
def test_settings_by_which_nothing_can_be_captured(home: Path, settings: str, why: str) -> None:
    client = service_of(home)  # as they were when this process started
    (home / "config/appliance.toml").write_text(settings)
    with pytest.raises(CaptureUnavailable, match=why) as failure:
        client.capture(CaptureOrder("http://localhost/"))
    assert failure.value.cause is CaptureFault.UNSET


def test_orders_of_several_threads_do_not_mix(service: CaptureService, serve: Serve) -> None:
    addresses = [serve(lambda _, n=n: page(f"page {n}")) for n in range(3)]  # type: ignore[misc]
    found: dict[str, str] = {}

    def one(address: str) -> None:
        found[address] = service.capture(CaptureOrder(address)).visit.text.strip()

    threads = [Thread(target=one, args=(each,)) for each in addresses]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == {each: f"page {n}" for n, each in enumerate(addresses)}


def test_the_settings_of_the_network_are_kept_to(home: Path) -> None:
    """The house's proxy with its secret, and the list of hosts."""
    server = Server({"site.example": lambda _: page("by the proxy<img src=http://other.example/>")})
    proxy = HouseProxy({"site.example": server.port}, password="capture:secret")
    (home / "secrets").mkdir(mode=0o700)
    (home / "secrets/capture.proxy").write_text("capture:secret\n")
    (home / "secrets/capture.proxy").chmod(0o600)
    (home / "config/appliance.toml").write_text(
        f'[capture]\nenabled = true\nonly_hosts = ["site.example"]\nproxy = "http://127.0.0.1:{proxy.port}"\n'
    )
    try:
        made = service_of(home).capture(CaptureOrder("http://site.example/"))
    finally:
        proxy.close()
        server.close()
    assert made.visit.text == "by the proxy"
    assert made.traffic.proxy == f"127.0.0.1:{proxy.port}"
    assert ("http://other.example/", "not-listed") in {(each.address, each.why) for each in made.traffic.refused}
    assert set(proxy.asked) == {"GET http://site.example/"}


def test_steps_come_back_with_their_pictures(service: CaptureService, serve: Serve) -> None:
    address = serve(lambda _: page("<button onclick=\"this.textContent='clicked'\">b</button>"))
    steps = (CaptureStep(StepKind.CLICK, "button"), CaptureStep(StepKind.RECORD, seconds=1.0))
    made = service.capture(CaptureOrder(address, steps))
    assert [each.result for each in made.steps] == [StepResult.DONE, StepResult.DONE]
    assert all(each.picture.startswith(b"\x89PNG") for each in made.steps)
    assert made.session[8:12] == b"WEBP"
    assert made.visit.text == "clicked"


@pytest.mark.parametrize(
    "said",
    [
        {"act": [["typedtext", {"text": "correct horse\x07"}]]},
        {"act": [["evaluate", {"text": "correct horse"}]]},
        {"look": False},
        {"proceed": True, "correct horse": 1},
        ["correct horse"],
        b"\xff" * 64,
    ],
)
def test_what_nobody_who_logs_in_says_ends_it(
    said: object, home: Path, serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    """And nothing of it is in the journal: it may be a password."""
    (home / "config/appliance.toml").write_text(ENABLED + "live_view = true\n")
    order = {"address": serve(lambda _: page("here")), "steps": [], "log_in": True}
    with requested_here("appliance.capture_service", home, time.monotonic() + 60, patience=15) as stream:
        frames.write(stream, {"kind": "capture", "order": order})
        stage = ""
        while stage != CaptureStage.LOG_IN:
            stage = frames.read(stream, limit=1 << 25)["progress"]["stage"]
        stream.sendall(said) if isinstance(said, bytes) else frames.write(stream, said)
        with pytest.raises((frames.FrameError, OSError)):
            while True:
                assert "progress" in frames.read(stream, limit=1 << 25)
    told = capfd.readouterr()
    assert told.err.splitlines() == ["vermilion-capture: ended before its end"]


def test_nobody_logs_in_unless_the_settings_say_so(service: CaptureService, serve: Serve) -> None:
    with pytest.raises(CaptureUnavailable, match="live_view is false"):
        service.capture(CaptureOrder(serve(lambda _: page("here")), log_in=True), live=LiveLogIn("nobody"))
