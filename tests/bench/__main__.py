"""``make bench``: measures everything and prints the table."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

from tests.bench.measure import Figure
from tests.bench.table import as_markdown, machine, write

PARTS = (
    "authority",
    "keys",
    "timestamps",
    "signing",
    "verification",
    "verify_large",
    "ledger",
    "reminders",
    "pages",
    "million",
    "api",
    "api_million",
    "contract_ledger",
    "directory",
    "captures",
    "deposits",
    "memory",
    "ceilings",
    "shares",
)
RESULTS = Path("bench")


def main(wanted: list[str]) -> None:
    """Measures the *wanted* parts, or all; only a whole run is written to ``bench/``."""
    figures: list[Figure] = []
    for part in wanted or PARTS:
        print(f"measuring {part} …", file=sys.stderr, flush=True)
        started = time.perf_counter()
        figures += importlib.import_module(f"tests.bench.{part}").figures()
        print(f"  {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    if not wanted:
        write(figures, RESULTS)
    print(as_markdown(figures, machine()))
    judged = [figure.met() for figure in figures if figure.target is not None]
    print(f"targets met: {sum(map(bool, judged))} of {len(judged)}")


if __name__ == "__main__":
    main(sys.argv[1:])
