"""Offline inclusion proofs (C2SP ``tlog-proof``) and the way from an entry to the root, step by step."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.evidence.errors import PackageRefused
from hsm import merkle

_HEAD: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")
_MOST_HASHES: Final = 63


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A proof that the entry ``index`` is in the log of the ``checkpoint`` (the whole signed note)."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class ProofStep:
    """One step towards the root: the ``sibling``'s hash (32 bytes), and whether it stands left of ours."""

    sibling: bytes
    left: bool


def parse_proof(proof: bytes) -> InclusionProof:
    """The proof in a ``.tlog-proof`` file, in its one form. Raises :class:`PackageRefused`."""
    head, blank, checkpoint = proof.partition(b"\n\n")
    lines = head.decode("utf-8", "replace").split("\n")
    index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    if lines[0] != _HEAD or index is None or not blank or len(lines) - 2 > _MOST_HASHES:
        raise PackageRefused("An inclusion proof is not in the form of C2SP tlog-proof.")
    return InclusionProof(int(index[1]), tuple(_hash(line) for line in lines[2:]), checkpoint)


def proof_steps(index: int, size: int, hashes: Sequence[bytes]) -> Iterator[ProofStep]:
    """From the leaf *index* of a log of *size* up to its root (RFC 6962, 2.1.1), for a proof that was verified."""
    for (start, _), sibling in zip(merkle.inclusion_ranges(index, size), hashes, strict=True):
        yield ProofStep(sibling, left=start < index)


def _hash(line: str) -> bytes:
    try:
        decoded = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PackageRefused("A hash of an inclusion proof is not base64.") from error
    if base64.b64encode(decoded).decode() != line:
        raise PackageRefused("A hash of an inclusion proof has more than one form.")
    return decoded
