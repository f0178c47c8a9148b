"""Serial numbers: unique among ten thousand that are issued at the same time, and each in the log."""

from __future__ import annotations

import secrets

from hsm.timestamp import build_request, order_for, parse_response, parse_token
from tests.conformance.endpoint import RunningTsa
from tests.conformance.flood import Answer, flood

MANY = 10_000


def test_ten_thousand_issued_concurrently_are_distinct_and_recorded(tsa: RunningTsa) -> None:
    before = tsa.recorded()
    requests = {build_request(order_for(secrets.token_bytes(32), nonce=number)): number for number in range(MANY)}
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

    assert len(serials) == len(nonces) == MANY
    assert tsa.recorded() == before + MANY
    assert tsa.serials() >= serials
