"""The named points of backup and restore, at which a crash is tried by the tests."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class BackupFailpoint(StrEnum):
    """Named for what has just been done; what comes next has not begun."""

    MOMENT_TAKEN = "database and authority of one moment are held, nothing written"
    DATABASE_COPIED = "the database is copied, in the clear, inside the home"
    DOCUMENTS_SEALED = "the new documents are sealed"
    ARCHIVE_WRITTEN = "the archive is written under a temporary name"
    ARCHIVE_NAMED = "the archive has its name"
    STAGED = "everything is opened beside the home"
    VERIFIED = "what was opened is verified"
    JOURNAL_WRITTEN = "the journal is written, nothing is moved"
    ASIDE = "the old home is put aside, in part"
    IN_PLACE = "everything is in place, the journal is still there"


BackupFailpointHook = Callable[[BackupFailpoint], None]


def no_failpoint(point: BackupFailpoint) -> None:
    """Go on."""
