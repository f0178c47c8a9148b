"""State of the appliance, for people and for programs.

``/``: what fails comes first, with what to do; what is good is one calm line each. ``/queues``: what waits to
be done by the machine itself, and requests that have it tried again. ``/livez``, ``/readyz``, ``/metrics``: for
programs on this machine, without names of people or documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta

from flask import Blueprint, Response, jsonify, make_response, render_template

from appliance.administration.actions import find_action, may_ask
from appliance.health import Condition, Observed, RunbookPage, Survey
from appliance.health.figures import METRICS_TYPE, exposition
from appliance.health.service_checks import is_reported
from appliance.health.surveys import CHECKS, TITLES, ServiceReadiness
from webui.console import operations
from webui.console.access import administration, parts, visitor
from webui.shared.language import translate

LATE = timedelta(seconds=1)
"""An answer older than the last round: what it needs did not answer, so that it could not be asked."""

_WORST_FIRST = (Condition.FAILING, Condition.ATTENTION, Condition.GOOD, Condition.NOT_CONFIGURED)


def worst_first(found: Iterable[Observed]) -> list[Observed]:
    """The same: failing, what wants attention, what is good, what is not configured; the order within stays."""
    return sorted(found, key=lambda each: _WORST_FIRST.index(each.finding.condition))


def maintenance_sentence(survey: Survey) -> str:
    """What every page says of a maintenance that is announced or under way; empty without one."""
    told = [each.finding for each in survey.observed if is_reported(each.finding)]
    return translate()(told[0].template, **told[0].values) if told else ""


blueprint = Blueprint("state", __name__)


@blueprint.get("/")
def everything() -> str:
    visitor()
    survey = parts.observations.survey(parts.now())
    found = worst_first(survey.observed)
    unset = [each.finding.name for each in found if each.finding.condition is Condition.NOT_CONFIGURED]
    return render_template(
        "state.html",
        unset=unset,
        set_up={name: SET_UP[name].value for name in unset if name in SET_UP},
        overall=_overall(found),
        worst=found[0].finding.condition.value if found else "failing",
        seen=survey.at,
        names=TITLES,
        troubles=[each for each in found if not each.finding.condition.calm],
        calm=[
            (each, survey.at is not None and each.at < survey.at - LATE)
            for each in found
            if each.finding.condition.calm
        ],
    )


SET_UP = {
    "clock": RunbookPage.CLOCK_UNSYNCHRONISED,
    "time-sources": RunbookPage.CLOCK_UNSYNCHRONISED,
    "mail": RunbookPage.MAIL_DOWN,
    "gateway": RunbookPage.GATEWAY_DOWN,
    "backup": RunbookPage.BACKUP_UNSET,
    "outside-timestamps": RunbookPage.OUTSIDE_TIMESTAMPS,
    "confinement": RunbookPage.CONFINEMENT_MISSING,
    "witnesses": RunbookPage.QUORUM_MISSING,
}
"""Where the runbook says how to set up what is not configured."""


def _overall(found: Sequence[Observed]) -> str:
    """The one sentence at the top: what is not configured is no fault, and not well either."""
    count = Counter(each.finding.condition for each in found)
    failing, attention, unset = (
        count[each] for each in (Condition.FAILING, Condition.ATTENTION, Condition.NOT_CONFIGURED)
    )
    say = translate()
    if failing and attention:
        return say("{failing} failing, {attention} to be looked at", failing=failing, attention=attention)
    if failing:
        return say("{failing} failing", failing=failing)
    if attention:
        return say("{attention} to be looked at", attention=attention)
    return say("Everything works; {unset} not set up yet", unset=unset) if unset else say("All is well")


CONCERNED = ("queue", "mail", "mail-lost", "webhooks", "reminders", "outside-timestamps", "keeping", "log")
"""The questions of health that are about something that waits."""

FIGURES = (
    ("vermilion_log_waiting", "Pending log entries"),
    ("vermilion_mails_waiting", "Mails that wait to be sent"),
)
"""What is counted at every round of the health monitor."""

AREAS = ("mail", "gateway", "retries")
"""How the names of those actions begin that try something again."""

RETRY = "retries.contract"
"""The one safe action for a contract that is stuck."""

queues = Blueprint("queues", __name__)


@queues.get("/queues", endpoint="everything")
def show_queues() -> str:
    """How much waits, how that stands, and what has it tried again."""
    who = visitor()
    survey = parts.observations.survey(parts.now())
    return render_template(
        "queues.html",
        said=translate()("Queues"),
        rows=worst_first(each for each in survey.observed if each.finding.name in CONCERNED),
        names=TITLES,
        stuck=administration.stuck.all(),
        may_retry=may_ask(who.actor, find_action(RETRY)),
        figures=[(title, round(survey.figures[name])) for name, title in FIGURES if name in survey.figures],
        actions=operations.offered(who, AREAS),
    )


SERVING = frozenset(check.name for check in CHECKS if check.serving) | {"watch"}
"""What has to work for the appliance to be ready."""

probes = Blueprint("probes", __name__)


@probes.get("/livez")
def livez() -> Response:
    return jsonify({"alive": True})


@probes.get("/readyz")
def readyz() -> Response:
    """Whether the appliance serves, and what does not."""
    found = ServiceReadiness(parts.observations.survey(parts.now()).observed, SERVING)
    return make_response(jsonify(found.report()), 200 if found.ready else 503)


@probes.get("/metrics")
def figures() -> Response:
    """The figures of the last round."""
    return Response(exposition(parts.observations.survey(parts.now())), content_type=METRICS_TYPE)
