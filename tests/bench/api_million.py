"""The API beside a million contracts, and the log that they have: about eight million entries."""

from __future__ import annotations

from tests.bench.api import grown, serving_site
from tests.bench.measure import Figure

SIZES = (10_000, 100_000, 1_000_000)


def figures() -> list[Figure]:
    """Reading, lists and events, flat from ten thousand to a million."""
    with serving_site() as new:
        return grown(new, SIZES)
