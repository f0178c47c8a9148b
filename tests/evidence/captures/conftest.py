"""One real capture, which all tests of its package begin with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.captures.facts import CapturedBy, CaptureFacts, NetworkFacts
from appliance.evidence.captures.gathering import CaptureSurroundings, facts_of
from appliance.time_sources import parse_time_sources
from appliance.web_capture.capturing import Capture, capture
from appliance.web_capture.destinations import Destinations
from appliance.web_capture.model import CaptureOrder
from appliance.web_capture.upstream import server_trust
from hsm.errors import Sentence
from hsm.operation_types import ClockReport, ClockState
from tests.evidence.captured import capture_authority, capture_evidence, capture_package, other_capture_package
from tests.web_capture.conftest import MADE_BY, QUICK, now
from tests.web_capture.servers import Server, certificate, page

__all__ = ["capture_authority", "capture_evidence", "capture_package", "other_capture_package"]

HOST = "shop.example"
BODY = (
    "<h1>夏季新款 侵权商品</h1><p style='height:1500px'>Price: ¥ 99.00</p><img src='/a.png'>"
    "<img src='https://elsewhere.example/pixel.gif'>"
)
CHRONY = (
    "^,*,192.0.2.1,2,6,377,23,-0.000012,-0.000010,0.000340\n"
    "^,+,192.0.2.2,2,6,377,21,0.000021,0.000023,0.000410\n"
    "192.0.2.1,NTS,1,15,256,33m,0,0,8,100\n192.0.2.2,NTS,1,15,256,33m,0,0,8,100\n"
)
BY = CapturedBy("张示例", "甲公司", "固定 shop.example 销售侵权商品的页面")
NUMBER = "0123456789abcdef01234567"


@pytest.fixture(scope="session")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Capture]:
    """A page over TLS with a title of several scripts, a picture, and a host that is not to be visited."""
    folder = tmp_path_factory.mktemp("served")
    _, root, key = certificate(folder, ["Test authority"])
    (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    title = "<title>夏季新款 – عرض الصيف 🛍️ &lt;b&gt;</title>"
    site = {HOST: lambda _: page(title + BODY)}
    server = Server(site, certificate(folder, [HOST], issuer=(root, key))[0])

    def look(name: str) -> tuple[list[str], tuple[str, ...], str]:
        if name != HOST:
            raise OSError(name)
        return ["127.0.0.1"], (f"{name}. 60 IN A 127.0.0.1",), "192.0.2.53"

    try:
        yield capture(
            CaptureOrder(f"https://{HOST}:{server.port}/goods?id=1"),
            Destinations([HOST], now, look=look, loopback=True),
            clock=now,
            limits=QUICK,
            trust=lambda: server_trust(str(folder / "root.pem")),
            made_by=MADE_BY,
        )
    finally:
        server.close()


SURROUNDINGS = CaptureSurroundings(
    operator="示例企业有限公司",
    zone="Asia/Shanghai",
    network=NetworkFacts(allowed=(HOST,)),
    clock=ClockReport("kernel", True, Sentence("Synchronised."), ClockState.IN_STEP, offset=-12, error=4_100),
    sources=parse_time_sources(CHRONY),
)


@pytest.fixture(scope="session")
def facts(captured: Capture) -> CaptureFacts:
    return facts_of(captured, number=NUMBER, by=BY, surroundings=SURROUNDINGS)


def later(at: datetime) -> datetime:
    """A moment with whole seconds after *at*."""
    return datetime.fromtimestamp(int(at.timestamp()) + 1, UTC)
