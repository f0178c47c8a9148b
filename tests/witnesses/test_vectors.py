"""Vectors of others: the requests of TestRace and TestTooManyProofs in FiloSottile/litewitness
(internal/witness/witness_test.go), the witness that C2SP tlog-witness comes from. Keys, roots and signatures are
facts of that file; the key behind them has the seed of gentest that stands there."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import pytest

from appliance.witnesses.cosigning import SubmissionRefused, Witness
from hsm.note import KeyKind, NoteKey

ORIGIN = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
LOG = NoteKey(
    ORIGIN, KeyKind.ED25519, bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
)
NO_HASHES: list[str] = []


def request(old: int, proof: list[str], size: int, root: str, signature: str) -> bytes:
    lines = [f"old {old}", *proof, "", ORIGIN, str(size), root, "", f"\N{EM DASH} {ORIGIN} {signature}", ""]
    return "\n".join(lines).encode()


ONE = (
    "KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=",
)
THREE = (
    "RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=",
    "UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=",
)
FIVE = (
    "QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=",
    "UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=",
)
TO_THREE = ["KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
TO_FIVE = [
    TO_THREE[0],
    "+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=",
    "KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
]


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path, "example.com", [LOG], lambda: datetime(2026, 11, 25, tzinfo=UTC))


def test_the_race_goes_to_the_larger(witness: Witness) -> None:
    witness.add_checkpoint(request(0, NO_HASHES, 1, *ONE))
    witness.add_checkpoint(request(1, TO_FIVE, 5, *FIVE))
    with pytest.raises(SubmissionRefused) as refused:
        witness.add_checkpoint(request(1, TO_THREE, 3, *THREE))
    assert (refused.value.status, refused.value.size) == (HTTPStatus.CONFLICT, 5)
    state = witness.states()[ORIGIN]
    assert state is not None
    assert state.root.hex() == "42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36"


def test_the_smaller_is_good_by_itself(witness: Witness) -> None:
    witness.add_checkpoint(request(0, NO_HASHES, 1, *ONE))
    witness.add_checkpoint(request(1, TO_THREE, 3, *THREE))


def test_more_than_63_hashes_are_no_request(witness: Witness) -> None:
    with pytest.raises(SubmissionRefused) as refused:
        witness.add_checkpoint(request(0, 64 * TO_THREE[:1], 1, *ONE))
    assert refused.value.status is HTTPStatus.BAD_REQUEST
