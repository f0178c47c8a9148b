"""``/queues``: what waits to be done by the machine itself, how it stands, and acts that have it tried again."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template

from appliance.administration.registry import find_action, may_ask
from webui.console import health, operations
from webui.console.access import visitor
from webui.console.parts import ConsoleParts
from webui.shared.language import translate

CONCERNED = ("queue", "mail", "mail-lost", "reminders", "outside-timestamps", "keeping", "log")
"""The questions of health that are about something that waits."""

FIGURES = (
    ("vermilion_log_waiting", "Entries of the log that wait for their place"),
    ("vermilion_mails_waiting", "Mails that wait to be sent"),
)
"""What is counted at every round of the watch."""

AREAS = ("mail", "retries")
"""The first words of the names of acts that have something tried again."""


RETRY = "retries.contract"
"""The one safe act for a contract that is stuck."""


@dataclass(frozen=True, slots=True)
class Figure:
    """How much waits."""

    title: str
    count: int


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The page."""
    pages = Blueprint("queues", __name__)

    @pages.get("/queues")
    def everything() -> str:
        who = visitor()
        survey = parts.observations.survey(parts.now())
        found = health.health_rows(survey, only=CONCERNED)
        return render_template(
            "queues.html",
            said=translate()("Queues"),
            rows=health.worst_first(found),
            stuck=parts.administration.stuck.all(),
            may_retry=may_ask(who.actor, find_action(RETRY)),
            figures=[
                Figure(translate()(title), round(survey.figures[name]))
                for name, title in FIGURES
                if name in survey.figures
            ],
            actions=operations.offered(who, AREAS),
        )

    return pages
