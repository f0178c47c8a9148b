"""Health checks asked of parts, without a home around them."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from appliance.health.check_context import CheckContext
from appliance.store.database import Database


def asked(now: datetime, database: Database | None = None, **parts: Any) -> CheckContext:
    """What a check is asked with that needs no more than *database* and *parts*."""
    return cast("CheckContext", SimpleNamespace(now=now, reading=database and database.reading, **parts))
