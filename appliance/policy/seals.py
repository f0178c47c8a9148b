"""The rules on how many hands the use of a company seal takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SealRules:
    """``FOR_ALL`` may name fields that no type of contract can change."""
