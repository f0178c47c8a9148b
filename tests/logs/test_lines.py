"""Lines for machines: one JSON object for each record."""

from __future__ import annotations

import json
import logging
import sys

from hsm.log_lines import JsonLines


def said(level: int, text: str, *values: object, failing: bool = False) -> logging.LogRecord:
    error = None
    if failing:
        try:
            raise ValueError("in two\nlines")
        except ValueError:
            error = sys.exc_info()
    return logging.LogRecord("vermilion.test", level, __file__, 1, text, values, error)


def test_a_record_is_one_object_on_one_line() -> None:
    line = JsonLines("vermilion-web").format(said(logging.WARNING, "合同 %s\nis late", "甲"))
    assert "\n" not in line
    fields = json.loads(line)
    assert fields.pop("time").endswith("+00:00")
    assert fields == {
        "level": "warning",
        "process": "vermilion-web",
        "logger": "vermilion.test",
        "message": "合同 甲\nis late",
    }


def test_a_traceback_stays_with_its_record() -> None:
    line = JsonLines("vermilion-web").format(said(logging.ERROR, "it fell", failing=True))
    assert "ValueError: in two\nlines" in json.loads(line)["exception"] and "\n" not in line
