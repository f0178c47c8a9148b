"""Restoring: everything is opened and verified beside the home first, and only then takes its place."""

from appliance.operations.restore.restoring import RestoreOrder, restore_archive

__all__ = ["RestoreOrder", "restore_archive"]
