"""What each round measures, for metrics and charts: numbers without names of people or documents; counts from the
log as it grows; the same by the hour, kept for so many days; and Prometheus's text format (version 0.0.4).

A figure's name is that of its metric (Prometheus: base units, ``_total`` for what only grows), labels in braces.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from importlib import metadata
from typing import Final

from cryptography import x509

from appliance.api_clients import usage
from appliance.cluster import NodeRole, TakeoverCause, read_history
from appliance.health.check_context import CheckContext, NotAnswerable
from appliance.health.cluster_checks import known_cluster
from appliance.health.machine_checks import disks
from appliance.health.observations import Observations, Survey
from appliance.health.service_checks import signs_of_life
from appliance.health.witness_checks import witnesses_status
from appliance.ledger.tree import StoredTree
from appliance.model.directories import DirectorySource, HeldKind
from appliance.operations.inventory import authorities_by_line
from appliance.operations.results import BackupOutcome, DrillResult
from appliance.process_counts import files_of
from appliance.store import api_clients, directory_health, ledger, mail_merges, outbox, webhooks
from appliance.store.health import figures as store
from appliance.timestamping import refusal_counts
from hsm.errors import RefusalError
from hsm.vouching import EVENTS

Figure = tuple[str, float]


def measure_figures(context: CheckContext) -> dict[str, float]:
    """All figures that can be had now; what does not answer leaves its figures out."""
    found: dict[str, float] = {}
    for part in (
        _authority,
        _lists,
        _database,
        measure_directories,
        measure_witnesses,
        measure_cluster,
        _disks,
        _workers,
        _keeping,
    ):
        with suppress(NotAnswerable, RefusalError, OSError):
            found.update(part(context))
    return found


def labelled(name: str, /, **labels: str) -> str:
    """The name of a figure of one of several things, as Prometheus writes it."""
    inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{name}{{{inside}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _authority(context: CheckContext) -> Iterator[Figure]:
    status = context.authority()
    began = time.monotonic()
    context.client.status()
    yield "vermilion_authority_answer_seconds", time.monotonic() - began
    yield "vermilion_clock_trusted", float(status.clock.trusted)
    if status.clock.offset is not None:
        yield "vermilion_clock_offset_seconds", status.clock.offset / 1e6
    if status.clock.error is not None:
        yield "vermilion_clock_error_seconds", status.clock.error / 1e6
    for key in status.keys:
        yield labelled("vermilion_certificate_left_seconds", key=key.subject), _left(key.not_after, context.now)


def _lists(context: CheckContext) -> Iterator[Figure]:
    lines = authorities_by_line(context.client, context.authority())
    for name, der in zip(["root", *_names_of(lines)], context.client.crls(), strict=False):
        ends = x509.load_der_x509_crl(der).next_update_utc
        if ends is not None:
            yield labelled("vermilion_revocation_list_left_seconds", issuer=name), _left(ends, context.now)


def _names_of(lines: Mapping[str, Sequence[x509.Certificate]]) -> Iterator[str]:
    """The issuing CAs, in the order in which the authority gives them."""
    for kind, earlier in (("issuing", "earlier"), (EVENTS, "earlier-events")):
        yield from (f"{earlier}-{number}" if number else kind for number in range(len(lines[kind])))


def _database(context: CheckContext) -> Iterator[Figure]:
    with context.reading() as tx:
        entries = ledger.length(tx)
        yield "vermilion_log_entries_total", float(entries)
        yield "vermilion_log_waiting", float(entries - StoredTree(tx).size())
        yield "vermilion_mails_waiting", float(outbox.count_queued(tx))
        for each in webhooks.webhooks(tx):
            since = each.failing_since
            failing = 0.0 if since is None else _left(context.now, since)
            yield labelled("vermilion_webhook_failing_seconds", webhook=each.id), failing
        for client in api_clients.all_clients(tx):
            yield labelled("vermilion_api_client_info", client=client.id, name=client.name), 1.0
            idle = _left(context.now, client.last_used or client.created)
            yield labelled("vermilion_api_client_idle_seconds", client=client.id), max(0.0, idle)
            for reason in (NOT_PROVEN, *OVER_LIMIT):  # from 0 on, so that the first of them are growth
                yield labelled(API_REFUSED, client=client.id, reason=reason), 0.0
        for batch, rows in mail_merges.count_waiting(tx).items():
            yield labelled(BATCH_WAITING, batch=batch), float(rows)
    if context.commit_seconds is not None:
        yield "vermilion_database_commit_seconds", context.commit_seconds


def measure_directories(context: CheckContext) -> Iterator[Figure]:
    """Those of directories, where people come from one, and how many wait or have problems."""
    with context.reading() as tx:
        for source in DirectorySource:
            users = directory_health.count_users(tx, source)
            if not users:
                continue
            yield labelled("vermilion_directory_users", source=source), float(users)
            rounds = directory_health.rounds_so_far(tx, source)
            if rounds is not None and rounds.success is not None:
                age = _left(context.now, rounds.success)
                yield labelled("vermilion_directory_success_age_seconds", source=source), age
        held = directory_health.held_counts(tx)
        for kind in HeldKind:
            waiting = held[kind].count if kind in held else 0
            yield labelled("vermilion_directory_held", kind=kind), float(waiting)
        yield "vermilion_directory_problems", float(directory_health.count_problems(tx))


def measure_witnesses(context: CheckContext) -> Iterator[Figure]:
    """Those of the log's outside witnesses, where there are any."""
    status = witnesses_status(context)
    if status is None:
        return
    for each in status.witnesses:
        yield labelled("vermilion_witness_entries", witness=each.name), float(each.size or 0)
        yield labelled("vermilion_witness_refusals_total", witness=each.name), float(each.refusals)
        yield labelled("vermilion_witness_well", witness=each.name), float(each.problem is None)
    if status.demanded:
        waiting = status.waiting_since
        yield "vermilion_log_witnessed_entries", float(status.size or 0)
        yield "vermilion_log_unwitnessed_seconds", 0.0 if waiting is None else _left(context.now, waiting)


def measure_cluster(context: CheckContext) -> Iterator[Figure]:
    """Those of the two machines, where this is one of two."""
    known = known_cluster(context)
    if known is None:
        return
    _, state = known
    yield "vermilion_cluster_state_age_seconds", -_left(state.at, context.now)
    for node in state.nodes:
        yield labelled("vermilion_cluster_node_present", node=node.name), float(node.is_there)
        yield labelled("vermilion_cluster_node_active", node=node.name), float(node.role is NodeRole.ACTIVE)
    if state.volume is not None:
        yield "vermilion_cluster_copies_equal", float(state.volume.is_equal)
        yield "vermilion_cluster_copies_split", float(state.volume.is_split)
        yield "vermilion_cluster_copies_differ_bytes", float(state.volume.behind)
    for ring in state.rings or ():
        yield labelled("vermilion_cluster_ring_connected", ring=str(ring.number)), float(ring.connected)
    if state.quorum is not None:
        yield "vermilion_cluster_quorate", float(state.quorum.quorate)
    for device in state.pacemaker.devices if state.pacemaker else ():
        yield labelled("vermilion_cluster_fencing_works", device=device.name), float(device.works)
    history = read_history(context.home)
    for cause in TakeoverCause:
        count = sum(each.cause is cause for each in history.takeovers)
        yield labelled("vermilion_cluster_takeovers", why=cause), float(count)
    if history.last_drill is not None:
        yield "vermilion_cluster_drill_age_seconds", -_left(history.last_drill.at, context.now)


def _disks(context: CheckContext) -> Iterator[Figure]:
    for room in disks(context):
        place = "home" if room.path == context.home.root else room.path.name
        yield labelled("vermilion_disk_free_bytes", place=place), float(room.free)
        yield labelled("vermilion_disk_size_bytes", place=place), float(room.total)


def _workers(context: CheckContext) -> Iterator[Figure]:
    for service in ("web", "tsa", "activation"):
        yield labelled("vermilion_workers", service=service), float(signs_of_life(context, service))


def _keeping(context: CheckContext) -> Iterator[Figure]:
    made, drilled = BackupOutcome.load(context.home.last_backup), DrillResult.load(context.home.drill)
    if made is not None and made.passed:
        yield "vermilion_backup_age_seconds", _left(context.now, made.at)
    if drilled is not None and drilled.passed:
        yield "vermilion_drill_age_seconds", _left(context.now, drilled.at)


def _left(until: datetime, now: datetime) -> float:
    return (until - now) / timedelta(seconds=1)


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
    "vermilion_webhook_failing_seconds": "For how long a webhook has taken no event; 0 while it takes them.",
    "vermilion_api_requests_total": "Requests of the API, by client (unknown: none that has proven itself).",
    "vermilion_api_request_seconds_total": "How long requests of the API took together.",
    "vermilion_api_tokens_total": "Access tokens given.",
    "vermilion_api_refusals_total": "Requests of the API answered with 401, 403 or 429, by the code of the error.",
    "vermilion_api_client_info": "What a client of the API is called.",
    "vermilion_api_client_idle_seconds": "For how long a client has not used the API, if ever.",
    "vermilion_batch_rows_waiting": "Rows of a list that wait to become contracts, or to be sent.",
    "vermilion_directory_users": "Users whom a directory has.",
    "vermilion_directory_success_age_seconds": "How long ago a directory was read as a whole.",
    "vermilion_directory_held": "Users of directories that wait for two administrators, by kind.",
    "vermilion_directory_problems": "Users of directories whose accounts do not follow them.",
    "vermilion_witness_entries": "Entries of the log that each outside witness cosigned last.",
    "vermilion_witness_refusals_total": "How often each outside witness refused a checkpoint.",
    "vermilion_witness_well": "1 while the outside witness cosigns.",
    "vermilion_log_witnessed_entries": "Entries that a quorum of outside witnesses has confirmed.",
    "vermilion_log_unwitnessed_seconds": "For how long a checkpoint has waited for a quorum of witnesses.",
    "vermilion_cluster_state_age_seconds": "How old what is known of the two machines is.",
    "vermilion_cluster_node_present": "1 while a machine is a member of the cluster.",
    "vermilion_cluster_node_active": "1 for the machine that serves.",
    "vermilion_cluster_copies_equal": "1 while whatever is acknowledged is on the disks of both machines.",
    "vermilion_cluster_copies_split": "1 while the copies on the two machines are parted (split brain).",
    "vermilion_cluster_copies_differ_bytes": "By how much the copies on the two machines differ.",
    "vermilion_cluster_ring_connected": "1 while a network between the machines is connected.",
    "vermilion_cluster_quorate": "1 while the machine that serves has a quorum.",
    "vermilion_cluster_fencing_works": "1 while what cuts a machine off works.",
    "vermilion_cluster_takeovers": "How often a machine began to serve, by cause, as far as the history tells.",
    "vermilion_cluster_drill_age_seconds": "How long ago a failover drill was held.",
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


COUNTED = {
    "timestamp": "vermilion_timestamps_total",
    "party-signed": "vermilion_signatures_total",
    "contract-completed": "vermilion_contracts_completed_total",
}
"""Kinds of entries, and the figures that they make."""

REFUSED = "vermilion_timestamp_refusals_total"
API_REFUSED = "vermilion_api_refusals_total"
NOT_PROVEN = "invalid_client"
OVER_LIMIT = ("too-many-requests", "temporarily_unavailable")
"""How the API and remote signing say that requests are too many."""

BATCH_WAITING = "vermilion_batch_rows_waiting"

_OF_THE_MOMENT = re.compile(r"vermilion_(api_(?!refusals_total)|cluster_)")
"""Figures that are not kept by the hour: there are too many, and who wants their past has a Prometheus."""


def kept_by_the_hour(figures: Mapping[str, float]) -> dict[str, float]:
    """Those of *figures* whose past is kept."""
    return {name: value for name, value in figures.items() if not _OF_THE_MOMENT.match(name)}


MOST = 200_000
"""Entries that are counted in one round; what is more comes in the next."""

CHUNK = 5_000

_KIND = re.compile(rb'"format":"vermilion-log-entry/1","kind":"([a-z-]+)"')


def tally(context: CheckContext, observations: Observations) -> dict[str, float]:
    """The figures of :data:`COUNTED`, of all that has been counted by now."""
    with observations.database().reading() as known_to_us:
        position, known = store.log_tally(known_to_us)
    counts = Counter(known)
    with context.reading() as tx:
        length = ledger.length(tx)
        if position > length:  # another log than the one that was counted: a backup was restored
            position, counts = 0, Counter()
        end = min(length, position + MOST)
        for start in range(position, end, CHUNK):
            counts.update(_kinds(ledger.leaves(tx, start, min(start + CHUNK, end))))
    if end != position or not known:
        with observations.database().transaction() as keeping:
            store.save_log_tally(keeping, end, {kind: counts[kind] for kind in COUNTED})
    return {figure: float(counts[kind]) for kind, figure in COUNTED.items()}


def counted(context: CheckContext, observations: Observations) -> dict[str, float]:
    """What all processes that ever were have counted: how many timestamp requests were refused, by failInfo, and
    how the API is used."""
    home = context.home
    with observations.database().transaction() as tx:
        for prefix, folder, read in (
            (refusal_counts.PREFIX, home.tsa_pulses, refusal_counts.read_refusals),
            (usage.PREFIX, home.pulses, usage.read_usage),
        ):
            with suppress(OSError):
                files = files_of(prefix, folder)
                for process, counts in read(folder, files):
                    store.add_counts(tx, process, counts)
                store.forget_processes(tx, prefix, files)
        sums = store.count_sums(tx)
    reasons = {labelled(REFUSED, reason=name): sums.get(name, 0) for name in refusal_counts.NAMES.values()}
    return {name: float(count) for name, count in reasons.items()} | dict(_usage(sums))


def _usage(sums: Mapping[str, int]) -> Iterator[Figure]:
    for name, count in sums.items():
        match usage.parts_of(name):
            case "requests", client, operation, status:
                named = {"client": client, "operation": operation, "status": status}
                yield labelled("vermilion_api_requests_total", **named), float(count)
                if (operation, status) == ("token", "2xx"):
                    yield labelled("vermilion_api_tokens_total", client=client), float(count)
            case "refusals", client, reason:
                yield labelled(API_REFUSED, client=client, reason=reason), float(count)
            case "microseconds", operation:
                yield labelled("vermilion_api_request_seconds_total", operation=operation), count / 1e6


def _kinds(leaves: list[bytes]) -> list[str]:
    found = (_KIND.search(leaf) for leaf in leaves)
    return [match[1].decode() for match in found if match]
