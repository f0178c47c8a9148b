"""The form of a line on standard error."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

TEXT = "%(levelname)s %(name)s %(message)s"
"""For people: journald adds time and process."""


class JsonLines(logging.Formatter):
    """One JSON object for each record: ``time`` (UTC), ``level``, ``process``, ``logger``, ``message``, and
    ``exception`` with the traceback where there is one."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line end in it."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)
