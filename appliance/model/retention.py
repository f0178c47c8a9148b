"""How long things are kept and proven: holds, disposals, erasure of a person, and when a timestamp ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.model.contract import ContractState


class DisposalState(StrEnum):
    """``proposed`` by one officer → ``done`` (by another where policy says so) or ``refused``."""

    PROPOSED = "proposed"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class LegalHold:
    """A legal hold: while it is not ``lifted``, nothing of what it is ``about`` (a contract or a web capture, by
    its number) is disposed of or erased."""

    about: str
    reason: str
    placed: datetime
    placed_by: str
    lifted: datetime | None = None
    lifted_by: str | None = None
    lifted_because: str | None = None


@dataclass(frozen=True, slots=True)
class Disposal:
    """That the documents and personal data go of what it is ``about``, a contract or a web capture; ``entry`` is
    the log entry once it is done."""

    about: str
    reason: str
    state: DisposalState
    proposed: datetime
    proposed_by: str
    ended: datetime | None = None
    ended_by: str | None = None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class EndedContract:
    """A contract that nothing more happens to, as retention sees it: no title, no names.

    ``since`` is its last change; ``until`` is how long it is kept, None for ever.
    """

    contract: str
    kind: str
    state: ContractState
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ErasureRemainder:
    """What erasing *subject* leaves, and why: contracts that have to be kept still name the person."""

    subject: str
    contracts: tuple[EndedContract, ...]
    running: tuple[str, ...]
    held: tuple[str, ...]


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
