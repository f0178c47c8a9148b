"""Precision and recall of the content check on the corpus.

A clause that is there and found is a hit; one that is found and is not there lowers precision, one that is there
and not found lowers recall.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from appliance.model.review import CheckResult
from tests.review.corpus.contracts import OF_BREACH, Plan, clauses

CLAUSES = ("parties", *clauses(), *OF_BREACH)


@dataclass(slots=True)
class Score:
    """Hits, and the two kinds of mistake."""

    hits: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        return self.hits / (self.hits + self.wrong) if self.hits + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else 1.0

    def __add__(self, other: Score) -> Score:
        return Score(self.hits + other.hits, self.wrong + other.wrong, self.missed + other.missed)


@dataclass(slots=True)
class Measurement:
    """Scores by clause, for amounts, dates and contradicting amounts; ``mistakes`` in words."""

    contracts: int = 0
    scores: dict[str, Score] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    def add(self, plan: Plan, result: CheckResult) -> None:
        """Counts what *result* says of *plan*."""
        self.contracts += 1
        for clause in CLAUSES:
            self._count(plan, clause, clause in plan.present, clause in result.found)
        for kind, said in (
            ("amounts", [each.value for each in result.amounts]),
            ("dates", [each.day for each in result.dates]),
        ):
            self._count_all(plan, kind, getattr(plan, kind), said)
        self._count(plan, "contradictions", plan.mismatch, not all(each.consistent for each in result.amounts))

    def total(self, names: Iterable[str] = CLAUSES) -> Score:
        """All of *names* together."""
        total = Score()
        for name in names:
            total += self.scores.get(name, Score())
        return total

    def table(self) -> Iterator[str]:
        """The figures as lines of text."""
        for name, score in self.scores.items():
            found = f"precision {score.precision:.3f}  recall {score.recall:.3f}"
            yield f"  {name:22} {found}  ({score.hits} found, {score.wrong} wrongly, {score.missed} missed)"

    def _count(self, plan: Plan, name: str, there: bool, found: bool) -> None:
        score = self.scores.setdefault(name, Score())
        score.hits += there and found
        score.wrong += found and not there
        score.missed += there and not found
        if there != found:
            self.mistakes.append(
                f"{plan.name} ({plan.style}, {plan.layout}): {name} {'missed' if there else 'wrongly found'}"
            )

    def _count_all(self, plan: Plan, kind: str, there: Iterable[str], found: Iterable[str]) -> None:
        """Amounts and dates: what other clauses say besides is not labelled, so only misses count."""
        lacking = Counter(set(there)) - Counter(set(found))
        score = self.scores.setdefault(kind, Score())
        score.hits += len(set(there)) - lacking.total()
        score.missed += lacking.total()
        self.mistakes.extend(f"{plan.name}: {kind} {each} missed" for each in lacking)
