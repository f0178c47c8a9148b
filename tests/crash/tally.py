"""The counts that a crash test ends with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

COLUMNS = ("acknowledged", "refused", "unanswered", "found", "lost", "duplicates", "half-states")
BAD = ("lost", "duplicates", "half-states")


@dataclass(slots=True)
class Tally:
    """``counts`` by column; ``findings`` says in words what is wrong; ``notes`` counts what is worth knowing."""

    counts: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def found_or_lost(self, found: bool, what: str) -> None:
        """Something that was acknowledged."""
        self.counts["acknowledged"] += 1
        if found:
            self.counts["found"] += 1
        else:
            self.lose(what)

    def lose(self, what: str) -> None:
        self._bad("lost", what)

    def duplicate(self, what: str) -> None:
        self._bad("duplicates", what)

    def half(self, what: str) -> None:
        self._bad("half-states", what)

    def note(self, name: str, count: int) -> None:
        self.notes[name] += count

    def add(self, other: Tally) -> None:
        self.counts += other.counts
        self.notes += other.notes
        self.findings += other.findings

    @property
    def is_good(self) -> bool:
        return not any(self.counts[name] for name in BAD)

    def _bad(self, column: str, what: str) -> None:
        self.counts[column] += 1
        self.findings.append(f"{column}: {what}")
