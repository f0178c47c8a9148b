"""How a process speaks, by the settings ``logs.*``; each process calls this once, at its start."""

from __future__ import annotations

import logging

from appliance.config import LogSettings, load
from appliance.errors import ApplianceError
from appliance.home import Home
from appliance.logs.syslog import Syslog
from hsm.log_lines import log_handler


def set_up_logging_at(home: Home, process: str) -> None:
    """The same by the settings of *home*; as if it had none, where they cannot be read, which others say."""
    try:
        settings = load(home).logs
    except ApplianceError:
        settings = LogSettings()
    set_up_logging(settings, process)


def set_up_logging(settings: LogSettings, process: str) -> None:
    """The root logger writes to standard error, and to the collector where one is set, from INFO on."""
    handlers = [log_handler(settings.format, process)]
    if settings.syslog:
        collector = Syslog(settings.syslog, process)
        collector.setFormatter(logging.Formatter("%(message)s"))
        handlers.append(collector)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.getLogger("weasyprint").setLevel(logging.WARNING)  # it tells each page of each report
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
