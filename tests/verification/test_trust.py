"""Certificates of strangers are read where documents are: confined, and for one verification."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.confinement.pool import Confinement
from appliance.errors import ConfigurationError
from appliance.evidence.manifest_signature import LARGEST_CERTIFICATE, certificates_in
from appliance.evidence.model import PackageRefused
from appliance.verification import Indication, TrustAnchors, Verifier, material, trust
from appliance.verification.verifier import named_anchors
from tests.verification.authorities import NOW, World, authority
from tests.verification.documents import signed


def test_the_caller_reads_no_certificate_that_it_is_given(
    confinement: Confinement, good: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    monkeypatch.setattr(trust, "parsed", read.append)
    monkeypatch.setattr(material, "parsed", read.append)
    monkeypatch.setattr(trust, "read_certificate", read.append)
    verifier = Verifier(confinement, (), clock=lambda: NOW + timedelta(days=1))
    given = TrustAnchors((good.root.certificate,), known=(good.issuing.certificate,))
    report = verifier.verify_pdf(signed(good, level="B-T"), trust=given)
    assert report.indication is Indication.PASSED and not read


def test_a_certificate_in_a_package_may_not_be_huge(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = authority("ours")
    assert certificates_in(ours.pem) == (ours.certificate,)
    monkeypatch.setattr("appliance.evidence.manifest_signature.LARGEST_CERTIFICATE", 100)
    assert LARGEST_CERTIFICATE > 100
    with pytest.raises(PackageRefused):
        certificates_in(ours.pem)


@pytest.mark.parametrize("name", [b"\x0c\x05\xff\xff\xff\xff\xff", b"\x03\x05Other", b"\x02\x05Other"])
def test_a_named_certificate_whose_name_cannot_be_read_is_refused(name: bytes) -> None:
    """The library reads names only when they are asked for: no text, a type that no name has."""
    odd = authority("Other").der.replace(b"\x0c\x05Other", name)
    with pytest.raises(ConfigurationError, match="no certificate"):
        named_anchors([odd])
