"""The certificate of a web capture holds whatever pages and people come with."""

from __future__ import annotations

import io
import struct
import subprocess
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from appliance.confinement.pool import Confinement
from appliance.evidence.captures.certificate import render_certificates
from appliance.evidence.captures.facts import (
    CaptureFacts,
    HostFacts,
    LogInFacts,
    RefusedFacts,
    StepFacts,
    decode,
    encode,
)
from appliance.evidence.captures.model import CaptureEvidence
from appliance.evidence.captures.thumbnail import thumbnail_of
from appliance.evidence.captures.words import page_security
from appliance.language import Language
from appliance.web_capture.capturing import Capture
from appliance.web_capture.model import StepKind, TlsTrust
from tests.evidence.captured import capture_authority, capture_evidence  # noqa: F401  # fixtures

A4 = (595, 842)


@pytest.fixture(scope="session")
def thumbnail(confinement: Confinement, captured: Capture) -> bytes:
    return thumbnail_of(confinement, captured.visit.picture)


@pytest.fixture(scope="session")
def whole(capture_evidence: CaptureEvidence, facts: CaptureFacts, thumbnail: bytes) -> CaptureEvidence:  # noqa: F811
    """With all that an ordinary capture has."""
    return replace(capture_evidence, facts=facts, thumbnail=thumbnail)


def text_of(pdf: bytes, folder: Path) -> str:
    (folder / "page.pdf").write_bytes(pdf)
    told = subprocess.run(
        ["/usr/bin/pdftotext", "-layout", str(folder / "page.pdf"), "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout


def outside(pdf: bytes, folder: Path) -> list[str]:
    """Words that reach beyond the printed part of their page."""
    (folder / "page.pdf").write_bytes(pdf)
    told = subprocess.run(
        ["/usr/bin/pdftotext", "-bbox", str(folder / "page.pdf"), "-"], capture_output=True, text=True, check=True
    )
    found = []
    for line in told.stdout.splitlines():
        if "<word" in line:
            box = [float(part.split('"')[1]) for part in line.split("<word ")[1].split(">")[0].split()]
            if box[0] < 45 or box[2] > A4[0] - 45 or box[3] > A4[1] - 20:
                found.append(line)
    return found


def test_it_says_what_the_facts_say(whole: CaptureEvidence, tmp_path: Path) -> None:
    facts = whole.facts
    digests = {each.path: each.sha256 for each in facts.files}
    archive = digests["capture.warc.gz"]
    for language, pdf in render_certificates(whole).items():
        said = text_of(pdf, tmp_path)
        together = "".join(said.split())
        for fact in (
            facts.address,
            facts.by.purpose,
            facts.operator,
            f"{facts.traffic.received:,}",
            *facts.hosts[0].connected,
            facts.browser.sha256,
            facts.browser.product,
            archive,
            digests["page.png"],
            facts.tls[0].certificates[0],
        ):
            assert "".join(fact.split()) in together, fact
        heading = "网页取证证书" if language is Language.CHINESE else "Certificateofwebcapture"
        article = "第十七条" if language is Language.CHINESE else "Article17"
        assert heading in together
        assert article in together
        assert archive[:8] + " " + archive[8:16] in said
        assert not outside(pdf, tmp_path)


def pages_of(whole: CaptureEvidence, facts: CaptureFacts) -> dict[Language, bytes]:
    assert decode(encode(facts)) == facts, "a certificate is made of facts that a package can have"
    return render_certificates(replace(whole, facts=facts))


@pytest.mark.parametrize(
    ("title", "address"),
    [
        ("", "https://shop.example/"),
        ("字" * 1000, "https://shop.example/" + "a" * 1979),
        ("W" * 1000, "https://shop.example/" + "%E5%95%86" * 219),
        ("عرض الصيف الكبير " * 55, "https://shop.example/?q=שלום"),
        ("🛍️👩‍👩‍👧 " * 120, "https://shop.example/" + "i/" * 900),
        ("<script>alert(1)</script>{{ facts }}", "https://shop.example/?<b>"),
    ],
)
def test_whatever_a_page_is_called_stays_on_the_page(
    title: str, address: str, whole: CaptureEvidence, tmp_path: Path
) -> None:
    facts = whole.facts
    odd = replace(facts, address=address, page=replace(facts.page, title=title, address=address))
    for pdf in pages_of(whole, odd).values():
        assert not outside(pdf, tmp_path)
        if title.startswith("<"):
            assert title in text_of(pdf, tmp_path)


@pytest.mark.long
def test_the_most_that_facts_can_say_is_set(whole: CaptureEvidence, tmp_path: Path) -> None:
    facts, at = whole.facts, datetime(2026, 11, 30, tzinfo=UTC)
    host = HostFacts("h" * 253, "2001:db8::1", ("a" * 300,) * 20, "192.0.2.53", at, ("[2001:db8::1]:443",) * 200)
    leaf = (
        replace(facts.tls[0].leaf, subject="CN=" + "s" * 1997, issuer="字" * 2000) if facts.tls[0].leaf else None
    )
    most = replace(
        facts,
        hosts=(host,) * 200,
        tls=(replace(facts.tls[0], why="w" * 2000, leaf=leaf, chain=()),) * 100,
        traffic=replace(
            facts.traffic, hosts=2000, refused=(RefusedFacts("a", "w" * 2000),) * 200, refused_in_all=5000
        ),
        steps=(
            StepFacts(StepKind.CLICK, "#" + "t" * 1999, 1500, "done", "n" * 2000, at, "x" * 2000, "step-01.png"),
        )
        * 20,
        by=replace(facts.by, name="名" * 200, organisation="组" * 200, purpose="的" * 2000),
        page=replace(facts.page, loaded=False, cut=("time", "height"), error="e" * 2000),
    )
    assert decode(encode(most)) == most
    for pdf in pages_of(whole, most).values():
        assert not outside(pdf, tmp_path)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says that it has so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_picture_that_cannot_be_read_is_told(
    whole: CaptureEvidence, confinement: Confinement, tmp_path: Path
) -> None:
    for octets in (b"", b"GIF89a", bomb(60_000, 60_000), bomb(100, 100), whole.files["page.png"][:200]):
        assert thumbnail_of(confinement, octets) == b""
    for pdf in render_certificates(replace(whole, thumbnail=b"")).values():
        assert "page.png" in text_of(pdf, tmp_path)


def test_the_small_picture_is_the_upper_part_of_the_large_one(confinement: Confinement) -> None:
    page = Image.new("RGB", (1280, 30_000), "white")
    page.paste((200, 30, 30), (0, 0, 1280, 800))
    page.paste((0, 0, 0), (0, 5000, 1280, 30_000))
    written = io.BytesIO()
    page.save(written, "PNG")
    with Image.open(io.BytesIO(thumbnail_of(confinement, written.getvalue()))) as small:
        assert small.format == "JPEG"
        assert small.size == (720, 972)
        assert small.getpixel((360, 100))[0] > 180  # type: ignore[index]
        assert min(small.getpixel((360, 900))) > 240  # type: ignore[arg-type]


def test_a_clock_that_nobody_proves_is_told(whole: CaptureEvidence, tmp_path: Path) -> None:
    facts = whole.facts
    assert facts.clock is not None
    declared = replace(facts, clock=replace(facts.clock, source="declared", offset=None, error=None))
    assert "not verified" in text_of(pages_of(whole, declared)[Language.ENGLISH], tmp_path)
    unknown = replace(facts, clock=None, ended=facts.ended + timedelta(seconds=1))
    assert "did not say" in text_of(pages_of(whole, unknown)[Language.ENGLISH], tmp_path)


def test_a_proxy_of_the_house_and_what_it_did_is_told(whole: CaptureEvidence, tmp_path: Path) -> None:
    facts = whole.facts
    host = replace(facts.hosts[0], address="", answers=(), resolver="", connected=("192.0.2.80:3128",))
    tls = replace(facts.tls[0], trust=TlsTrust.HOUSE)
    network = replace(facts.network, proxy="proxy.example:3128")
    pages = pages_of(whole, replace(facts, hosts=(host,), tls=(tls,), network=network))
    said = " ".join(text_of(pages[Language.ENGLISH], tmp_path).split())
    for told in ("proxy.example:3128", "by the proxy", "192.0.2.80:3128", "without the proxy", "can open TLS"):
        assert told in said, told


def test_a_log_in_by_hand_is_told(whole: CaptureEvidence, tmp_path: Path) -> None:
    facts = whole.facts
    assert "works in the browser by hand" in " ".join(
        text_of(pages_of(whole, facts)[Language.ENGLISH], tmp_path).split()
    )
    made = LogInFacts(facts.began - timedelta(minutes=3), facts.began, 1_234, ("login.example",), 9)
    said = " ".join(text_of(pages_of(whole, replace(facts, log_in=made))[Language.ENGLISH], tmp_path).split())
    for told in ("1,234", "login.example (+8)", "From then on nobody", "log out of it", "by their word alone"):
        assert told in said, told


def test_another_host_that_begins_alike_is_not_the_page(whole: CaptureEvidence) -> None:
    facts = whole.facts
    other = replace(facts.tls[0], host="shop")
    assert page_security(replace(facts, tls=(other, facts.tls[0]))) == [facts.tls[0]]
    assert page_security(replace(facts, address="http://[", page=replace(facts.page, address="about:blank"))) == []
