"""Sweeps of which `make test` takes a part and `make test-long` the rest: both together leave nothing out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

LONG = pytest.mark.long


def one_in(every: int, values: Iterable[Any], *, start: int = 0) -> list[Any]:
    """Parameters: each of *values*, of which all but one in *every* are marked ``long``; *start* is the first one
    that is not."""
    return [each if number % every == start % every else long(each) for number, each in enumerate(values)]


def first_of(values: Iterable[Any]) -> list[Any]:
    """Parameters: each of *values*, all but the first of them marked ``long``."""
    kept, *others = values
    return [kept, *(long(each) for each in others)]


def long(value: Any) -> Any:
    """*value* as a parameter that is marked ``long``; a tuple stands for several parameters."""
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=LONG)
