"""Precision and recall of the content check on the corpora.

A clause that is there and found is a hit; one that is found and is not there lowers precision, one that is there
and not found lowers recall. What is quoted of an annotated contract must be a passage that states the clause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from appliance.model.review import CheckResult
from appliance.pdf.search import PageText
from appliance.review.checking import check_text, read_pages
from appliance.review.recognition import Recogniser
from tests.review.corpus.annotated import AnnotatedContract, contracts
from tests.review.corpus.contracts import OF_BREACH, Plan, clauses
from tests.review.rules import book

RECALL, PRECISION, MISQUOTED = 0.95, 0.9, 0.05
"""What every corpus must reach: of clauses that are there, of those found, and quotes of other words at most."""

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
    """Scores by clause, for amounts, dates and contradicting amounts; ``mistakes`` in words.

    ``quotes`` counts the hits whose quote was looked at, ``misquoted`` those of other words than the clause.
    """

    contracts: int = 0
    quotes: int = 0
    misquoted: int = 0
    scores: dict[str, Score] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    def add(self, plan: Plan, result: CheckResult) -> None:
        """Counts what *result* says of *plan*."""
        self._count_clauses(plan, result, CLAUSES)
        for kind, said in (
            ("amounts", [each.value for each in result.amounts]),
            ("dates", [each.day for each in result.dates]),
        ):
            self._count_all(plan, kind, getattr(plan, kind), said)
        self._count(plan, "contradictions", plan.mismatch, not all(each.consistent for each in result.amounts))

    def add_annotated(self, contract: AnnotatedContract, result: CheckResult) -> None:
        """Counts which clauses *result* finds in *contract*, and whether what it quotes states them."""
        self._count_clauses(contract, result, (each for each in CLAUSES if each not in contract.doubtful))
        for finding in result.findings:
            if finding.clause in contract.present:
                self.quotes += 1
                if not contract.states(finding.clause, finding.quote):
                    self.misquoted += 1
                    self.mistakes.append(f"{contract.name}: {finding.clause} quoted as {finding.quote!r}")

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

    def line(self, name: str) -> str:
        """The figures of all clauses together."""
        total = self.total()
        return (
            f"{name}: {self.contracts} contracts, precision {total.precision:.3f} (at least {PRECISION}), "
            f"recall {total.recall:.3f} (at least {RECALL}), {self.misquoted} of {self.quotes} quotes wrong"
        )

    @property
    def good(self) -> bool:
        """Whether the figures are within the bounds."""
        total = self.total()
        misquoted = self.misquoted <= MISQUOTED * self.quotes
        return total.recall >= RECALL and total.precision >= PRECISION and misquoted

    def _count_clauses(
        self, contract: Plan | AnnotatedContract, result: CheckResult, looked_for: Iterable[str]
    ) -> None:
        self.contracts += 1
        for clause in looked_for:
            self._count(contract, clause, clause in contract.present, clause in result.found)

    def _count(self, plan: Plan | AnnotatedContract, name: str, there: bool, found: bool) -> None:
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


def measured_text(folder: Path, recogniser: Recogniser) -> Measurement:
    """The contracts in *folder* by their text alone, which is quicker than printing them."""
    measured = Measurement()
    for contract in contracts(folder):
        reading = read_pages([PageText(contract.plain, True, False)], lambda: 0.0)
        measured.add_annotated(contract, check_text(reading, 1, book(), recogniser, lambda page, start, end: []))
    return measured
