"""Timestamps over HTTP, each one durably in the log before its reply leaves."""

from __future__ import annotations

import hashlib
import statistics
from dataclasses import replace

from appliance.config import Settings
from appliance.supervision.services import TSA_PORT_ABOVE
from hsm.timestamp import build_request
from tests.bench.floors import trivial_server
from tests.bench.load import Load, post_repeatedly, wait_until_serving
from tests.bench.measure import Figure
from tests.bench.stage import founded_home, serving

PORT = 18080
CONNECTIONS = 16
ROUNDS = 3
SYNCHRONOUS, THREADED = ["--workers", "2"], ["--workers", "2", "--worker-class", "gthread", "--threads", "16"]
_TARGETS = {"RSA_SHA256": ("rsa-3072", 1100.0), "ECDSA_SHA256": ("p-256", 5000.0)}


def figures() -> list[Figure]:
    """Rates and 99th percentiles for both kinds of key, and the web server's own floor."""
    request = build_request(hashlib.sha256(b"bench").digest())
    with trivial_server(PORT - 1, SYNCHRONOUS) as url:
        wait_until_serving(url)
        floor = post_repeatedly(url, request).rate
    found = []
    for algorithm, (name, target) in _TARGETS.items():
        with founded_home(tsa_algorithm=algorithm) as settings:
            loads = _loads(settings, request)
        rates = tuple(load.rate for load in loads)
        failures = sum(load.failures for load in loads)
        found.append(
            Figure(
                f"timestamps over HTTP, {name}, {CONNECTIONS} connections",
                "per s",
                statistics.median(rates),
                rounds=rates,
                target=target,
                floor=floor,
                floor_of="gunicorn that only answers 1 KB",
                note=f"{failures} not granted" if failures else "",
            )
        )
        tails = tuple(load.p99 for load in loads)
        found.append(
            Figure(
                f"timestamps over HTTP, {name}, 99th percentile",
                "ms",
                statistics.median(tails),
                rounds=tails,
                target=25.0,
                smaller_is_better=True,
            )
        )
    return found


def _loads(settings: Settings, request: bytes) -> list[Load]:
    there = replace(settings, web=replace(settings.web, port=PORT))
    url = f"http://127.0.0.1:{PORT + TSA_PORT_ABOVE}/tsa"
    with serving(there):
        post_repeatedly(url, request, connections=CONNECTIONS, seconds=1)
        return [post_repeatedly(url, request, connections=CONNECTIONS) for _ in range(ROUNDS)]
