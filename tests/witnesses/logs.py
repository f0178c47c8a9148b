"""Logs of our own making, whose keys are here: any history can be signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ed25519

from appliance.witnesses.messages import Submission
from hsm.merkle import consistency_ranges, leaf_hash, node_hash, range_hash
from hsm.note import Checkpoint, NoteKey, sign_checkpoint

ORIGIN = "log.jia.example"


@dataclass(frozen=True, slots=True)
class SignedLog:
    """A log with its leaves; ``forked`` has the same key and another history."""

    leaves: Sequence[bytes]
    private: ed25519.Ed25519PrivateKey = field(default_factory=ed25519.Ed25519PrivateKey.generate)
    origin: str = ORIGIN

    @property
    def key(self) -> NoteKey:
        return NoteKey.from_public_key(self.origin, self.private.public_key())

    def hash_of(self, start: int, end: int) -> bytes:
        def subtree(first: int, last: int) -> bytes:
            if last - first == 1:
                return leaf_hash(self.leaves[first])
            middle = (first + last) // 2
            return node_hash(subtree(first, middle), subtree(middle, last))

        return range_hash(start, end, subtree)

    def note(self, size: int) -> bytes:
        return sign_checkpoint(Checkpoint(self.origin, size, self.hash_of(0, size)), self.key, self.private.sign)

    def proof(self, old: int, new: int) -> tuple[bytes, ...]:
        return tuple(self.hash_of(*each) for each in consistency_ranges(old, new))

    def submission(self, old: int, new: int) -> bytes:
        return Submission(old, self.proof(old, new), self.note(new)).encode()

    def forked(self, at: int) -> SignedLog:
        """The same log up to *at* entries, continued differently."""
        later = [b"another " + each for each in self.leaves[at:]]
        return SignedLog([*self.leaves[:at], *later], self.private, self.origin)


def new_log(size: int = 40, origin: str = ORIGIN) -> SignedLog:
    return SignedLog([b"entry %d" % each for each in range(size)], origin=origin)
