"""The processes: those that failed and whose alarm no operator has taken back, and those that do not answer.

On an appliance ``systemd/vermilion-alarm@.service`` leaves a file for each unit that failed. Whether the workers
of portal and timestamp service are alive, they say themselves (:mod:`appliance.pulses`).
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from appliance.health.bench import CheckContext
from appliance.health.finding import HealthFinding, attention, failing, good
from appliance.health.pages import RunbookPage
from appliance.pulses import Pulses

OURSELVES = "vermilion-diagnose.service"
"""Its failure only says what the other findings say."""

SILENT = 12.0
"""Seconds without a sign of life, of which there is one each second, after which a worker is taken for dead: so
few that what two rounds in a row find is still told within a minute."""


def services(bench: CheckContext) -> HealthFinding:
    """No service has failed since an operator looked."""
    return raised(bench.home.alarms)


def raised(folder: Path) -> HealthFinding:
    """Of the alarms in *folder*, a file named like the unit, with time and result in its one line."""
    found = [path for path in sorted(folder.glob("*")) if path.name != OURSELVES]
    if not found:
        return good("services", "No service has failed.")
    lines = [path.read_text(encoding="utf-8", errors="replace").split() for path in found]
    units = ", ".join(f"{path.name} ({' '.join(line)})" for path, line in zip(found, lines, strict=True))
    values = {"units": units, "unit": found[0].name, "folder": folder}
    return failing(
        "services", RunbookPage.SERVICE_FAILED, "Failed and not dealt with: {units}.", values, mark=units
    )


def portal(bench: CheckContext) -> HealthFinding:
    """Every worker of the portal has shown a sign of life just now."""
    return _workers(bench, "web", bench.configured().web.workers)


def timestamps(bench: CheckContext) -> HealthFinding:
    """The worker of the timestamp service has shown a sign of life just now."""
    return _workers(bench, "tsa", 1)


def _workers(bench: CheckContext, service: str, wanted: int) -> HealthFinding:
    alive = min(signs_of_life(bench, service), wanted)
    values = {"service": service, "wanted": wanted, "alive": alive}
    if not alive:
        return failing(service, RunbookPage.WEB_DOWN, "The service {service} does not answer.", values)
    if alive < wanted:
        template = "Workers of the service {service} that answer: {alive} of {wanted}."
        return failing(service, RunbookPage.WEB_DOWN, template, values)
    return good(service, "Every worker of the service {service} answers ({wanted}).", values)


def signs_of_life(bench: CheckContext, service: str) -> int:
    """How many workers of *service* have shown one lately; a watch that looks more often is less patient."""
    within = min(SILENT, 2.0 * bench.configured().health.seconds)
    return Pulses(bench.home.pulses).alive(service, within=within)


def versions(bench: CheckContext) -> HealthFinding:
    """The authority runs the release that is installed."""
    installed, runs = metadata.version("vermilion"), bench.authority().version
    values = {"installed": installed, "runs": runs}
    if installed != runs:
        template = "Release {installed} is installed, but the authority still runs {runs}."
        return attention("versions", RunbookPage.VERSIONS_DIFFER, template, values)
    return good("versions", "Release {installed} runs.", values)
