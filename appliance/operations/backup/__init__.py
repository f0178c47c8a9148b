"""Backups: archives that say what they hold, sealed for a recovery key; documents are kept once for all."""

from appliance.operations.backup.archives import Archive, Archives
from appliance.operations.backup.checking import Checked, check
from appliance.operations.backup.creating import Workroom, create
from appliance.operations.backup.manifest import Manifest
from appliance.operations.backup.points import Passing, Point, pass_by

__all__ = [
    "Archive",
    "Archives",
    "Checked",
    "Manifest",
    "Passing",
    "Point",
    "Workroom",
    "check",
    "create",
    "pass_by",
]
