"""Health checks of single parts, without a home."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from appliance.health.check_context import CheckContext
from appliance.store.database import Database


def asked(now: datetime, database: Database | None = None, **parts: Any) -> CheckContext:
    """The context of a check that needs only *database* and *parts*."""
    return cast("CheckContext", SimpleNamespace(now=now, reading=database and database.reading, **parts))
