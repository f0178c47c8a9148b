"""Which power covers a signature, if any. Pure; the rules are argued in ``docs/decisions``.

1. Only powers of the grantor for the agent are looked at; each is tested by itself, never two together.
2. One that passes every test suffices; a narrower one beside it takes nothing away. To narrow, revoke or replace.
3. Of several that cover, the legal representative's own comes first, then the lowest limit, then the oldest.
4. A verified letter that replaces earlier ones ends them for good, from its own beginning.
5. Amounts of another currency are not covered; nothing is ever converted.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.language.names import same_name
from appliance.model.powers import Power, PowerBasis
from appliance.powers.model import ConsideredPower, CoverageDecision, CoverageOutcome, CoverageQuery
from appliance.powers.testing import coverage_findings
from hsm.sentence import Sentence


def decide_coverage(matter: CoverageQuery, powers: Sequence[Power]) -> CoverageDecision:
    """Whether the matter's agent may sign, by which of *powers* (in any order), and why."""
    if not matter.needed or not matter.organisation:
        return CoverageDecision(CoverageOutcome.NOT_NEEDED, Sentence("Policy asks for no power of attorney here."))
    own = [each for each in powers if each.agent == matter.agent and same_name(each.grantor, matter.organisation)]
    considered = sorted((ConsideredPower(each, coverage_findings(each, matter, own)) for each in own), key=_rank)
    if not considered:
        return CoverageDecision(CoverageOutcome.REFUSED, _without_any(matter))
    best = considered[0]
    if not best.covers:
        return CoverageDecision(CoverageOutcome.REFUSED, best.failed[0].words, tuple(considered))
    if best.power.basis is PowerBasis.LEGAL_REPRESENTATIVE:
        return CoverageDecision(CoverageOutcome.LEGAL_REPRESENTATIVE, _by_law(matter), tuple(considered))
    return CoverageDecision(CoverageOutcome.COVERED, _by_letter(matter, best.power), tuple(considered))


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


def _without_any(matter: CoverageQuery) -> Sentence:
    return Sentence(
        "{name} is not registered as legal representative of {organisation} and has no power of attorney of it;"
        " have one registered and verified, or let somebody sign who has one.",
        {"name": matter.name, "organisation": matter.organisation},
    )


def _by_law(matter: CoverageQuery) -> Sentence:
    return Sentence(
        "{name} signs as legal representative of {organisation}.",
        {"name": matter.name, "organisation": matter.organisation},
    )


def _by_letter(matter: CoverageQuery, power: Power) -> Sentence:
    return Sentence(
        "{name} signs for {organisation} under power of attorney {power}, signed by {principal}.",
        {
            "name": matter.name,
            "organisation": matter.organisation,
            "power": power.id,
            "principal": power.principal,
        },
    )
