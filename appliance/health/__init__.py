"""How everything stands: questions, what the watch found, alarms, figures."""

from appliance.health.findings import Condition, HealthFinding, RunbookPage
from appliance.health.observations import Observations, Observed, Survey

__all__ = ["Condition", "HealthFinding", "Observations", "Observed", "RunbookPage", "Survey"]
