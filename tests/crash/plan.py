"""Which fault strikes where, in which order: every pair comes before any comes twice."""

from __future__ import annotations

import random
from dataclasses import dataclass

from appliance.contracts.crash_safety import Failpoint
from tests.crash.faults import FAULTS, ON_OWN_DISK

RANDOM, BEGIN = "at random", "begin"
APPROVED = "approved"
"""What was prepared is activated, and the authority remembers it; it has not been asked to sign."""
_ALL = [failpoint.name for failpoint in Failpoint]
_ARCHIVING = _ALL[_ALL.index("ARCHIVE_PREPARED") :]
_SIGNING = [name for name in _ALL if name not in _ARCHIVING]
_OWN = ("kill", "fsync fails", "writes fail")
"""What a performer does to itself at any failpoint."""
_REPLIES = ("reply lost", "reply broken off")
"""The same, just before it asks the authority."""
_AT_FAILPOINTS = (
    "HSM away",
    "disk full",
    "authority cannot write",
    "confined killed",
    "zygote killed",
    "all workers killed",
    "authority killed",
    "another machine",
)
"""What is done to the site at any failpoint; these and all others come at random moments, too."""
_REPORTS = {
    "fsync fails": "COMPLETION_WRITTEN",
    "writes fail": "CMS_RECEIVED",
    "confined killed": "TIMESTAMP_PERSISTED",
    "another machine": "CMS_PERSISTED",
}
"""Where a fault would do most harm; other ones just before the authority is asked."""
BRIEF = {
    "kill": ("CMS_RECEIVED", "COMPLETION_WRITTEN", "ARCHIVE_STORED"),
    "writes fail": ("CMS_RECEIVED",),
    "reply lost": ("INTENT_CLAIMED",),
    "authority killed": ("INTENT_CLAIMED",),
}
"""Faults of the shortest plan, and where they strike."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """``fault`` during ``act`` (sign, seal or place) ``at`` a failpoint, at its beginning, once it is activated,
    or at random."""

    act: str
    fault: str
    at: str

    @property
    def is_own(self) -> bool:
        """Whether the performer does it to itself."""
        return self.fault not in FAULTS

    @property
    def leaves_signature(self) -> bool | None:
        """Whether recovery completes a killed signer's signature (docs/signing-cycle.md); None: it may."""
        if (self.act, self.fault) != ("sign", "kill"):
            return None
        return self.at in _SIGNING and _SIGNING.index(self.at) >= _SIGNING.index("CMS_PERSISTED")


def scenarios(*, own_disk: bool) -> list[Scenario]:
    """Every pair; without *own_disk* none that fills it."""
    found = []
    for act, places in (
        ("sign", [*_SIGNING, BEGIN, APPROVED]),
        ("seal", [*_ARCHIVING, BEGIN]),
        ("place", [BEGIN]),
    ):
        found += [Scenario(act, fault, at) for at in places for fault in (*_OWN, *_AT_FAILPOINTS)]
        found += [Scenario(act, fault, RANDOM) for fault in FAULTS]
    found += [Scenario(act, fault, BEGIN) for act in ("sign", "seal") for fault in _REPLIES]
    found += [Scenario("sign", fault, at) for at in (APPROVED, "INTENT_CLAIMED") for fault in _REPLIES]
    return [each for each in found if own_disk or each.fault not in ON_OWN_DISK]


def few(*, own_disk: bool) -> list[Scenario]:
    """A kill at every failpoint, and every other fault once: what a short run has time for."""
    every = scenarios(own_disk=own_disk)
    chosen = {(each.fault, each.at): each for each in every if each.fault == "kill"}
    for each in every:
        at = (_REPORTS.get(each.fault, "INTENT_CLAIMED"), RANDOM)
        if each.fault != "kill" and each.act == "sign" and each.at in at:
            chosen.setdefault((each.fault, ""), each)
    return list(chosen.values())


def brief(*, own_disk: bool) -> list[Scenario]:
    """Of :func:`few` those of each kind that have found most: what `make test` has time for."""
    return [each for each in few(own_disk=own_disk) if each.at in BRIEF.get(each.fault, ())]


PLANS = {"few": few, "brief": brief}
"""Plans that come to an end, by name."""


@dataclass(frozen=True, slots=True)
class Share:
    """Each ``number``-th scenario of the ``plan`` (:data:`PLANS`), from the ``lane``-th on (0 is the first); as
    text ``few 1/2``."""

    lane: int
    number: int
    plan: str = "few"

    def __str__(self) -> str:
        return f"{self.plan} {self.lane + 1}/{self.number}"

    @classmethod
    def read(cls, rounds: str) -> Share | None:
        """What the text says; None for a number of rounds."""
        plan, _, share = rounds.partition(" ")
        lane, _, number = share.partition("/")
        return cls(int(lane) - 1, int(number), plan) if plan in PLANS else None

    def scenarios(self, *, own_disk: bool) -> list[Scenario]:
        """Its part of the plan."""
        return PLANS[self.plan](own_disk=own_disk)[self.lane :: self.number]


class Plan:
    """Gives the next scenario for the acts that a contract allows now."""

    def __init__(self, every: list[Scenario], *, seed: int, again: bool) -> None:
        """*again*: begin anew, in another order, when all have come."""
        self._every = every
        self._again = again
        self._random = random.Random(seed)  # noqa: S311 -- where to break something is no secret
        self.left = self._shuffled()

    def next(self, *acts: str) -> Scenario | None:
        """The next one whose act is among *acts*; None when there is none left."""
        for _ in range(2 if self._again else 1):
            for each in self.left:
                if each.act in acts:
                    self.left.remove(each)
                    return each
            self.left += self._shuffled() if self._again else []
        return None

    def moment(self) -> float:
        """Seconds until something strikes at random."""
        return self._random.uniform(0.0, 0.3)

    def _shuffled(self) -> list[Scenario]:
        return self._random.sample(self._every, len(self._every))
