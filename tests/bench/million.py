"""The home page at a million contracts."""

from __future__ import annotations

from tests.bench.measure import Figure
from tests.bench.pages import figures_of_home

SIZES = (1_000, 1_000_000)


def figures() -> list[Figure]:
    """Home with its filters, deep pages and searches; flat from a thousand to a million."""
    return figures_of_home(SIZES)
