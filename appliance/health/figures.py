"""What the watch measures: numbers without names of people or documents, for metrics and charts.

A figure's name is that of its metric (Prometheus: base units, ``_total`` for what only grows), labels in braces.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from cryptography import x509

from appliance.errors import ApplianceError
from appliance.health.bench import CheckContext, NotAnswerable
from appliance.health.machine import disks
from appliance.health.services import signs_of_life
from appliance.ledger.tree import StoredTree
from appliance.operations.backup.outcome import last_backup_outcome
from appliance.operations.drilled import last_drill_result
from appliance.store import ledger, queues
from hsm.errors import AuthorityError

Figure = tuple[str, float]


def measure_figures(bench: CheckContext) -> dict[str, float]:
    """All figures that can be had now; what does not answer leaves its figures out."""
    found: dict[str, float] = {}
    for part in (_authority, _lists, _database, _disks, _workers, _keeping):
        with suppress(NotAnswerable, ApplianceError, AuthorityError, OSError):
            found.update(part(bench))
    return found


def labelled(name: str, **labels: str) -> str:
    """The name of a figure of one of several things, as Prometheus writes it."""
    inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{name}{{{inside}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _authority(bench: CheckContext) -> Iterator[Figure]:
    status = bench.authority()
    began = time.monotonic()
    bench.client.status()
    yield "vermilion_authority_answer_seconds", time.monotonic() - began
    yield "vermilion_clock_trusted", float(status.clock.trusted)
    if status.clock.offset is not None:
        yield "vermilion_clock_offset_seconds", status.clock.offset / 1e6
    if status.clock.error is not None:
        yield "vermilion_clock_error_seconds", status.clock.error / 1e6
    for key in status.keys:
        yield labelled("vermilion_certificate_left_seconds", key=key.subject), _left(key.not_after, bench.now)


def _lists(bench: CheckContext) -> Iterator[Figure]:
    bench.authority()
    names = ["root", "issuing", *(f"earlier-{number}" for number in range(1, 100))]
    for name, der in zip(names, bench.client.crls(), strict=False):
        ends = x509.load_der_x509_crl(der).next_update_utc
        if ends is not None:
            yield labelled("vermilion_revocation_list_left_seconds", issuer=name), _left(ends, bench.now)


def _database(bench: CheckContext) -> Iterator[Figure]:
    with bench.reading() as tx:
        entries = ledger.length(tx)
        yield "vermilion_log_entries_total", float(entries)
        yield "vermilion_log_waiting", float(entries - StoredTree(tx).size())
        yield "vermilion_mails_waiting", float(queues.mails(tx))
    if bench.commit_seconds is not None:
        yield "vermilion_database_commit_seconds", bench.commit_seconds


def _disks(bench: CheckContext) -> Iterator[Figure]:
    for room in disks(bench):
        place = "home" if room.path == bench.home.root else room.path.name
        yield labelled("vermilion_disk_free_bytes", place=place), float(room.free)
        yield labelled("vermilion_disk_size_bytes", place=place), float(room.total)


def _workers(bench: CheckContext) -> Iterator[Figure]:
    for service in ("web", "tsa"):
        yield labelled("vermilion_workers", service=service), float(signs_of_life(bench, service))


def _keeping(bench: CheckContext) -> Iterator[Figure]:
    made, drilled = last_backup_outcome(bench.home), last_drill_result(bench.home)
    if made is not None and made.made:
        yield "vermilion_backup_age_seconds", _left(bench.now, made.at)
    if drilled is not None and drilled.passed:
        yield "vermilion_drill_age_seconds", _left(bench.now, drilled.at)


def _left(until: datetime, now: datetime) -> float:
    return (until - now) / timedelta(seconds=1)
