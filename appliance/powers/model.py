"""What is asked of the powers, and what they answer. Values alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.model.money import Money
from appliance.model.powers import Power
from hsm.errors import Sentence


@dataclass(frozen=True, slots=True)
class CoverageQuery:
    """A signature that ``agent`` (a subject, called ``name``) makes for ``organisation`` at ``now``.

    ``kinds`` are the names of the contract's type, the initiator's own word first. ``seal`` is the subject of the
    seal whose use is asked for. ``needed``: policy demands a power; ``amount_needed``: a limit takes an amount.
    ``zone`` (IANA) is that of times in words.
    """

    organisation: str
    agent: str
    name: str
    kinds: tuple[str, ...]
    counterparties: tuple[str, ...]
    amount: Money | None
    seal: str | None
    now: datetime
    zone: str
    needed: bool = True
    amount_needed: bool = True


class CoverageTest(StrEnum):
    """What each power is tested for, in this order."""

    __test__ = False  # no test of pytest's

    STANDING = "standing"
    TERM = "term"
    KIND = "kind"
    COUNTERPARTIES = "counterparties"
    AMOUNT = "amount"
    SEAL = "seal"


@dataclass(frozen=True, slots=True)
class CoverageFinding:
    """One test's result, with its reason in words."""

    test: CoverageTest
    holds: bool
    words: Sentence


@dataclass(frozen=True, slots=True)
class ConsideredPower:
    """A power with the result of every test; it covers the matter when all hold."""

    power: Power
    findings: tuple[CoverageFinding, ...]

    @property
    def covers(self) -> bool:
        """Whether the matter lies within every limit."""
        return all(finding.holds for finding in self.findings)

    @property
    def failed(self) -> tuple[CoverageFinding, ...]:
        """The tests that do not hold."""
        return tuple(finding for finding in self.findings if not finding.holds)


class CoverageOutcome(StrEnum):
    """What came of it."""

    NOT_NEEDED = "not-needed"
    LEGAL_REPRESENTATIVE = "legal-representative"
    COVERED = "covered"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class CoverageDecision:
    """Whether the agent may sign: by ``chosen``, and why (``words``). ``considered`` are all powers of the grantor
    for the agent, the chosen one first."""

    outcome: CoverageOutcome
    words: Sentence
    considered: tuple[ConsideredPower, ...] = ()

    @property
    def chosen(self) -> ConsideredPower | None:
        """The power that the signature rests on."""
        by_power = self.outcome in (CoverageOutcome.COVERED, CoverageOutcome.LEGAL_REPRESENTATIVE)
        return self.considered[0] if by_power else None
