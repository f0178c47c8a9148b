"""The processes: those that failed and whose alarm no operator has dismissed, those that do not answer, and
maintenance.

On an appliance ``systemd/vermilion-alarm@.service`` leaves a file for each unit that failed. Whether the workers
of portal, timestamp service and activation service are alive, they say themselves (:mod:`appliance.heartbeats`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import metadata

from appliance.health.check_context import CheckContext
from appliance.health.findings import Condition, HealthFinding, RunbookPage, attention, failing, good
from appliance.heartbeats import Heartbeats
from appliance.home import Home
from appliance.model.administration import MaintenanceWindow
from appliance.store import maintenance as store

OURSELVES = "vermilion-diagnose.service"
"""Its failure only says what the other findings say."""

SILENT = 12.0
"""Seconds without a sign of life, of which there is one each second, after which a worker is taken for dead: so
few that what two rounds in a row find is still told within a minute."""


def services(context: CheckContext) -> HealthFinding:
    """No service has failed since an operator looked: an alarm is a file named like the unit, with time and result
    in its one line."""
    folder = context.home.alarms
    found = [path for path in sorted(folder.glob("*")) if path.name != OURSELVES]
    if not found:
        return good("No service has failed.")
    lines = [path.read_text(encoding="utf-8", errors="replace").split() for path in found]
    units = ", ".join(f"{path.name} ({' '.join(line)})" for path, line in zip(found, lines, strict=True))
    values = {"units": units, "unit": found[0].name, "folder": folder}
    return failing(RunbookPage.SERVICE_FAILED, "Failed and not dealt with: {units}.", units, **values)


def portal(context: CheckContext) -> HealthFinding:
    """Every worker of the portal has shown a sign of life just now."""
    return _workers(context, "web", context.configured().web.workers)


def timestamps(context: CheckContext) -> HealthFinding:
    """The worker of the timestamp service has shown a sign of life just now."""
    return _workers(context, "tsa", 1)


def activation(context: CheckContext) -> HealthFinding:
    """The worker of the activation service, without which nobody can sign, has shown a sign of life just now."""
    return _workers(context, "activation", 1)


def _workers(context: CheckContext, service: str, wanted: int) -> HealthFinding:
    alive = min(signs_of_life(context, service), wanted)
    values = {"service": service, "wanted": wanted, "alive": alive}
    if not alive:
        return failing(RunbookPage.WEB_DOWN, "The service {service} does not answer.", **values)
    if alive < wanted:
        template = "Workers of the service {service} that answer: {alive} of {wanted}."
        return failing(RunbookPage.WEB_DOWN, template, **values)
    return good("Every worker of the service {service} answers ({wanted}).", **values)


def signs_of_life(context: CheckContext, service: str) -> int:
    """How many workers of *service* have shown one within two rounds of the health monitor, at most ``SILENT``."""
    within = min(SILENT, 2.0 * context.configured().health.seconds)
    home = context.home
    own = {"activation": home.activation_pulses, "tsa": home.tsa_pulses}
    return Heartbeats(own.get(service, home.pulses)).alive(service, within=within)


def versions(context: CheckContext) -> HealthFinding:
    """The authority runs the release that is installed, which is the one that the home names."""
    installed, runs = metadata.version("vermilion"), context.authority().version
    values = {"installed": installed, "runs": runs}
    if installed != runs:
        template = "Release {installed} is installed, but the authority still runs {runs}."
        return attention(RunbookPage.VERSIONS_DIFFER, template, **values)
    named = _named_release(context.home)
    if named not in (None, installed):
        template = (
            "Release {installed} runs, but the volume names {named}, which another machine would start on it."
        )
        return attention(RunbookPage.VERSIONS_DIFFER, template, **values, named=named)
    return good("Release {installed} runs.", **values)


def _named_release(home: Home) -> str | None:
    """None where the home names none, and in development, where releases have any name."""
    if not home.is_managed:
        return None
    try:
        return home.release.read_text("utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None


NONE = "No maintenance is announced or under way."


def maintenance(context: CheckContext) -> HealthFinding:
    """It has not gone on for longer than announced."""
    with context.reading() as tx:
        window = store.open_window(tx)
    return maintenance_finding(window, context.now)


def maintenance_finding(window: MaintenanceWindow | None, now: datetime) -> HealthFinding:
    """What *window* means *now*; people read the sentence on every page of the console."""
    if window is None:
        return good(NONE)
    values = {"begins": _said(window.begins), "until": _said(window.until)}
    if not window.is_under_way(now):
        return good("Maintenance is announced from {begins} to about {until}.", **values)
    if now <= window.until:
        return good("Maintenance is under way; it is expected to end at {until}.", **values)
    values["minutes"] = str(int((now - window.until) / timedelta(minutes=1)))
    template = "Maintenance was to end at {until}, and goes on; people can look and change nothing."
    return failing(RunbookPage.MAINTENANCE_LONG, template, values["until"], **values)


def is_reported(finding: HealthFinding) -> bool:
    """Whether there is something that everybody who looks after the machine has to see."""
    return finding.name == "maintenance" and (finding.condition is not Condition.GOOD or finding.template != NONE)


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
