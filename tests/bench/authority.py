"""The authority through its socket, beside what the token does without it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path

from hsm.client import AuthorityClient
from hsm.timestamp import order_for
from tests.bench.floors import prepare_raw_signing, scratch_token
from tests.bench.measure import Figure, median, rate_in_processes
from tests.bench.stage import authority_of, founded_home

BATCH = 16
"""Orders in one frame: what sixteen connections to the timestamp service make of themselves."""

_ALGORITHMS = {"rsa-3072": ("RSA_SHA256", 0.9), "p-256": ("ECDSA_SHA256", 0.5)}


def prepare_timestamps(socket: str) -> Callable[[], int]:
    """One caller of the authority: batches of timestamp orders, each with a new digest."""
    client = AuthorityClient(Path(socket))

    def ask() -> int:
        orders = [order_for(hashlib.sha256(secrets.token_bytes(8)).digest()) for _ in range(BATCH)]
        return len(client.timestamp(orders))

    return ask


def figures() -> list[Figure]:
    """Timestamp tokens per second out of the socket: signed, and each verified before it leaves."""
    found = []
    for name, (algorithm, share) in _ALGORITHMS.items():
        with scratch_token() as configuration:
            floor = median(rate_in_processes(prepare_raw_signing, [(str(configuration), name)] * 2))
        with founded_home(tsa_algorithm=algorithm) as settings, authority_of(settings):
            socket = str(settings.home.authority_socket("tsa"))
            rounds = rate_in_processes(prepare_timestamps, [(socket,)] * 2)
        found.append(
            Figure(
                f"authority through its socket, {name}, both cores",
                "tokens/s",
                median(rounds),
                rounds=rounds,
                target=share * floor,
                floor=floor,
                floor_of="raw C_Sign, two processes",
            )
        )
    return found
