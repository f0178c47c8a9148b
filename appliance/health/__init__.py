"""How everything stands: questions, what the watch found, alarms, figures."""

from appliance.health.finding import Condition, Finding
from appliance.health.observations import Observations, Observed, Survey
from appliance.health.pages import Page

__all__ = ["Condition", "Finding", "Observations", "Observed", "Page", "Survey"]
