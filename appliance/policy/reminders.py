"""The rules on when people are reminded of what waits for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReminderRules:
    """``FOR_ALL`` may name fields that no type of contract can change."""
