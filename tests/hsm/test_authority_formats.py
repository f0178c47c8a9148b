"""The formats with keys in the HSM: what the running authority signs, checked with the public anchors alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hsm.errors import BadRequest
from hsm.timestamp import RequestRefused, TimestampRequest, build_request, order_for, response_granted
from tests.authority import RunningAuthority
from tests.hsm.memory import openssl


def test_openssl_verifies_tokens_with_the_root_alone(authority: RunningAuthority, tmp_path: Path) -> None:
    orders = [order_for(hashlib.sha256(bytes([number])).digest(), nonce=number) for number in range(20)]
    issued = authority.client("tsa").timestamp(orders)
    assert [each.gen_time for each in issued] == sorted(each.gen_time for each in issued)
    assert len({each.serial for each in issued}) == len(issued)
    (tmp_path / "q.tsq").write_bytes(build_request(orders[7]))
    (tmp_path / "r.tsr").write_bytes(response_granted(issued[7].token))
    status, text = openssl(
        "ts", "-verify", "-queryfile", tmp_path / "q.tsq", "-in", tmp_path / "r.tsr",
        "-CAfile", authority.root / "trust/ca.pem",
    )  # fmt: skip
    assert status == 0, text


def test_the_authority_checks_orders_itself(authority: RunningAuthority) -> None:
    good = order_for(bytes(32))
    with pytest.raises(BadRequest):
        authority.client("tsa").timestamp([TimestampRequest(b"\x30\x00", None, None, certificates=True)])
    with pytest.raises(RequestRefused):
        authority.client("tsa").timestamp([TimestampRequest(good.imprint, "1.2.3.4", None, certificates=True)])
