"""The rules on what a contract's text must contain, and whether it may go out unreviewed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ReviewRequirement(StrEnum):
    """What the content check of a contract's text must have come to before it is sent, and before anybody
    signs.
    """

    NOTHING = "nothing"
    """It may go out unreviewed."""
    PASSED = "passed"
    """The check finds nothing missing that is required, or a reviewer has waived it with a reason."""
    SIGNED_OFF = "signed-off"
    """A reviewer has signed the check off."""


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """``before_sending``: what comes first. ``required``, ``advised``: clauses that the text must or should have,
    besides those that the rules of the content check name for the type (keys of the rule files)."""

    before_sending: ReviewRequirement = ReviewRequirement.NOTHING
    required: list[str] = field(default_factory=list)
    advised: list[str] = field(default_factory=list)
