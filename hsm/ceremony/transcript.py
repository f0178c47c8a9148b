"""What the participants print, read and sign: each step, by whose hands, and what came out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from hsm.ceremony.plan import CeremonyPlan, Participant, RecoveryPlan, RenewalPlan
from hsm.intents import instant


class Transcript:
    """Grows line by line; each line is also shown at once through *show*."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._lines: list[str] = []
        self._steps = 0

    def begin(self, plan: CeremonyPlan, *, now: datetime) -> None:
        """The heading: what, why, when, and who is there."""
        self.line(f"Key ceremony: {plan.name}")
        self.line(f"Purpose: {plan.purpose}")
        self.line(f"Organisation: {plan.organisation} ({plan.country})")
        self.line(f"Held at: {instant(now)}")
        self._present(plan.participants)

    def begin_renewal(self, plan: RenewalPlan, officers: Sequence[str], *, now: datetime) -> None:
        """The heading of a renewal: what, why, when, who is there, and which officers activated which file."""
        self.line(f"Renewal: {plan.name}")
        self.line(f"Purpose: {plan.purpose}")
        self.line(f"Held at: {instant(now)}")
        self.line(f"SHA-256 of the file: {plan.sha256.hex()}")
        self.line(f"Activated by: {', '.join(officers)}")
        self._present(plan.participants)

    def begin_recovery(self, plan: RecoveryPlan, parts: int, *, now: datetime) -> None:
        """The heading of a recovery of officers: what, why, when, who is there, and how many gave the PIN."""
        self.line(f"Recovery of officers: {plan.name}")
        self.line(f"Purpose: {plan.purpose}")
        self.line(f"Held at: {instant(now)}")
        self.line(f"SHA-256 of the file: {plan.sha256.hex()}")
        self.line(f"PIN of the root's token: {'in one piece' if parts == 1 else f'in {parts} parts'}")
        self._present(plan.participants)

    def _present(self, participants: Sequence[Participant]) -> None:
        self.line("Participants:")
        for each in participants:
            self.line(f"  {each.hand}: {each.name}, {each.duty}")

    def step(self, what: str, hands: Sequence[str], results: Sequence[tuple[str, str]]) -> None:
        """One step, done by *hands*, and its *results* as names and values."""
        self._steps += 1
        self.line("")
        self.line(f"{self._steps}. {what}")
        self.line(f"   hands: {', '.join(hands)}")
        for name, value in results:
            self.line(f"   {name}: {value}")

    def end(self, participants: Sequence[Participant]) -> None:
        """The lines to sign on."""
        self.line("")
        self.line("We were present, and what is written above is what was done:")
        for each in participants:
            self.line("")
            self.line(f"  {each.name} ({each.hand})  ______________________________  date ______________")

    def line(self, text: str) -> None:
        """Adds one line."""
        self._lines.append(text)
        self._show(text)

    def text(self) -> str:
        """The whole transcript."""
        return "".join(f"{line}\n" for line in self._lines)

    def sha256(self) -> bytes:
        """The hash (32 bytes) of the transcript's UTF-8, which goes on record."""
        return hashlib.sha256(self.text().encode()).digest()
