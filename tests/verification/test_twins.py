"""The same bytes with the signature at another place of which they say that it is there: nobody has seen that."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.pdf.byte_ranges import ByteRange
from appliance.verification.model import Indication
from hsm import cms
from tests.holder import Holder
from tests.pdf import twins
from tests.pdf.twins import Stated
from tests.sweeps import first_of
from tests.verification.authorities import World
from tests.verification.conftest import Verify

ODD = (twins.with_an_escape, twins.by_reference, twins.with_a_sign, twins.with_a_comment)


@pytest.mark.parametrize("shown", first_of([twins.plainly, *ODD[:2]]))
@pytest.mark.parametrize("other", [twins.plainly, twins.without_blank, *ODD])
def test_neither_of_two_passes(
    good: World, verify: Verify, monkeypatch: pytest.MonkeyPatch, shown: Stated, other: Stated
) -> None:
    monkeypatch.setattr(twins, "plainly", shown)
    both = twins.twins(other)
    assert isinstance(good.signer.key, ec.EllipticCurvePrivateKey)
    signer = Holder(good.signer.key, good.signer.certificate, (good.issuing.certificate,))
    start, length = both.shown.gap
    signed = ByteRange(start, start + length, len(both.shown.content))
    message = cms.sign_detached(signer, digest=signed.digest(both.shown.content, "sha256"))
    for each in (both.shown, both.other):
        assert verify(each.filled(message)).indication is not Indication.PASSED
