"""Health: checks, what the health monitor found, alarms, figures."""

from appliance.health.findings import Condition, HealthFinding, RunbookPage
from appliance.health.observations import Observations, Observed, Survey

__all__ = ["Condition", "HealthFinding", "Observations", "Observed", "RunbookPage", "Survey"]
