"""Is this appliance ready? What a visitor depends on is asked now; everything else is as the watch found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.health.bench import CheckContext
from appliance.health.check import ask_check
from appliance.health.finding import Condition
from appliance.health.observations import Observations, Observed
from appliance.health.registry import CHECKS


@dataclass(frozen=True, slots=True)
class ServiceReadiness:
    """``observed`` is everything, ``serving`` the names of what nothing works without."""

    observed: tuple[Observed, ...]
    serving: frozenset[str]

    @property
    def reasons(self) -> list[str]:
        """Why nobody is served; empty when ready."""
        return [str(each.finding) for each in self._failing if each.finding.name in self.serving]

    @property
    def ready(self) -> bool:
        """Whether people are served: documents signed, dated and recorded."""
        return not self.reasons

    @property
    def _failing(self) -> list[Observed]:
        return [each for each in self.observed if each.finding.condition is Condition.FAILING]

    def report(self) -> dict[str, Any]:
        """As JSON: the reasons for not being ready, then what fails without standing in the way, then all."""
        return {
            "ready": self.ready,
            "reasons": self.reasons,
            "failing": {each.finding.name: str(each.finding) for each in self._failing},
            "checks": {each.finding.name: _row(each) for each in self.observed},
        }

    def summary(self) -> dict[str, Any]:
        """The same for strangers: what nothing works without, and how it stands. Which file has which mode, what
        fell and what is not as it was provisioned is for those who look after the machine."""
        serving = [each for each in self.observed if each.finding.name in self.serving]
        rows = {each.finding.name: _row(each) for each in serving}
        return {
            "ready": self.ready,
            "reasons": self.reasons,
            "checks": {name: {key: row[key] for key in ("ready", "condition")} for name, row in rows.items()},
        }


def readiness(bench: CheckContext, observations: Observations) -> ServiceReadiness:
    """What is found now, by the *bench* of whoever serves, over what the watch found."""
    now = bench.now
    watched = {each.finding.name: each for each in observations.survey(now).observed}
    for check in CHECKS:
        if check.at_once and (finding := ask_check(check, bench)) is not None:
            watched[check.name] = Observed.from_finding(finding, now, watched.get(check.name))
    names = [check.name for check in CHECKS]
    ordered = sorted(watched.values(), key=lambda each: _place(names, each.finding.name))
    return ServiceReadiness(tuple(ordered), frozenset(check.name for check in CHECKS if check.serving))


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else -1


def _row(observed: Observed) -> dict[str, Any]:
    finding = observed.finding
    return {
        "ready": finding.well,
        "condition": finding.condition.value,
        "since": f"{observed.since:%Y-%m-%dT%H:%M:%SZ}",
        "detail": str(finding),
    }
