"""``/``: the state of everything. What fails comes first, with what to do; what is good is one calm line each."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template

from webui.console import health
from webui.console.access import visitor
from webui.console.health import HealthRow
from webui.console.parts import ConsoleParts
from webui.shared.language import translate


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The first page."""
    pages = Blueprint("state", __name__)

    @pages.get("/")
    def everything() -> str:
        visitor()
        survey = parts.observations.survey(parts.now())
        found = health.worst_first(health.health_rows(survey))
        return render_template(
            "state.html",
            overall=_overall(found),
            worst=found[0].condition if found else "failing",
            seen=survey.at,
            troubles=[row for row in found if not row.calm],
            calm=[row for row in found if row.calm],
        )

    return pages


def _overall(found: Sequence[HealthRow]) -> str:
    """The one sentence at the top."""
    failing, attention = (
        sum(row.condition == condition for row in found) for condition in ("failing", "attention")
    )
    say = translate()
    if failing and attention:
        return say("{failing} failing, {attention} to be looked at", failing=failing, attention=attention)
    if failing:
        return say("{failing} failing", failing=failing)
    return say("{attention} to be looked at", attention=attention) if attention else say("All is well")
