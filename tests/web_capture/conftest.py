"""Captures of pages on loopback, by the real browser in its real confinement."""

from __future__ import annotations

import gzip
import io
import ssl
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from warcio.archiveiterator import ArchiveIterator

from appliance.web_capture.capturing import Capture, capture
from appliance.web_capture.destinations import Destinations
from appliance.web_capture.live_view import LiveHand
from appliance.web_capture.model import CaptureLimits, CaptureOrder, CaptureProgress, CaptureStep
from appliance.web_capture.reporting import ignore
from appliance.web_capture.upstream import server_trust
from tests.web_capture.servers import Server, Site, certificate

MADE_BY = "vermilion test"
QUICK = CaptureLimits(seconds=20.0)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Captured:
    """A capture with its records: (type, address) → block, as warcio reads them."""

    capture: Capture

    @property
    def records(self) -> dict[tuple[str, str], bytes]:
        found = {}
        for record in ArchiveIterator(io.BytesIO(self.capture.warc), no_record_parse=True):
            address = record.rec_headers.get_header("WARC-Target-URI") or ""
            found[record.rec_type, address] = record.raw_stream.read()
        return found

    def response(self, address: str) -> bytes:
        return self.records["response", address]


Capturing = Callable[..., Captured]


@pytest.fixture
def served() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(sites: dict[str, Site], context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(sites, context))
        return servers[-1]

    yield start
    for each in servers:
        each.close()


def captured_of(
    address: str,
    hosts: list[str],
    *,
    elsewhere: dict[str, list[str]] | None = None,
    limits: CaptureLimits = QUICK,
    trust: Callable[[], ssl.SSLContext] = server_trust,
    progress: Callable[[CaptureProgress], None] = ignore,
    steps: tuple[CaptureStep, ...] = (),
    live: LiveHand | None = None,
) -> Captured:
    """Captures an address; *hosts* are found on this machine, and allowed; *elsewhere* leads where it says."""

    def look(name: str) -> tuple[list[str], tuple[str, ...], str]:
        if name in hosts:
            return ["127.0.0.1"], (f"{name}. 60 IN A 127.0.0.1",), "192.0.2.53"
        if name in (elsewhere or {}):
            return (elsewhere or {})[name], (), "192.0.2.53"
        raise OSError(name)

    where = Destinations(hosts, now, look=look, loopback=True)
    order = CaptureOrder(address, steps, log_in=live is not None)
    return Captured(
        capture(order, where, clock=now, limits=limits, trust=trust, made_by=MADE_BY, progress=progress, live=live)
    )


@pytest.fixture
def capturing() -> Capturing:
    return captured_of


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Callable[..., ssl.SSLContext], Callable[[], ssl.SSLContext]]:
    """Contexts of servers by an authority, and the context that believes it."""
    _, root, key = certificate(tmp_path, ["Test authority"])
    file = tmp_path / "root.pem"
    file.write_bytes(root.public_bytes(Encoding.PEM))

    def of(*names: str, days: tuple[int, int] = (-1, 30)) -> ssl.SSLContext:
        return certificate(tmp_path, list(names), issuer=(root, key), days=days)[0]

    return of, lambda: server_trust(str(file))


def inflated(octets: bytes) -> bytes:
    """What is in the first member of gzip; all of it, or as much as there is."""
    return zlib.decompressobj(31).decompress(octets) if octets else gzip.compress(b"")
