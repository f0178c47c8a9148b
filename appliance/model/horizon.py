"""How long a timestamp proves anything: as long as its certificate, and the algorithms that it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

KNOWN = frozenset({"sha256", "sha384", "sha512", "sm3", "ecdsa-p256", "ecdsa-p384", "rsa-3072", "ed25519"})
"""The algorithms of our timestamps: hashes, and kinds of key."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """``until`` is the end of the certificate (aware); ``algorithms`` names hashes and key, sorted."""

    until: datetime
    algorithms: tuple[str, ...]

    def end(self, ends: Mapping[str, datetime]) -> datetime:
        """When it stops proving, given the *ends* of algorithms: the certificate's end, or an earlier one."""
        return min([self.until, *(ends[name] for name in self.algorithms if name in ends)])
