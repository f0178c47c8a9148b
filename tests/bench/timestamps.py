"""Timestamps over HTTP, each one on disk before its reply leaves, and all of them in the log."""

from __future__ import annotations

import hashlib
import statistics
from contextlib import closing
from dataclasses import replace

from appliance.config import TSA_PORT_ABOVE, Settings
from appliance.home import Home
from appliance.ledger.timestamp_feeder import TimestampFeeder
from appliance.store.database import Database
from hsm.timestamp import build_request, order_for
from tests.bench.floors import trivial_server
from tests.bench.load import post_repeatedly, wait_until_serving
from tests.bench.measure import Figure
from tests.bench.stage import founded_home, serving
from tests.log import count_timestamps

PORT = 18080
CONNECTIONS = 16
ROUNDS, SECONDS = 3, 4
SYNCHRONOUS = ["--workers", "2"]
_TARGETS = {"RSA_SHA256": ("rsa-3072", 1100.0), "ECDSA_SHA256": ("p-256", 5000.0)}


def figures() -> list[Figure]:
    """Rates and 99th percentiles for both kinds of key, and the web server's own floor."""
    request = build_request(order_for(hashlib.sha256(b"bench").digest()))
    with trivial_server(PORT - 1, SYNCHRONOUS) as url:
        wait_until_serving(url)
        floor = post_repeatedly(url, request).rate
    found = []
    for algorithm, (name, target) in _TARGETS.items():
        with founded_home(tsa_algorithm=algorithm) as settings:
            rates, tails = _rates_and_tails(settings, request)
        work = f"timestamps over HTTP, {name}, {CONNECTIONS} connections, each on disk before its reply"
        found += [
            Figure(
                work,
                "per s",
                statistics.median(rates),
                rounds=rates,
                target=target,
                floor=floor,
                floor_of="gunicorn that only answers 1 KB",
            ),
            Figure(
                f"timestamps over HTTP, {name}, 99th percentile",
                "ms",
                statistics.median(tails),
                rounds=tails,
                target=25.0,
                smaller_is_better=True,
            ),
        ]
    return found


def _rates_and_tails(settings: Settings, request: bytes) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Granted timestamps per second, counted in the log, and 99th percentiles in ms, round by round."""
    there = replace(settings, web=replace(settings.web, port=PORT))
    url = f"http://127.0.0.1:{PORT + TSA_PORT_ABOVE}/tsa"
    rates, tails = [], []
    home = settings.home
    with serving(there), closing(Database(home.database)) as database:
        post_repeatedly(url, request, connections=CONNECTIONS, seconds=1)
        for _ in range(ROUNDS):
            before = issued(database, home)
            load = post_repeatedly(url, request, connections=CONNECTIONS, seconds=SECONDS)
            rates.append((issued(database, home) - before) / SECONDS)
            tails.append(load.p99)
    return tuple(rates), tuple(tails)


def issued(database: Database, home: Home) -> int:
    """Timestamps in the log, with what has been given out by now."""
    TimestampFeeder(database, home.timestamp_spool).run_once()
    return database.query(count_timestamps)
