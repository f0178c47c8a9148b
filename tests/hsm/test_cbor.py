"""A small frame must not become a large value: what is long is counted before it is decoded."""

from __future__ import annotations

import struct
import time

import cbor2
import pytest

from hsm.errors import Malformed
from hsm.protocol import decode_cbor


def decode(data: bytes) -> object:
    return decode_cbor(data, most_values=10_000, most_depth=16)


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x9a" + struct.pack(">I", 1 << 22) + b"\x80" * (1 << 22),
        b"\x9a" + struct.pack(">I", 1 << 21) + b"\x61a" * (1 << 21),
        cbor2.dumps([[{}] * 9] * 20_000),
    ],
    ids=["arrays", "texts", "nested"],
)
def test_too_many_values_are_refused_at_once(bomb: bytes) -> None:
    began = time.process_time()
    with pytest.raises(Malformed, match="more than 10000 values"):
        decode(bomb)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "value",
    [
        [b"x" * 100_000, "文" * 40_000, 1.5, None, True, -(1 << 70), {"a": [1, 2, 3]}],
        {f"name {number}": number << number for number in range(2500)},
    ],
)
def test_large_values_of_few_parts_come_back_whole(value: object) -> None:
    assert decode(cbor2.dumps(value)) == value


@pytest.mark.parametrize("cut", [0, 1, 70_000])
def test_what_is_cut_or_followed_by_something_is_refused(cut: int) -> None:
    whole = cbor2.dumps(["x" * 70_000])
    with pytest.raises(Malformed):
        decode(whole[:cut])
    with pytest.raises(Malformed):
        decode(whole + b"\x00")
