"""Backups: archives that say what they hold, sealed for a recovery key; documents are kept once for all."""

from appliance.operations.backup.archives import BackupArchive, BackupFailpoint
from appliance.operations.backup.checking import check_archive
from appliance.operations.backup.creating import BackupContext, create_archive

__all__ = ["BackupArchive", "BackupContext", "BackupFailpoint", "check_archive", "create_archive"]
