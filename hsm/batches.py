"""Several uses of keys that one person activates at once: a Merkle tree over their intents (RFC 6962, 2.1).

The leaves are the intents' challenges in the order in which they are shown; the challenge of the *batch*, which
the authenticator signs, names the root. So one assertion covers exactly these intents, and each is checked for
itself when its key signs: by its audit path, without the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hsm import canonical
from hsm.errors import BadRequest
from hsm.intents import SigningIntent, instant
from hsm.merkle import extended, fold, inclusion_ranges, leaf_hash, verify_inclusion

FEWEST_MEMBERS, MOST_MEMBERS = 2, 100
"""Of a batch, whatever the settings say."""

LARGEST = 768 * 1024
"""Bytes of all intents (canonical JSON): a request to the authority has less than a megabyte
(:data:`hsm.protocol.REQUEST_LIMIT`)."""

MEMBER = "batch_member"
"""Among the values of a refusal of a batch: which member (from 1) it is about."""


@dataclass(frozen=True, slots=True)
class BatchMembership:
    """That an intent is number ``index`` (from 0) of ``count`` that were activated at once, under the root (32
    bytes) of their tree; ``path`` is its audit path, lowest first."""

    root: bytes
    count: int
    index: int
    path: tuple[bytes, ...]

    def require(self, challenge: bytes) -> None:
        """Raises :class:`hsm.errors.ConsistencyRefused` unless the intent of this *challenge* is that member."""
        leaf = leaf_hash(challenge)
        verify_inclusion(index=self.index, size=self.count, leaf=leaf, proof=self.path, root=self.root)

    def fields(self) -> dict[str, Any]:
        """What is kept of it with a signature; the place counts from 1."""
        return {"count": self.count, "place": self.index + 1, "root": self.root.hex()}


@dataclass(frozen=True, slots=True)
class SigningBatch:
    """The *members* in the order in which they are shown; it ends with the first of them.

    A member is a signature of the person's own, or the use of a seal for which they ask, or which they approve as
    its custodian. Making one raises :class:`BadRequest` for too few or too many, for two that sign the same, and
    for what a request to the authority cannot hold.
    """

    members: tuple[SigningIntent, ...]

    def __post_init__(self) -> None:
        if not FEWEST_MEMBERS <= len(self.members) <= MOST_MEMBERS:
            raise BadRequest(
                "From {least} to {most} documents can be confirmed at once.",
                least=FEWEST_MEMBERS,
                most=MOST_MEMBERS,
            )
        for names in ({each.nonce for each in self.members}, {(each.digest, each.field) for each in self.members}):
            if len(names) != len(self.members):
                raise BadRequest("A document is there twice; each is confirmed once.")
        if sum(len(canonical.encode(each.fields())) for each in self.members) > LARGEST:
            raise BadRequest(
                "The names of all these parties are too much for one confirmation; take fewer documents."
            )

    @property
    def expires(self) -> datetime:
        """When the first of them expires (aware)."""
        return min(each.expires for each in self.members)

    @property
    def root(self) -> bytes:
        """The root (32 bytes) of the tree over the members' challenges."""
        return _root(self._leaves())

    def fields(self) -> dict[str, Any]:
        """The batch as the JSON object that is hashed."""
        return {
            "act": "batch",
            "count": len(self.members),
            "expires": instant(self.expires),
            "root": self.root.hex(),
        }

    def challenge(self) -> bytes:
        """SHA-256 (32 bytes) of the canonical batch."""
        return hashlib.sha256(canonical.encode(self.fields())).digest()

    def memberships(self) -> list[BatchMembership]:
        """That of each member, in order."""
        leaves = self._leaves()
        count, root = len(leaves), _root(leaves)
        return [
            BatchMembership(
                root,
                count,
                index,
                tuple(_root(leaves[start:end]) for start, end in inclusion_ranges(index, count)),
            )
            for index in range(count)
        ]

    def _leaves(self) -> list[bytes]:
        return [leaf_hash(each.challenge()) for each in self.members]


def _root(leaves: Sequence[bytes]) -> bytes:
    return fold(extended(0, (), leaves))
