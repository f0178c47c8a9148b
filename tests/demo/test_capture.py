"""``vermilion capture`` as a user runs it: a page on loopback becomes a package that others judge."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from appliance.config import Settings
from appliance.confinement.pool import Confinement
from appliance.web_capture.capturing import Capture
from appliance.wiring import Appliance, open_appliance
from tests.archive_renewal.decade import Decade, decade
from tests.command import called, started
from tests.crash.disk import own_disk, resize
from tests.evidence.captured import packed_again
from tests.web_capture.servers import Asked, Server, answer, page

ROOTS_LIST_RUN_OUT = 1.5
"""Years after which it has."""
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)


def site(asked: Asked) -> bytes:
    if asked.path == "/logo.png":
        return answer(PICTURE, "image/png")
    if asked.path == "/away":
        return b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:9999/\r\nContent-Length: 0\r\n\r\n"
    body = "<title>商品 “Summer”</title><h1>夏季新款</h1><img src=/logo.png><img src=http://127.0.0.2:9998/pixel>"
    return page(body, status="200 OK" if asked.path == "/" else "404 Not Found")


@dataclass(frozen=True)
class Captured:
    """One run: the home that it founded, the package, and what it said."""

    home: Path
    package: Path
    said: str


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server({"localhost": site, "127.0.0.1": site})
    yield server
    server.close()


@pytest.fixture(scope="module")
def captured(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Captured:
    folder = tmp_path_factory.mktemp("capture")
    home, out = folder / "home", folder / "capture.zip"
    done = started(home, "capture", f"http://localhost:{server.port}/", "--out", out, "--purpose", "固定证据")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in folder.iterdir() if path.name != "home"] == ["capture.zip"]
    return Captured(home, out, done.stdout)


def test_it_says_what_was_captured_and_what_was_not(captured: Captured, server: Server) -> None:
    assert f"captured    http://localhost:{server.port}/" in captured.said
    assert "商品 “Summer”" in captured.said
    assert "http://127.0.0.2:9998/pixel (outside the organisation" in captured.said
    assert "SHA-256 " in captured.said and "passed" in captured.said


def test_verify_passes_it_in_each_form_and_does_not_speak_of_a_contract(captured: Captured) -> None:
    done = started(captured.home, "verify", captured.package)
    assert (done.returncode, "capture.zip: TOTAL-PASSED" in done.stdout) == (0, True)
    assert "What it does not prove" in done.stdout
    for form in ("text", "html", "json"):
        shown = called(captured.home, "verify", "--report", form, captured.package)
        assert shown.exit_code == 0
        assert "contract" not in shown.output.lower()
    report = json.loads(called(captured.home, "verify", "--json", captured.package).stdout)
    assert [each["field"] for each in report["signatures"]] == ["capture.warc.tsr", "manifest.json"]
    etsi = called(captured.home, "verify", "--report", "etsi", captured.package)
    assert (etsi.exit_code, "capture.warc.tsr" in etsi.output) == (3, True)


def test_openssl_confirms_that_the_recording_was_dated(captured: Captured, tmp_path: Path) -> None:
    with zipfile.ZipFile(captured.package) as archive:
        archive.extractall(tmp_path)
    for arguments in (("-data", "capture.warc.gz"), ("-queryfile", "capture.warc.tsq")):
        done = subprocess.run(
            [
                *("openssl", "ts", "-verify", "-in", "capture.warc.tsr", *arguments),
                *("-CAfile", captured.home / "trust/ca.pem", "-untrusted", "certificates/chain.pem"),
            ],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "capture.json").read_bytes())
    assert facts["by"]["purpose"] == "固定证据"
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    assert "夏季新款" in (tmp_path / "page.txt").read_text(encoding="utf-8")


def test_a_changed_package_fails(captured: Captured, tmp_path: Path) -> None:
    octets = bytearray(captured.package.read_bytes())
    octets[len(octets) // 2] ^= 1
    (tmp_path / "changed.zip").write_bytes(octets)
    done = called(captured.home, "verify", tmp_path / "changed.zip")
    assert (done.exit_code, "TOTAL-FAILED" in done.stdout) == (1, True)


def test_a_home_whose_lists_have_run_out_refuses_before_anything_is_logged(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with decade() as old:
        old.move_to(ROOTS_LIST_RUN_OUT)
        monkeypatch.setattr("appliance.cli.capture.open_appliance", partial(opened_at, old))
        seen, logged = len(server.seen), entries(old)
        with old.serving():
            done = called(
                old.home.root, "capture", f"http://localhost:{server.port}/", "--out", tmp_path / "x.zip"
            )
        [sentence] = done.stderr.splitlines()
        assert done.exit_code == 1 and "has run out" in sentence
        assert (len(server.seen), entries(old)) == (seen, logged)


@contextmanager
def opened_at(old: Decade, settings: Settings, confinement: Confinement) -> Iterator[Appliance]:
    """The appliance by the clock of *old*, also as to when a page was captured, which another process says."""
    with open_appliance(settings, confinement=confinement, now=old.now) as appliance:
        capture = appliance.capture_service.capture

        def captured_then(*given: Any, **more: Any) -> Capture:
            found = capture(*given, **more)
            return packed_again(found, began=old.now() - (found.ended - found.began), ended=old.now())

        appliance.capture_service.capture = captured_then  # type: ignore[method-assign]
        yield appliance


def entries(old: Decade) -> int:
    """How many there are in the log of that home."""
    with old.opened() as appliance, appliance.database.reading() as tx:
        return tx.count("SELECT count(*) FROM ledger")


def test_nothing_is_written_over(captured: Captured, server: Server, tmp_path: Path) -> None:
    """And nobody is asked for the page before that is known."""
    before, seen = captured.package.read_bytes(), len(server.seen)
    address = f"http://localhost:{server.port}/"
    for out, words in ((captured.package, "There is a file"), (tmp_path / "none/x.zip", "cannot be written")):
        done = called(captured.home, "capture", address, "--out", out)
        assert (done.exit_code, words in done.stderr) == (1, True)
    assert captured.package.read_bytes() == before
    assert len(server.seen) == seen


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("shop.example", "begins with http"),
        ("file:///etc/passwd", "begins with http"),
        ("http://127.0.0.2:{port}/", "no public address"),
        ("http://[::1]:{port}/", "no public address"),
        ("http://localhost:{port}/away", "http://127.0.0.2:9999/ is not captured"),
        ("http://localhost:{closed}/", "could not be opened|no connection"),
    ],
)
def test_what_gives_no_page_is_said_in_one_sentence(
    captured: Captured, server: Server, tmp_path: Path, address: str, words: str
) -> None:
    """Loopback is refused but for the two names that a demonstration's home allows."""
    out = tmp_path / "x.zip"
    closed = Server({})
    closed.close()
    done = called(captured.home, "capture", address.format(port=server.port, closed=closed.port), "--out", out)
    [sentence] = done.stderr.splitlines()
    assert done.exit_code == 1
    assert any(each in sentence for each in words.split("|")), sentence
    assert not out.exists() and list(tmp_path.iterdir()) == []


def test_a_page_that_the_server_says_is_not_there_is_captured(
    captured: Captured, server: Server, tmp_path: Path
) -> None:
    done = called(captured.home, "capture", f"http://127.0.0.1:{server.port}/gone", "--out", tmp_path / "x.zip")
    assert done.exit_code == 0, done.output
    assert called(captured.home, "verify", tmp_path / "x.zip").exit_code == 0


def test_on_a_full_disk_nothing_is_begun_and_nothing_kept(
    captured: Captured, server: Server, tmp_path: Path
) -> None:
    """Neither a home half founded, nor an entry of the log without its package."""
    small, seen, address = tmp_path / "small", len(server.seen), f"http://localhost:{server.port}/"
    small.mkdir()
    with own_disk(small) as permitted:
        if not permitted or not resize(small, 2 * 1024 * 1024):
            pytest.skip("this user may not mount a small disk")
        done = called(small / "home", "capture", address, "--out", tmp_path / "x.zip")
        [sentence] = done.stderr.splitlines()
        assert done.exit_code == 1 and f"The disk of {small}/home has 2.0 MB left" in sentence
        assert list(small.iterdir()) == [] and len(server.seen) == seen
        blobs = sorted(captured.home.rglob("state/blobs/*/*"))
        done = called(captured.home, "capture", address, "--out", small / "x.zip")
        [sentence] = done.stderr.splitlines()
        assert done.exit_code == 1 and f"The disk of {small} has 2.0 MB left" in sentence
        assert list(small.iterdir()) == [] and sorted(captured.home.rglob("state/blobs/*/*")) == blobs
    assert not (tmp_path / "x.zip").exists()


def test_a_home_of_before_says_what_its_settings_lack(captured: Captured, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    settings = (captured.home / "config/appliance.toml").read_text(encoding="utf-8")
    without = re.sub(r"(?ms)^\[capture\].*?(?=^\[|\Z)", "", settings)
    (home / "config/appliance.toml").write_text(without, encoding="utf-8")
    done = called(home, "capture", "https://shop.example/", "--out", tmp_path / "x.zip")
    [sentence] = done.stderr.splitlines()
    assert done.exit_code == 1
    assert "enabled = true under [capture]" in sentence and str(home / "config/appliance.toml") in sentence
    assert sorted(path.name for path in home.rglob("*")) == ["appliance.toml", "config"]


def test_an_enterprises_home_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    (home / "config/appliance.toml").write_text('[organisation]\nname = "示例企业"\n', encoding="utf-8")
    done = called(home, "capture", "https://shop.example/", "--out", tmp_path / "x.zip")
    assert (done.exit_code, "its people order captures in the portal" in done.stderr) == (1, True)
    assert sorted(path.name for path in home.rglob("*")) == ["appliance.toml", "config"]
