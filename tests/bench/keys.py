"""Whether a token with ten thousand keys signs as fast as one with ten.

SoftHSM takes 0.2 s to make a key beside a few hundred others, and longer beside thousands; so one is made, and its
files are copied under new names. The token then holds that many objects, each read and searched like any other.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import subprocess
import sys
import time
import uuid

from appliance.config import Settings
from hsm.client import AuthorityClient
from hsm.timestamp import order_for
from tests.bench.measure import Figure
from tests.bench.stage import authority_of, children_milliseconds, founded_home

MANY = 10_000
TIMES = 3_000

_MAKE = """
import os, sys
from pathlib import Path
from hsm import config
from hsm.worker_messages import PinChange
from hsm.generation import make_signing_key
from hsm.home import module_environment, user_pin
from hsm.operations.context import open_context
from hsm.signer import SignatureAlgorithm
settings = config.load(Path(sys.argv[1]))
os.environ.update(module_environment(settings, os.environ))
context = open_context(settings, PinChange(user_pin(settings, os.environ)))
make_signing_key(context.token, "bench", SignatureAlgorithm.ECDSA_SHA256)
context.close()
"""


def figures() -> list[Figure]:
    """Processor time of the authority for one timestamp; the first after a start, which has to find its key."""
    with founded_home() as settings:
        few, first_few = _times(settings)
        _fill(settings, MANY)
        many, first_many = _times(settings)
    return [
        Figure(
            f"one signature in the authority: times dearer with {MANY:,} keys in the token than with ten",
            "times",
            many / few,
            target=1.2,
            smaller_is_better=True,
            growth={
                "ms of processor time with ten": few,
                f"with {MANY:,}": many,
                "ms until the first after a start with ten": first_few,
                f"with {MANY:,} ": first_many,
            },
        )
    ]


def _times(settings: Settings) -> tuple[float, float]:
    """Milliseconds of processor time for each of many timestamps; and elapsed for the first after the start."""
    with authority_of(settings), AuthorityClient(settings.home.authority_socket("tsa"), timeout=60.0) as client:

        def one() -> None:
            client.timestamp([order_for(hashlib.sha256(secrets.token_bytes(8)).digest())])

        started = time.perf_counter()
        one()
        first = (time.perf_counter() - started) * 1000
        before = children_milliseconds()
        for _ in range(TIMES):
            one()
        return (children_milliseconds() - before) / TIMES, first


def _fill(settings: Settings, keys: int) -> None:
    """Gives the token so many more keys, public halves and all."""
    tokens = settings.home.root / "hsm" / "tokens"
    before = set(tokens.glob("*/*.object"))
    subprocess.run([sys.executable, "-c", _MAKE, str(settings.home.root)], check=True)
    made = set(tokens.glob("*/*.object")) - before
    for each in made:
        for _ in range(keys - 1):
            name = str(uuid.uuid4())
            shutil.copyfile(each, each.with_name(f"{name}.object"))
            each.with_name(f"{name}.lock").touch(mode=0o600)
