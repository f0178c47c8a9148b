"""Maintenance: what is announced or under way, and whether it lasts longer than people were told."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.health.bench import CheckContext
from appliance.health.finding import Condition, HealthFinding, failing, good
from appliance.health.pages import RunbookPage
from appliance.model.maintenance import MaintenanceWindow
from appliance.store import maintenance as store

NONE = "No maintenance is announced or under way."


def maintenance(bench: CheckContext) -> HealthFinding:
    """It has not gone on for longer than announced."""
    with bench.reading() as tx:
        window = store.open_window(tx)
    return maintenance_finding(window, bench.now)


def maintenance_finding(window: MaintenanceWindow | None, now: datetime) -> HealthFinding:
    """What *window* means *now*; people read the sentence on every page of the console."""
    if window is None:
        return good("maintenance", NONE)
    values = {"begins": _said(window.begins), "until": _said(window.until)}
    if not window.is_under_way(now):
        return good("maintenance", "Maintenance is announced from {begins} to about {until}.", values)
    if now <= window.until:
        return good("maintenance", "Maintenance is under way; it is expected to end at {until}.", values)
    values["minutes"] = str(int((now - window.until) / timedelta(minutes=1)))
    template = "Maintenance was to end at {until}, and goes on; people can look and change nothing."
    return failing("maintenance", RunbookPage.MAINTENANCE_LONG, template, values, mark=values["until"])


def is_to_be_told(finding: HealthFinding) -> bool:
    """Whether there is something that everybody who looks after the machine has to see."""
    return finding.name == "maintenance" and (finding.condition is not Condition.GOOD or finding.template != NONE)


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
