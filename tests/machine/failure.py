"""What ends a step."""

from __future__ import annotations


class StepFailed(Exception):
    """The machine did not do what it must; the text says what was seen."""


class LeftOut(Exception):
    """The step cannot be done here; the text says why, and what to do."""
