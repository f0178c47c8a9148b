"""State of the appliance, for people and for programs.

``/``: what fails comes first, with what to do; what is good is one calm line each. ``/queues``: what waits to
be done by the machine itself, and requests that have it tried again. ``/livez``, ``/readyz``, ``/metrics``: for
programs on this machine, without names of people or documents.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, Response, jsonify, make_response, render_template

from appliance.administration.actions import find_action, may_ask
from appliance.health import Condition, Observed, Survey
from appliance.health.figures import METRICS_TYPE, exposition
from appliance.health.registry import CHECKS, TITLES
from appliance.health.service_checks import is_to_be_told
from appliance.health.surveys import ServiceReadiness
from webui.console import operations
from webui.console.access import visitor
from webui.console.parts import ConsoleParts
from webui.shared.language import translate

LATE = timedelta(seconds=1)
"""An answer older than the last round: what it needs did not answer, so that it could not be asked."""


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One observation. ``condition`` is that of the finding, ``calm`` when nobody has to act; ``page`` may be
    empty. ``at`` is when it was found last; ``stale``: the last round could not ask."""

    name: str
    title: str
    condition: str
    calm: bool
    sentence: str
    remedy: str
    page: str
    since: datetime
    at: datetime
    stale: bool

    @property
    def id(self) -> str:
        """The place on the page."""
        return f"state-{self.name}"


def health_rows(survey: Survey, *, only: Container[str] | None = None) -> list[HealthRow]:
    """What people read of *survey*, in the same order."""
    return [_row(each, survey.at) for each in survey.observed if only is None or each.finding.name in only]


def maintenance_sentence(survey: Survey) -> str:
    """What every page says of a maintenance that is announced or under way; empty without one."""
    told = [each.finding for each in survey.observed if is_to_be_told(each.finding)]
    return translate()(told[0].template, **told[0].values) if told else ""


def worst_first(found: Iterable[HealthRow]) -> list[HealthRow]:
    """The same: failing, what wants attention, what is good, what is not configured; the order within stays."""
    order = (Condition.FAILING, Condition.ATTENTION, Condition.GOOD, Condition.NOT_CONFIGURED)
    return sorted(found, key=lambda row: order.index(Condition(row.condition)))


def _row(observed: Observed, round_at: datetime | None) -> HealthRow:
    finding, say = observed.finding, translate()
    calm = finding.condition.calm
    return HealthRow(
        name=finding.name,
        title=say(TITLES.get(finding.name, finding.name)),
        condition=finding.condition.value,
        calm=calm,
        sentence=translate()(finding.template, **finding.values),
        remedy="" if calm else translate()(finding.remedy, **finding.remedy_values),
        page=finding.page.value if finding.page is not None else "",
        since=observed.since,
        at=observed.at,
        stale=round_at is not None and observed.at < round_at - LATE,
    )


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The first page."""
    pages = Blueprint("state", __name__)

    @pages.get("/")
    def everything() -> str:
        visitor()
        survey = parts.observations.survey(parts.now())
        found = worst_first(health_rows(survey))
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


def queues_blueprint(parts: ConsoleParts) -> Blueprint:
    """The page."""
    pages = Blueprint("queues", __name__)

    @pages.get("/queues")
    def everything() -> str:
        who = visitor()
        survey = parts.observations.survey(parts.now())
        found = health_rows(survey, only=CONCERNED)
        return render_template(
            "queues.html",
            said=translate()("Queues"),
            rows=worst_first(found),
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


def probes_blueprint(parts: ConsoleParts) -> Blueprint:
    """The addresses."""
    pages = Blueprint("probes", __name__)
    serving = frozenset(check.name for check in CHECKS if check.serving) | {"watch"}

    @pages.get("/livez")
    def livez() -> Response:
        return jsonify({"alive": True})

    @pages.get("/readyz")
    def readyz() -> Response:
        found = ServiceReadiness(parts.observations.survey(parts.now()).observed, serving)
        return make_response(jsonify(found.report()), 200 if found.ready else 503)

    @pages.get("/metrics")
    def figures() -> Response:
        return Response(exposition(parts.observations.survey(parts.now())), content_type=METRICS_TYPE)

    return pages
