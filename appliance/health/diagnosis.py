"""Everything about a home, asked now, whatever runs and whatever does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from appliance.health.bench import open_check_context
from appliance.health.check import ask_all
from appliance.health.finding import Condition
from appliance.health.observations import Observations, Observed, Survey
from appliance.health.registry import CHECKS
from appliance.home import Home


def diagnose(home: Home, now: datetime, *, role: str = "operator") -> Sequence[Observed]:
    """All answers, with the moment since when the watch has found the same.

    What asks another machine is taken from the watch while that is awake: it may be all that has a network.
    """
    observations = Observations(home.health)
    try:
        survey = observations.survey(now)
    finally:
        observations.close()
    known = {each.finding.name: each for each in survey.observed}
    asked = [check for check in CHECKS if not (check.network and _is_awake(survey) and check.name in known)]
    with open_check_context(home, role=role, now=now) as opened:
        found = {finding.name: finding for finding in ask_all(asked, opened)}
    told = [known["watch"]] if "watch" in known else []
    for check in CHECKS:
        if check.name in found:
            told.append(Observed.from_finding(found[check.name], now, known.get(check.name)))
        elif check.name in known and check not in asked:
            told.append(known[check.name])
    return told


def _is_awake(survey: Survey) -> bool:
    return any(
        each.finding.name == "watch" and each.finding.condition is Condition.GOOD for each in survey.observed
    )
