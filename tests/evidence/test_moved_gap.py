"""A signed PDF in which the gap of a signature is at another place, so that the same bytes are signed."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from appliance.evidence.extraction import locate_signatures
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from hsm import timestamp
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.real_contract import SignedPdf
from tests.evidence.resealing import resealed
from tests.evidence.test_forged_packages import Readers, readers

__all__ = ["readers"]

pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")


def test_a_gap_at_another_place_is_refused(
    readers: Readers, authority: TestAuthority, pdf: SignedPdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything between the two places has moved, so that tables lead elsewhere. The forger writes the log, and
    has the file dated."""
    token = locate_signatures(pdf.signed, pdf.archive)
    at = locate_signatures(pdf.signed, pdf.signatures[-1].cms).end
    gap = pdf.signed[token.gap_start : token.gap_end]
    moved = pdf.signed[:at] + gap + pdf.signed[at : token.gap_start] + pdf.signed[token.gap_end :]
    assert len(moved) == len(pdf.signed)
    entry = contract.LedgerEntry

    def written(kind: str, when: Any, public: dict[str, Any], private: Any = None) -> Any:
        if kind == "contract-completed":
            public = {**public, "digest": hashlib.sha256(moved).hexdigest()}
        return entry(kind, when, public, private or {})

    with monkeypatch.context() as patch:
        patch.setattr(contract, "LedgerEntry", written)
        good = build(contract.make(authority, pdf), contract.seals(authority))
    files = read_zip(good).files
    request = timestamp.build_request(timestamp.order_for(hashlib.sha256(moved).digest(), nonce=78))
    index = bytes(files["index.txt"]).decode()
    length = len(moved) - at - len(gap)
    line = rf"timestamp \1 {at} {at + len(gap)} {length}"
    index = re.sub(rf"timestamp (\d+) {token.gap_start} \d+ \d+\b", line, index)
    forged = resealed(
        good,
        {
            "contract/contract.signed.pdf": moved,
            "contract/contract.tsq": request,
            "contract/contract.tsr": authority.reply(request),
            "index.txt": index.encode(),
        },
        authority,
    )
    readers.refuse(forged, readme=False)
