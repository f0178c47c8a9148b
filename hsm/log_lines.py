"""The form of a line on standard error, for the authority and all other processes.

Where standard error is journald's, each line begins with its severity (sd-daemon(3)), which journald removes: the
journal, and syslog (RFC 5424) that is forwarded from it, then have the severity of each line.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

TEXT = "%(levelname)s %(name)s %(message)s"
"""For people: journald adds time and process."""

_SEVERITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7


class LogFormat(StrEnum):
    """For people, or one JSON object a line."""

    TEXT = "text"
    JSON = "json"


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


class WithSeverity(logging.Formatter):
    """*inside*'s lines, each with its severity before it: a traceback in several lines is no remark."""

    def __init__(self, inside: logging.Formatter) -> None:
        super().__init__()
        self._inside = inside

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{severity_of(record.levelno)}>"
        return "\n".join(f"{prefix}{line}" for line in self._inside.format(record).split("\n"))


def severity_of(level: int) -> int:
    """Syslog's severity (RFC 5424, 6.2.1) of a *level* of :mod:`logging`."""
    return next((number for least, number in _SEVERITIES if level >= least), _DEBUG)


def log_handler(form: LogFormat, process: str) -> logging.Handler:
    """What writes to standard error in this *form*, for the *process* of this name."""
    handler = logging.StreamHandler(sys.stderr)
    lines = JsonLines(process) if form is LogFormat.JSON else logging.Formatter(TEXT)
    handler.setFormatter(WithSeverity(lines) if is_the_journal(os.environ) else lines)
    return handler


def is_the_journal(environment: Mapping[str, str]) -> bool:
    """Whether standard error is connected to journald (systemd.exec(5), JOURNAL_STREAM)."""
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))
