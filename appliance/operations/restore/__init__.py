"""Restoring: everything is opened and verified beside the home first, and only then takes its place."""

from appliance.operations.restore.restoring import Order, Restored, restore

__all__ = ["Order", "Restored", "restore"]
