"""The answer to one question of health: how it stands, in a sentence of the catalogue, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from appliance.health.pages import REMEDIES, RunbookPage


class Condition(StrEnum):
    """Good; not configured: neither good nor bad, since nobody asked for it; attention: nothing is lost yet,
    somebody should act in days; failing: something does not work now."""

    GOOD = "good"
    NOT_CONFIGURED = "not-configured"
    ATTENTION = "attention"
    FAILING = "failing"

    @property
    def rank(self) -> int:
        """0, 1 or 2, the worse the higher; what is not configured is 0, as what is good."""
        return max(0, tuple(Condition).index(self) - 1)

    @property
    def calm(self) -> bool:
        """Whether nobody has to do anything about it."""
        return self.rank == 0

    @property
    def word(self) -> str:
        """What people read (a sentence of the catalogue)."""
        return _WORDS[self]


_WORDS = {
    Condition.GOOD: "In order",
    Condition.NOT_CONFIGURED: "Not configured",
    Condition.ATTENTION: "Needs attention",
    Condition.FAILING: "Failing",
}


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """How the thing called ``name`` stands: ``template`` with its ``values`` says it, ``remedy`` what to do.

    ``page`` names the page of the runbook (``docs/runbook/PAGE.md``); None when all is good. ``mark`` tells one
    occurrence from another that has the same page: a certificate with 30 days left, and with 3.
    """

    name: str
    condition: Condition
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    remedy: str = ""
    remedy_values: Mapping[str, Any] = field(default_factory=dict)
    page: RunbookPage | None = None
    mark: str = ""

    def __str__(self) -> str:
        return self.template.format(**self.values) if self.values else self.template

    @property
    def well(self) -> bool:
        """Whether it works now."""
        return self.condition is not Condition.FAILING

    @property
    def occurrence(self) -> tuple[Condition, RunbookPage | None, str]:
        """What makes it another occurrence, with another beginning, when it changes."""
        return self.condition, self.page, self.mark

    @property
    def advice(self) -> str:
        """The remedy in English; empty when all is good."""
        return self.remedy.format(**self.remedy_values) if self.remedy_values else self.remedy


def good(name: str, template: str, values: Mapping[str, Any] | None = None) -> HealthFinding:
    """All is as it should be."""
    return HealthFinding(name, Condition.GOOD, template, values or {})


def unset(name: str, template: str, values: Mapping[str, Any] | None = None) -> HealthFinding:
    """It is not configured, and works in no way; nothing is wrong with that."""
    return HealthFinding(name, Condition.NOT_CONFIGURED, template, values or {})


def failing(
    name: str, page: RunbookPage, template: str, values: Mapping[str, Any] | None = None, *, mark: str = ""
) -> HealthFinding:
    """It does not work; the remedy is the page's."""
    return _told(Condition.FAILING, name, page, (template, values or {}), mark)


def attention(
    name: str, page: RunbookPage, template: str, values: Mapping[str, Any] | None = None, *, mark: str = ""
) -> HealthFinding:
    """It works, but somebody should act; the remedy is the page's."""
    return _told(Condition.ATTENTION, name, page, (template, values or {}), mark)


def _told(
    condition: Condition, name: str, page: RunbookPage, sentence: tuple[str, Mapping[str, Any]], mark: str
) -> HealthFinding:
    template, values = sentence
    return HealthFinding(name, condition, template, values, REMEDIES[page].template, values, page, mark)
