"""How everything stands: questions, what the watch found, alarms, figures."""

from appliance.health.finding import Condition, HealthFinding
from appliance.health.observations import Observations, Observed, Survey
from appliance.health.pages import RunbookPage

__all__ = ["Condition", "HealthFinding", "Observations", "Observed", "RunbookPage", "Survey"]
