"""``/witnesses``: who outside watches the log, and whether a quorum has confirmed its newest checkpoint; as the
scheduler last saw it."""

from __future__ import annotations

from flask import Blueprint, render_template

from appliance.model.witnesses import WitnessProblem
from webui.console.access import administration, visitor

PROBLEMS = {
    WitnessProblem.UNREACHABLE: ("Does not answer", "open", "witness-silent"),
    WitnessProblem.UNKNOWN_LOG: ("Does not know this log", "bad", "witness-refuses"),
    WitnessProblem.NOT_SIGNED: ("Knows another key of this log", "bad", "witness-refuses"),
    WitnessProblem.FORKED: ("Has cosigned another log under this log's key", "bad", "log-forked"),
    WitnessProblem.BAD_ANSWER: ("Answers without a good cosignature", "bad", "witness-refuses"),
    WitnessProblem.REFUSED: ("Refuses", "bad", "witness-refuses"),
}
"""What is wrong with a witness: words, their tone, and the page of the runbook."""

blueprint = Blueprint("witnesses", __name__)


@blueprint.get("/witnesses")
def everything() -> str:
    """The page."""
    visitor()
    return render_template("witnesses.html", it=administration.witnesses.status(), problems=PROBLEMS)
