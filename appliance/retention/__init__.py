"""Retention: legal holds, the disposal of contracts whose time is over, the erasure of personal data."""

from appliance.retention.disposing import Disposing
from appliance.retention.erasing import Erasing
from appliance.retention.holding import Holding
from appliance.retention.room import Retention, open_retention

__all__ = ["Disposing", "Erasing", "Holding", "Retention", "open_retention"]
