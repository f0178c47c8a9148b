"""The rules on what a contract's text must contain, and whether it may go out unreviewed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """``FOR_ALL`` may name fields that no type of contract can change."""
