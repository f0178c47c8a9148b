"""``make bench``: measures everything and prints the table."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tests.bench.measure import Figure
from tests.bench.table import as_markdown, machine, write

PARTS = ("authority", "timestamps", "signing", "verification", "ledger", "reminders", "pages", "memory")
RESULTS = Path("bench")


def main(wanted: list[str]) -> None:
    """Measures the *wanted* parts, or all; only a whole run is written to ``bench/``."""
    figures: list[Figure] = []
    for part in wanted or PARTS:
        print(f"measuring {part} …", file=sys.stderr, flush=True)
        figures += importlib.import_module(f"tests.bench.{part}").figures()
    if not wanted:
        write(figures, RESULTS)
    print(as_markdown(figures, machine()))


if __name__ == "__main__":
    main(sys.argv[1:])
