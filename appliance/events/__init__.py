"""Events about contracts, captures and deposits for other programs: read from the log by cursor, or sent to
webhooks (decision 74)."""

from appliance.events.delivery import WebhookDelivery
from appliance.events.endpoints import ReachOf, WebhookActor, Webhooks, WebhookSecrets
from appliance.events.feed import EventData, EventFeed, EventPage, LoggedEvent, LogReference
from appliance.events.targets import WebhookTargets
from appliance.events.types import EventType, wanted_types

__all__ = [
    "EventData",
    "EventFeed",
    "EventPage",
    "EventType",
    "LogReference",
    "LoggedEvent",
    "ReachOf",
    "WebhookActor",
    "WebhookDelivery",
    "WebhookSecrets",
    "WebhookTargets",
    "Webhooks",
    "wanted_types",
]
