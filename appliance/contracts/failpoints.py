"""The named points of the signing cycle, at which the tests try a crash.

Whoever runs a step is given a :data:`FailpointHook` and calls it between two durable states. In production that is
:func:`ignore_failpoint`, which does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Failpoint(StrEnum):
    """Named for what has just been done; what comes next has not begun."""

    REVISION_PREPARED = "revision prepared, intent not yet on disk"
    INTENT_PERSISTED = "intent on disk"
    INTENT_CLAIMED = "intent claimed, authority not yet asked"
    CMS_RECEIVED = "authority has signed, CMS only in memory"
    CMS_PERSISTED = "CMS on disk, not yet timestamped"
    TIMESTAMP_RECEIVED = "timestamp issued, only in memory"
    TIMESTAMP_PERSISTED = "timestamped CMS on disk"
    RESULT_VERIFIED = "embedded and verified, not yet stored"
    RESULT_STORED = "bytes stored, completion not yet committed"
    COMPLETION_WRITTEN = "completion written, transaction still open"
    COMPLETION_COMMITTED = "completion committed, not yet acknowledged"
    ARCHIVE_PREPARED = "validation data and document timestamp prepared"
    ARCHIVE_STAMPED = "document timestamp issued, only in memory"
    ARCHIVE_STORED = "archived bytes stored, not yet committed"
    ARCHIVE_COMMITTED = "contract completed, not yet acknowledged"


FailpointHook = Callable[[Failpoint], None]


def ignore_failpoint(failpoint: Failpoint) -> None:
    """Go on."""
