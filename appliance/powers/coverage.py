"""Which power of attorney covers a signature, if any. Pure; the rules are argued in ``docs/decisions``.

1. Only powers of the grantor for the agent are considered; each is tested by itself, never two together.
2. One that passes every test suffices; a narrower one beside it takes nothing away. To narrow, revoke or replace.
3. Of several that cover, the legal representative's own comes first, then the lowest limit, then the oldest.
4. A verified instrument that replaces earlier ones ends them for good, from its own beginning.
5. Amounts of another currency are not covered; nothing is ever converted.

Each test gives its reason in words and, where it fails, the remedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.language import instants
from appliance.model.contract import Money
from appliance.model.powers import Power, PowerBasis
from hsm.errors import Sentence
from hsm.names import same_name


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

    VALIDITY = "standing"
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


_Tested = tuple[bool, Sentence]
"""Whether a test holds, and why; :func:`_values` fills in what the sentence names."""


def coverage_findings(power: Power, matter: CoverageQuery, others: Sequence[Power]) -> tuple[CoverageFinding, ...]:
    """Every test's result; *others* are the grantor's powers for the same agent, *power* itself among them.

    A legal representative's power has no scope: only validity and term can fail.
    """
    tested = {
        CoverageTest.VALIDITY: _validity(power, matter, others),
        CoverageTest.TERM: _term(power, matter),
    }
    if power.basis is not PowerBasis.LEGAL_REPRESENTATIVE:
        tested |= {
            CoverageTest.KIND: _kind(power, matter),
            CoverageTest.COUNTERPARTIES: _counterparties(power, matter),
            CoverageTest.AMOUNT: _amount(power, matter),
            CoverageTest.SEAL: _seal(power, matter),
        }
    values = _values(power, matter)
    return tuple(
        CoverageFinding(test, holds, Sentence(words.template, {**values, **words.values}))
        for test, (holds, words) in tested.items()
    )


def _values(power: Power, matter: CoverageQuery) -> dict[str, object]:
    """What the sentences of the tests name."""
    scope = power.scope
    return {
        "power": power.id,
        "since": _local(power.since, matter),
        "until": _local(power.until, matter),
        "last_day": f"{instants.last_day(power.until, matter.zone)} ({matter.zone})",
        "kind": matter.kinds[0],
        "kinds": "、".join(scope.kinds),
        "counterparties": "、".join(scope.counterparties),
        "outside": "、".join(_outside(power, matter)),
        "limit": scope.limit,
        "amount": matter.amount,
    }


def _validity(power: Power, matter: CoverageQuery, others: Sequence[Power]) -> _Tested:
    ended = power.revoked or power.refused
    if ended is not None:
        return False, Sentence(
            "Power of attorney {power} was revoked or refused on {at}; have a new one registered and verified.",
            {"at": _local(ended.at, matter)},
        )
    if power.verified is None or matter.now < power.verified.at:
        return False, Sentence(
            "Power of attorney {power} is registered but not verified; an officer has to confirm it."
        )
    if power.confirmed is None:
        return False, Sentence(
            "Power of attorney {power} was verified without an officer's confirmation at the authority; have it"
            " registered and confirmed again."
        )
    newer = next((each for each in others if _replaced(power, each, matter.now)), None)
    if newer is not None:
        return False, Sentence(
            "Power of attorney {power} was replaced by {newer}, which is narrower or has ended.",
            {"newer": newer.id},
        )
    return True, Sentence(
        "Power of attorney {power} was verified on {at} and is not revoked.",
        {"at": _local(power.verified.at, matter)},
    )


def _replaced(power: Power, other: Power, now: datetime) -> bool:
    """Whether *other* has taken the place of *power*, be it revoked itself by now: nothing comes back to life."""
    by_law = power.basis is PowerBasis.LEGAL_REPRESENTATIVE  # which no letter takes away
    if by_law or not other.replaces or other.id == power.id or other.verified is None:
        return False
    begun = max(other.since, other.verified.at) <= now
    return begun and (power.since, power.registered.at, power.id) < (
        other.since,
        other.registered.at,
        other.id,
    )


def _term(power: Power, matter: CoverageQuery) -> _Tested:
    if matter.now < power.since:
        return False, Sentence(
            "Power of attorney {power} begins only on {since}; sign then, or have an earlier one registered."
        )
    if matter.now >= power.until:
        return False, _ended(power, matter)
    if instants.last_day(power.until, matter.zone):
        return True, Sentence("Power of attorney {power} runs from {since}; its last day is {last_day}.")
    return True, Sentence("Power of attorney {power} runs from {since} until {until}.")


def _ended(power: Power, matter: CoverageQuery) -> Sentence:
    if instants.last_day(power.until, matter.zone):
        return Sentence(
            "The last day of power of attorney {power} is {last_day}; have a new one registered and verified."
        )
    return Sentence("Power of attorney {power} ended on {until}; have a new one registered and verified.")


def _kind(power: Power, matter: CoverageQuery) -> _Tested:
    if not power.scope.kinds:
        return True, Sentence("Power of attorney {power} covers every type of contract.")
    if any(same_name(kind, *power.scope.kinds) for kind in matter.kinds):
        return True, Sentence("Power of attorney {power} covers the type “{kind}”.")
    return False, Sentence(
        "Power of attorney {power} covers the types {kinds}, not “{kind}”; have one registered that names it."
    )


def _outside(power: Power, matter: CoverageQuery) -> list[str]:
    """The counterparties of the matter that the power does not name."""
    return [each for each in matter.counterparties if not same_name(each, *power.scope.counterparties)]


def _counterparties(power: Power, matter: CoverageQuery) -> _Tested:
    if not power.scope.counterparties:
        return True, Sentence("Power of attorney {power} covers every counterparty.")
    if not _outside(power, matter):
        return True, Sentence("Power of attorney {power} covers the counterparties of this contract.")
    return False, Sentence(
        "Power of attorney {power} covers contracts with {counterparties}, not with {outside}; have one"
        " registered that names them."
    )


def _amount(power: Power, matter: CoverageQuery) -> _Tested:
    limit, amount = power.scope.limit, matter.amount
    if limit is None:
        return True, Sentence("Power of attorney {power} has no limit of amount.")
    if amount is None and matter.amount_needed:
        return False, Sentence(
            "Power of attorney {power} is limited to {limit}, and this contract states no amount; have the amount"
            " entered, or a power registered without a limit."
        )
    if amount is None:
        return True, Sentence("Power of attorney {power} is limited to {limit}; this contract states no amount.")
    if amount.currency != limit.currency:
        return False, Sentence(
            "Power of attorney {power} is limited to {limit}, and this contract is worth {amount}: amounts of two"
            " currencies are not compared; have one registered in the currency of the contract."
        )
    if amount.minor > limit.minor:
        return False, Sentence(
            "Power of attorney {power} is limited to {limit}, and this contract is worth {amount}; have one"
            " registered with a higher limit, or let somebody sign who has one."
        )
    return True, Sentence("The amount {amount} is within the limit of {limit} of power of attorney {power}.")


def _seal(power: Power, matter: CoverageQuery) -> _Tested:
    if matter.seal is None:
        return True, Sentence("No seal is asked for.")
    if matter.seal in power.scope.seals:
        return True, Sentence("Power of attorney {power} names the seal.")
    return False, Sentence("Power of attorney {power} does not name this seal; have one registered that does.")


def _local(moment: datetime, matter: CoverageQuery) -> str:
    return instants.named(moment, matter.zone)


def decide_coverage(matter: CoverageQuery, powers: Sequence[Power]) -> CoverageDecision:
    """Whether the matter's agent may sign, by which of *powers* (in any order), and why."""
    if not matter.needed or not matter.organisation:
        return CoverageDecision(CoverageOutcome.NOT_NEEDED, Sentence("Policy asks for no power of attorney here."))
    own = [each for each in powers if each.agent == matter.agent and same_name(each.grantor, matter.organisation)]
    considered = sorted((ConsideredPower(each, coverage_findings(each, matter, own)) for each in own), key=_rank)
    names: dict[str, object] = {"name": matter.name, "organisation": matter.organisation}
    if not considered:
        sentence = Sentence(
            "{name} is not registered as legal representative of {organisation} and has no power of attorney of"
            " it; have one registered and verified, or let somebody sign who has one.",
            names,
        )
        return CoverageDecision(CoverageOutcome.REFUSED, sentence)
    best = considered[0]
    if not best.covers:
        return CoverageDecision(CoverageOutcome.REFUSED, best.failed[0].words, tuple(considered))
    if best.power.basis is PowerBasis.LEGAL_REPRESENTATIVE:
        sentence = Sentence("{name} signs as legal representative of {organisation}.", names)
        return CoverageDecision(CoverageOutcome.LEGAL_REPRESENTATIVE, sentence, tuple(considered))
    sentence = Sentence(
        "{name} signs for {organisation} under power of attorney {power}, signed by {principal}.",
        names | {"power": best.power.id, "principal": best.power.principal},
    )
    return CoverageDecision(CoverageOutcome.COVERED, sentence, tuple(considered))


def _rank(considered: ConsideredPower) -> tuple[object, ...]:
    """Those that cover first, in the order of rule 3; of the others, those that nobody ended, what lacks least,
    the newest."""
    power = considered.power
    limit = power.scope.limit
    if not considered.covers:
        ended = power.revoked is not None or power.refused is not None
        return (1, ended, len(considered.failed), -power.registered.at.timestamp(), power.id)
    by_law = power.basis is not PowerBasis.LEGAL_REPRESENTATIVE
    return (0, by_law, float("inf") if limit is None else limit.minor, power.since.timestamp(), power.id)
