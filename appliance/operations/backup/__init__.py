"""Backups: archives that say what they hold, sealed for a recovery key; documents are kept once for all."""

from appliance.operations.backup.archives import (
    BackupArchive,
    BackupArchives,
    BackupFailpoint,
    BackupFailpointHook,
    BackupManifest,
    no_failpoint,
)
from appliance.operations.backup.checking import CheckedArchive, check_archive
from appliance.operations.backup.creating import BackupContext, create_archive

__all__ = [
    "BackupArchive",
    "BackupArchives",
    "BackupContext",
    "BackupFailpoint",
    "BackupFailpointHook",
    "BackupManifest",
    "CheckedArchive",
    "check_archive",
    "create_archive",
    "no_failpoint",
]
