"""Serial numbers: unique among ten thousand that are issued at the same time, and each in the log."""

from __future__ import annotations

import secrets

import pytest

from hsm.timestamp import build_request, order_for, parse_response, parse_token
from tests.conformance.endpoint import RunningTsa
from tests.conformance.flood import Answer, flood
from tests.sweeps import first_of


@pytest.mark.parametrize("many", first_of((2_000, 10_000)))
def test_thousands_issued_concurrently_are_distinct_and_recorded(tsa: RunningTsa, many: int) -> None:
    before = tsa.recorded()
    requests = {build_request(order_for(secrets.token_bytes(32), nonce=number)): number for number in range(many)}
    serials: set[int] = set()
    nonces: set[int] = set()

    def heard(request: bytes, answer: Answer) -> None:
        assert answer.status == 200
        info = parse_token(parse_response(answer.body))
        assert info.nonce == requests[request]
        assert info.nonce is not None
        serials.add(info.serial)
        nonces.add(info.nonce)

    flood(tsa.port, iter(requests), heard, connections=32)

    assert len(serials) == len(nonces) == many
    assert tsa.recorded() == before + many
    assert tsa.serials() >= serials
