"""The rules on how long what is kept of a contract stays."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """``FOR_ALL`` may name fields that no type of contract can change."""
