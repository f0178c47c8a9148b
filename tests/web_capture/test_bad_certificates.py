"""Servers whose certificate nobody should believe are captured, and the capture says so."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.web_capture.model import TlsTrust
from appliance.web_capture.upstream import server_trust
from tests.web_capture.conftest import Capturing
from tests.web_capture.servers import Server, certificate, page

Authority = tuple[Callable[..., ssl.SSLContext], Callable[[], ssl.SSLContext]]


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("expired", "certificate has expired"),
        ("self-signed", "self-signed certificate"),
        ("another name", "Hostname mismatch"),
        ("unknown issuer", "unable to get local issuer certificate"),
    ],
)
def test_it_is_told(
    kind: str,
    why: str,
    served: Callable[..., Server],
    capturing: Capturing,
    authority: Authority,
    tmp_path: Path,
) -> None:
    of, trust = authority
    contexts = {
        "expired": lambda: of("site.example", days=(-30, -1)),
        "self-signed": lambda: certificate(tmp_path, ["site.example"])[0],
        "another name": lambda: of("other.example"),
        "unknown issuer": lambda: of("site.example"),
    }
    server = served({"site.example": lambda _: page("<p>shown all the same")}, contexts[kind]())
    believed = server_trust if kind == "unknown issuer" else trust
    found = capturing(f"https://site.example:{server.port}/", ["site.example"], trust=believed)
    facts = found.capture.traffic.tls["site.example"]
    assert facts.trust is TlsTrust.UNTRUSTED
    assert why in facts.why
    assert facts.chain
    assert found.capture.visit.text == "shown all the same"


def test_of_several_connections_the_least_trusted_one_is_told(
    served: Callable[..., Server], capturing: Capturing, authority: Authority, tmp_path: Path
) -> None:
    """Whoever is between gives the page by a certificate of his own, and lets what it loads pass."""
    of, trust = authority
    good = of("site.example")
    bad, own, _ = certificate(tmp_path, ["site.example"])
    real = served({"site.example": lambda _: page("", kind="text/css")}, good)
    between = served(
        {"site.example": lambda _: page(f"<link rel=stylesheet href=//site.example:{real.port}/a.css>forged")}, bad
    )
    found = capturing(f"https://site.example:{between.port}/", ["site.example"], trust=trust)
    assert [each.path for each in real.seen if each.path == "/a.css"] == ["/a.css"]
    facts = found.capture.traffic.tls["site.example"]
    assert facts.trust is TlsTrust.UNTRUSTED
    assert facts.chain == (own.public_bytes(Encoding.DER),)
