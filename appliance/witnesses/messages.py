"""What log and witness send each other (C2SP ``tlog-witness``, ``add-checkpoint``): the request's body, and the
size in an answer 409. The same body in a file is what goes to a witness without a network.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from hsm.errors import Malformed
from hsm.note import MOST_HASHES

PATH: Final = "/add-checkpoint"
"""Below the submission prefix."""

LATEST: Final = re.compile(r"/([0-9a-f]{64})/checkpoint")
"""Where monitors read the last checkpoint that was cosigned, of the log whose origin has this SHA-256."""

SIZE_KIND: Final = "text/x.tlog.size"
"""The media type of an answer 409 that names the size that the witness cosigned last."""

LARGEST: Final = 128 * 1024
"""Bytes of a request that a witness reads: 63 hashes, and a note with the 16 signatures that everybody must
take."""

_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True, slots=True)
class Submission:
    """A ``checkpoint`` (a signed note) that extends the log of ``old`` entries, by the ``proof`` (RFC 6962, 2.1.2;
    hashes of 32 bytes)."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """The body of a request."""
        hashes = [base64.b64encode(each).decode() for each in self.proof]
        return "\n".join([f"old {self.old}", *hashes, "", ""]).encode() + self.checkpoint


def parse_submission(body: bytes) -> Submission:
    """The submission in *body*; of the checkpoint nothing is looked at. Raises :class:`Malformed`."""
    head, blank, checkpoint = body.partition(b"\n\n")
    first, *hashes = head.decode("utf-8", "replace").split("\n")
    old = _OLD.fullmatch(first)
    if old is None or not blank or len(hashes) > MOST_HASHES:
        raise Malformed("The request is not of the form of C2SP tlog-witness: old size, hashes, empty line, note.")
    return Submission(int(old[1]), tuple(map(_hash, hashes)), checkpoint)


def origin_hash(origin: str) -> str:
    """SHA-256 (hexadecimal) of a log's name: what its last checkpoint has in its address."""
    return hashlib.sha256(origin.encode()).hexdigest()


def latest_path(origin: str) -> str:
    """The address, below the prefix, of the last checkpoint that was cosigned of the log *origin*."""
    return f"/{origin_hash(origin)}/checkpoint"


def encode_size(size: int) -> bytes:
    """The body of an answer 409."""
    return b"%d\n" % size


def parse_size(body: bytes) -> int:
    """The size in the body of an answer 409. Raises :class:`Malformed`."""
    size = _SIZE.fullmatch(body)
    if size is None:
        raise Malformed("The witness names no size.")
    return int(size[1])


def _hash(line: str) -> bytes:
    try:
        decoded = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("A hash of the proof is not base64.") from error
    if len(decoded) != 32 or base64.b64encode(decoded).decode() != line:
        raise Malformed("A hash of the proof is not 32 bytes in base64.")
    return decoded
