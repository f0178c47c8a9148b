"""Sites of each kind, captured whole: what was served is in the WARC octet by octet, the picture is what a visitor
sees, and others than us read the files: warcio, py-wacz, cdxj-indexer, ReplayWeb.page."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser
from warcio.archiveiterator import ArchiveIterator

from appliance.demonstration.participants import ZHANG
from appliance.web_capture.upstream import server_trust
from appliance.wiring import Appliance
from tests.evidence.captured import recorded
from tests.evidence.unpacked import run, unpack
from tests.web_capture.conftest import Captured, captured_of
from tests.web_capture.servers import Server, certificate
from tests.web_capture.site import OrdinarySite
from tests.web_capture.sites import SITES
from tests.web_capture.viewers import REPLAY, chromium, different, make_film, replayed, visited
from tests.world import World, sequenced, shared_world

IN_MAKE_TEST = frozenset({"log-in", "gbk", "post-by-script"})
"""The others are for `make test-capture` and `make test-long`."""
needs_judges = pytest.mark.skipif(
    find_spec("wacz") is None or not (REPLAY / "sw.js").is_file(),
    reason="`scripts/setup capture` installs the judges",
)
DIFFERENCE = 0.02
"""Share of pixels. The same program draws the same page, so that nothing differs as a rule; where a film is, or
letters of a typeface that the walls do not have, something may. A missing style moves more than that."""


@dataclass(frozen=True)
class Shown:
    """A site that was captured: its server is down now. ``seen`` is what a visitor saw before."""

    site: OrdinarySite
    captured: Captured
    sent: Counter[bytes]
    seen: bytes


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object, object]:
    """A folder with ``root.pem``, and certificate and key of the authority that it is."""
    folder = tmp_path_factory.mktemp("authority")
    _, root, key = certificate(folder, ["Test authority"])
    (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    return folder, root, key


@pytest.fixture(scope="module")
def browser(trusted: tuple[Path, object, object]) -> Iterator[Browser]:
    public = trusted[2].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with chromium(base64.b64encode(hashlib.sha256(public).digest()).decode()) as running:
        yield running


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance, sequenced(appliance, world):
        yield appliance


@pytest.fixture(
    scope="module",
    params=[pytest.param(each, marks=() if each in IN_MAKE_TEST else pytest.mark.long) for each in SITES],
)
def shown(request: pytest.FixtureRequest, browser: Browser, trusted: tuple[Path, object, object]) -> Shown:
    make_film(browser)
    site = SITES[request.param]
    folder, root, key = trusted
    context = certificate(folder, list(site.hosts), issuer=(root, key), key=key)[0] if site.tls else None
    server = Server(dict.fromkeys(site.hosts, site.serve), context)
    try:
        captured = captured_of(
            site.address(server.port), list(site.hosts), trust=lambda: server_trust(str(folder / "root.pem"))
        )
        sent = Counter(octets for _, octets in server.sent)
        return Shown(site, captured, sent, visited(browser, site, server.port))
    finally:
        server.close()


def test_what_was_served_is_in_the_capture(shown: Shown, tmp_path: Path) -> None:
    found = shown.captured
    file = tmp_path / "capture.warc.gz"
    file.write_bytes(found.capture.warc)
    judged = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", str(file)], capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stdout
    records = ArchiveIterator(io.BytesIO(found.capture.warc), no_record_parse=True)
    recorded = Counter(each.raw_stream.read() for each in records if each.rec_type == "response")
    assert recorded == shown.sent
    assert {each.why for each in found.capture.traffic.refused} == shown.site.refused
    assert (found.capture.visit.cut, found.capture.traffic.cut, found.capture.visit.error) == ((), [], "")
    assert found.capture.visit.loaded


def test_the_picture_is_what_a_visitor_sees(shown: Shown) -> None:
    assert different(shown.captured.capture.visit.picture, shown.seen) < DIFFERENCE


def test_what_is_printed(shown: Shown, tmp_path: Path) -> None:
    file = tmp_path / "page.pdf"
    file.write_bytes(shown.captured.capture.visit.pdf)
    said = subprocess.run(
        ["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True
    ).stdout
    without = shown.site.words if shown.site.printed else ()
    assert shown.site.printed in said
    assert not any(each in said for each in without)


@pytest.mark.long
def test_its_package_passes_with_every_judge(
    shown: Shown, appliance: Appliance, world: World, tmp_path: Path
) -> None:
    """Recorded, dated, logged and packed by the real appliance: ``vermilion verify``, openssl, the checkers."""
    made = recorded(appliance, shown.captured.capture, by=ZHANG.subject, name=ZHANG.name)
    file = tmp_path / "capture.zip"
    file.write_bytes(appliance.capture_recording.package(made))
    told = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "verify", str(file)],
        env={**os.environ, "VERMILION_HOME": str(world.home.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, "TOTAL-PASSED" in told.stdout) == (0, True), told.stdout + told.stderr
    folder = unpack(file.read_bytes(), tmp_path / "unpacked")
    assert (folder / "capture.warc.gz").read_bytes() == shown.captured.capture.warc
    trust = ["-CAfile", str(world.home.trust / "ca.pem"), "-untrusted", "certificates/chain.pem"]
    for reply, data in (("capture.warc.tsr", "capture.warc.gz"), ("manifest.tsr", "manifest.json")):
        command = ["openssl", "ts", "-verify", "-in", reply, "-data", data, *trust]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    for checker in ("sh check.sh", f"{sys.executable} -I check.py"):
        judged = run(checker, folder)
        assert judged.returncode == 0, judged.stdout + judged.stderr


@needs_judges
def test_others_read_the_wacz(shown: Shown, tmp_path: Path) -> None:
    """py-wacz finds nothing wrong, and the index is what cdxj-indexer makes of the WARC."""
    file = tmp_path / "capture.wacz"
    file.write_bytes(shown.captured.capture.wacz)
    judged = subprocess.run(
        [sys.executable, "-m", "wacz.main", "validate", "-f", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "Validation succeeded" in judged.stdout
    with zipfile.ZipFile(file) as archive:
        archive.extract("archive/capture.warc.gz", tmp_path)
        ours = archive.read("indexes/index.cdx").decode().splitlines()
    command = [
        sys.executable,
        "-c",
        "import sys;from cdxj_indexer.main import main;sys.exit(main(sys.argv[1:]))",
        "-p",
    ]
    theirs = subprocess.run(
        [*command, "-s", str(tmp_path / "archive/capture.warc.gz")], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {_place(each) for each in theirs} <= {_place(each) for each in ours}
    assert len({_place(each)[:2] for each in ours}) == len(theirs)


def _place(line: str) -> tuple[str, ...]:
    """Where a line of an index leads, under what address and method."""
    told = json.loads(line.split(" ", 2)[2])
    return told["offset"], told["length"], told["url"], told["status"], told.get("method", "GET")


@needs_judges
def test_replay_web_page_shows_it(shown: Shown, browser: Browser) -> None:
    """Its server is down: text, pictures and styles come out of the WACZ."""
    capture = shown.captured.capture
    replayed(browser, capture.wacz, shown.site, capture.visit.loaded_address)
