"""``/queues``: what waits to be done by the machine itself, how it stands, and acts that have it tried again."""

from __future__ import annotations

from flask import Blueprint, render_template

from webui.console import operations, standing
from webui.console.access import visitor
from webui.console.parts import ConsoleParts
from webui.shared.language import translate

CONCERNED = ("queue", "mail", "mail-lost", "reminders", "outside-timestamps", "keeping", "log")
"""The questions of health that are about something that waits."""

AREA = "retries"
"""The area of the acts that have something tried again."""


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The page."""
    pages = Blueprint("queues", __name__)

    @pages.get("/queues")
    def everything() -> str:
        who = visitor()
        survey = parts.observations.all(parts.now())
        found = standing.rows(each for each in survey.observed if each.finding.name in CONCERNED)
        return render_template(
            "queues.html",
            said=translate()("Queues"),
            rows=standing.worst_first(found),
            figures=[],
            stuck=parts.administration.stuck.all(),
            actions=operations.offered(who, area=AREA),
        )

    return pages
