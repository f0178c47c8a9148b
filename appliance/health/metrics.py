"""The metrics, in Prometheus's text format (version 0.0.4): no names of people or documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import metadata
from typing import Final

from appliance.health.figures import labelled
from appliance.health.observations import Survey

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The media type."""

HELP: Final[Mapping[str, str]] = {
    "vermilion_condition": "How each thing stands: 0 good, 1 attention, 2 failing.",
    "vermilion_condition_since_seconds": "Since when it has stood so, in seconds since 1970.",
    "vermilion_watch_last_round_seconds": "When the watch last went all the way round, in seconds since 1970.",
    "vermilion_release_info": "The release that runs.",
    "vermilion_authority_answer_seconds": "How long the authority took to answer.",
    "vermilion_clock_trusted": "1 while timestamps are given.",
    "vermilion_clock_offset_seconds": "The measured offset of the clock.",
    "vermilion_clock_error_seconds": "The most that the clock may be from UTC.",
    "vermilion_certificate_left_seconds": "How long the certificate of a service key is good for.",
    "vermilion_revocation_list_left_seconds": "How long a revocation list is good for.",
    "vermilion_log_entries_total": "Entries of the log.",
    "vermilion_log_waiting": "Entries of the log that wait for their place in the tree.",
    "vermilion_mails_waiting": "Mails in the outbox.",
    "vermilion_timestamps_total": "Timestamps given.",
    "vermilion_timestamp_refusals_total": "Timestamp requests refused, by failInfo (RFC 3161, 2.4.2).",
    "vermilion_signatures_total": "Signatures made by parties.",
    "vermilion_contracts_completed_total": "Contracts completed.",
    "vermilion_database_commit_seconds": "How long the database took to begin and to commit.",
    "vermilion_disk_free_bytes": "What is free of a disk.",
    "vermilion_disk_size_bytes": "The size of a disk.",
    "vermilion_workers": "Workers of a service that have shown a sign of life.",
    "vermilion_backup_age_seconds": "How old the newest backup is.",
    "vermilion_drill_age_seconds": "How long ago a drill passed.",
}
"""Every metric that there is, and what it says."""

_NAME = re.compile(r"[a-z_]+")


def exposition(survey: Survey) -> str:
    """The whole text; a metric's lines stand together, as the format demands."""
    lines: dict[str, list[str]] = {}
    for figure, value in (*_conditions(survey), *survey.figures.items()):
        name = _NAME.match(figure)
        if name is not None and name[0] in HELP:
            lines.setdefault(name[0], []).append(f"{figure} {value!r}")
    return "".join(_family(name, lines[name]) for name in HELP if name in lines)


def _family(name: str, lines: list[str]) -> str:
    kind = "counter" if name.endswith("_total") else "gauge"
    return "\n".join([f"# HELP {name} {HELP[name]}", f"# TYPE {name} {kind}", *lines, ""])


def _conditions(survey: Survey) -> Iterator[tuple[str, float]]:
    yield labelled("vermilion_release_info", version=metadata.version("vermilion")), 1.0
    if survey.at is not None:
        yield "vermilion_watch_last_round_seconds", _seconds(survey.at)
    for each in survey.observed:
        name = each.finding.name
        yield labelled("vermilion_condition", check=name), float(each.finding.condition.rank)
        yield labelled("vermilion_condition_since_seconds", check=name), _seconds(each.since)


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
