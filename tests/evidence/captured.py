"""Packages of web captures: a page on loopback, visited by the real browser, and packed by the real code.

With the keys of :mod:`tests.evidence.authority`, so that tests can change a package and seal it again; and by the
real authority of a world (:func:`recorded`). Test packages import the fixtures that they want.
"""

from __future__ import annotations

import copy
import gzip
import hashlib
import io
import json
import pickle
import re
import secrets
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.captures import CaptureRequest, RecordedCapture
from appliance.captures.recording import Keep, keep_nothing, new_capture_id
from appliance.evidence.captures.facts import CapturedBy, CaptureFacts, NetworkFacts, encode
from appliance.evidence.captures.gathering import CaptureSurroundings, captured_files, facts_of
from appliance.evidence.captures.model import CaptureEvidence
from appliance.evidence.captures.package import build
from appliance.evidence.model import Certificates, LogEntry, LogMaterial, TimestampExchange
from appliance.ledger.entry import LedgerEntry, leaf_of
from appliance.web_capture.capturing import Capture, capture
from appliance.web_capture.destinations import Destinations
from appliance.web_capture.model import CaptureLimits, CaptureOrder
from appliance.web_capture.wacz import INDEX, CapturedPage, wacz
from appliance.web_capture.warc import index_entry
from appliance.wiring import Appliance
from hsm import canonical, timestamp
from hsm.note import Checkpoint, NoteKey, sign_checkpoint
from tests.evidence import contract
from tests.evidence.authority import START, TestAuthority
from tests.shared import made_once
from tests.web_capture.servers import Server, page

HOST = "shop.example"
HOUSE = "甲公司示例有限公司"
PATH = "/goods?id=1&colour=%22red%22"
NUMBERS = ("0123456789abcdef01234567", "89abcdef0123456789abcdef")
ENTRY, ENTRIES = 17, 40
"""Which entry of the log the capture is, and how many there are."""
_BODY = "<title>夏季新款 “Summer”</title><h1>{name}</h1><p style='height:1200px'>¥ 99.00</p><img src='/a.png'>"


def small_capture(name: str = "one") -> Capture:
    """The capture of a small page, made once for all tests of a run; its clock begins at :data:`START`."""
    folder = made_once(f"capture-{name}", lambda folder: _captured(name, folder))
    found = pickle.loads((folder / "capture").read_bytes())  # noqa: S301  # written by this run of the tests
    assert isinstance(found, Capture)
    return found


def _captured(name: str, folder: Path) -> None:
    server = Server({HOST: lambda _: page(_BODY.format(name=name))})
    began = time.monotonic()

    def clock() -> datetime:
        return START + timedelta(seconds=time.monotonic() - began)

    def look(host: str) -> tuple[list[str], tuple[str, ...], str]:
        if host != HOST:
            raise OSError(host)
        return ["127.0.0.1"], (f"{host}. 60 IN A 127.0.0.1",), "192.0.2.53"

    try:
        found = capture(
            CaptureOrder(f"http://{HOST}:{server.port}{PATH}"),
            Destinations([HOST], clock, look=look, loopback=True),
            clock=clock,
            limits=CaptureLimits(seconds=20.0),
            made_by="vermilion test",
        )
    finally:
        server.close()
    (folder / "capture").write_bytes(pickle.dumps(found))


def surroundings() -> CaptureSurroundings:
    """A house that allows the host by name; nothing is known of its clock."""
    return CaptureSurroundings(HOUSE, "Asia/Shanghai", NetworkFacts(allowed=(HOST,)))


def facts_for(found: Capture, number: str = NUMBERS[0]) -> CaptureFacts:
    """The facts of a capture that 张示例 had made."""
    by = CapturedBy("张示例", HOUSE, "固定侵权页面")
    return facts_of(found, number=number, by=by, surroundings=surroundings())


@dataclass(frozen=True)
class Told:
    """What a test has another way than it is: in the log's entry, and in what opens it. ``at`` is the time of the
    entry, ``stamped`` the moment at which the WARC is dated, ``warc`` what is dated instead, ``stamper`` whose
    authority dates it."""

    kind: str = "page-captured"
    public: dict[str, Any] = field(default_factory=dict)
    private: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    stamped: datetime | None = None
    warc: bytes | None = None
    stamper: TestAuthority | None = None
    facts: CaptureFacts | None = None


def evidence_for(
    authority: TestAuthority, found: Capture, number: str = NUMBERS[0], *, told: Told | None = None
) -> CaptureEvidence:
    """All about the capture, dated and logged by *authority* from two seconds after its end on, but for what
    *told* has another way."""
    told, authority = told or Told(), copy.copy(authority)
    files, facts = captured_files(found), told.facts or facts_for(found, number)
    authority.now = told.stamped or (found.ended + timedelta(seconds=2)).replace(microsecond=0)
    request = timestamp.build_request(
        timestamp.order_for(
            _sha256(found.warc if told.warc is None else told.warc), nonce=secrets.randbits(63), certificates=True
        )
    )
    stamper = copy.copy(told.stamper or authority)
    stamper.now = authority.now
    exchange = TimestampExchange(request, stamper.reply(request))
    stamp = timestamp.parse_token(timestamp.parse_response(exchange.reply))
    at = told.at or stamp.gen_time
    public = {
        "actor": "person-zhang",
        "capture": number,
        "facts": _sha256(encode(facts)).hex(),
        "warc": _sha256(found.warc).hex(),
        "serial": f"{stamp.serial:x}",
        **told.public,
    }
    private = {"address": facts.address, "name": "张示例", "title": facts.page.title, **told.private}
    private = {name: value for name, value in private.items() if value is not None}
    authority.now = at + timedelta(seconds=1)
    log = log_of(authority, LedgerEntry(told.kind, at, public, private))
    return CaptureEvidence(
        facts=facts,
        files=files,
        exchange=exchange,
        certificates=Certificates(
            root=authority.root.certificate,
            intermediates=(authority.issuing.certificate,),
            timestamping=authority.tsa.certificate,
            evidence=authority.evidence.certificate,
            crls=authority.crls(),
        ),
        log=log,
        audience=HOUSE,
        created=authority.now,
    )


def log_of(authority: TestAuthority, entry: LedgerEntry) -> LogMaterial:
    """A log in which *entry* stands among others, by the log key of *authority*."""
    opening = {
        name: {"salt": f"{number:064x}", "value": value}
        for number, (name, value) in enumerate(sorted(entry.private.items()))
    }
    leaves = [canonical.encode({"entry": index, "kind": "example"}) for index in range(ENTRIES)]
    leaves[ENTRY] = leaf_of(entry, opening)
    tree = contract.Tree(leaves)
    key = NoteKey.from_public_key(contract.ORIGIN, authority.log_key.public_key())
    checkpoint = sign_checkpoint(
        Checkpoint(contract.ORIGIN, len(leaves), tree.root()), key, authority.log_key.sign
    )
    [logged] = [LogEntry(ENTRY, leaves[ENTRY], tree.proof(ENTRY, checkpoint), opening)]
    return LogMaterial(checkpoint, authority.token(checkpoint), key.vkey(), (logged,))


def built(authority: TestAuthority, evidence: CaptureEvidence, *, at: datetime | None = None) -> bytes:
    """The package of *evidence*, sealed a second after it was put together, or *at* another time."""
    later = copy.copy(authority)
    later.now = at or evidence.created + timedelta(seconds=1)
    return build(evidence, contract.seals(later))


def packed_again(found: Capture, **other: Any) -> Capture:
    """The capture with *other* times or another visit, in a WACZ that says so."""
    with zipfile.ZipFile(io.BytesIO(found.wacz)) as archive:
        told = [json.loads(line.split(" ", 2)[2]) for line in archive.read(INDEX).decode().splitlines()]
    # A form's own line behind that by which readers open the page.
    told.sort(key=lambda each: (int(each["offset"]), "method" in each))
    entries = []
    for each in {int(each["offset"]): each for each in told}.values():
        place = int(each["offset"]), int(each["length"])
        record = gzip.decompress(found.warc[place[0] : sum(place)])
        at = re.search(rb"\r\nWARC-Date: ([^\r]*)", record)
        assert at is not None
        block = record.partition(b"\r\n\r\n")[2][:-4]
        entry = index_entry(each["url"], datetime.fromisoformat(at[1].decode()), block, place)
        entries.append(replace(entry, method=each.get("method", "GET"), body=each.get("requestBody", "")))
    found = replace(found, **other)
    page = CapturedPage(found.visit.loaded_address, found.visit.title, found.visit.text, found.began)
    return replace(found, wacz=wacz(found.warc, entries, page, made_by="test", at=found.ended))


def _sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def recorded(
    appliance: Appliance,
    found: Capture,
    *,
    by: str,
    name: str,
    keep: Keep = keep_nothing,
    change: Callable[[Capture], Capture] = lambda capture: capture,
) -> RecordedCapture:
    """The capture, but for a *change*, as the real appliance records it, as if it had ended just now."""
    ended = appliance.now()
    found = change(packed_again(found, began=ended - (found.ended - found.began), ended=ended))
    request = CaptureRequest(new_capture_id(), "固定侵权页面", name, HOUSE, "Asia/Shanghai")
    return appliance.capture_recording.record(found, request=request, by=by, keep=keep)


@pytest.fixture(scope="session")
def capture_authority() -> TestAuthority:
    """Whose keys seal :func:`capture_package`; its time is ten minutes later, so that it can seal that again."""
    return TestAuthority(now=START + timedelta(minutes=10))


@pytest.fixture(scope="session")
def capture_evidence(capture_authority: TestAuthority) -> CaptureEvidence:
    return evidence_for(capture_authority, small_capture())


@pytest.fixture(scope="session")
def capture_package(capture_authority: TestAuthority, capture_evidence: CaptureEvidence) -> bytes:
    """A good package."""
    return built(capture_authority, capture_evidence)


@pytest.fixture(scope="session")
def other_capture_package(capture_authority: TestAuthority) -> bytes:
    """A good package of another capture in the same house."""
    return built(capture_authority, evidence_for(capture_authority, small_capture("two"), NUMBERS[1]))
