"""Which regular expressions may be rules: those whose time is bounded by the length of a sentence.

Repeats without an end (``*``, ``+``, ``{3,}``) and references back are where backtracking explodes; repeats
with an end inside such repeats multiply. Only repeats of single characters may be open, and only with few
combinations.
"""

from __future__ import annotations

import re._constants as sre  # type: ignore[import-not-found]  # the standard library's own parser, without stubs
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

MOST_NESTED = 200
"""The most that the bounds of repeats inside repeats may multiply to."""


@cache
def unbounded(pattern: str) -> bool:
    """Whether *pattern* (one that compiles) could take too long."""
    return _endless(parser.parse(pattern), 1)


def _endless(parts: Any, within: int) -> bool:
    return any(_part_endless(operation, value, within) for operation, value in parts)


def _part_endless(operation: Any, value: Any, within: int) -> bool:
    if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        return _repeat_endless(value, within)
    if operation is sre.BRANCH:
        return any(_endless(branch, within) for branch in value[1])
    if operation in _INSIDE:
        return _endless(_INSIDE[operation](value), within)
    return operation in (sre.GROUPREF, sre.GROUPREF_EXISTS)


def _repeat_endless(value: Any, within: int) -> bool:
    _, most, inside = value
    single = len(inside) == 1 and inside[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)
    if most == sre.MAXREPEAT:
        return within > 1 or not single
    if single:
        return within > 1 and within * most > MOST_NESTED
    return within * most > MOST_NESTED or _endless(inside, within * max(most, 1))


_INSIDE: Mapping[Any, Callable[[Any], Any]] = {
    sre.SUBPATTERN: lambda value: value[3],
    sre.ASSERT: lambda value: value[1],
    sre.ASSERT_NOT: lambda value: value[1],
    sre.ATOMIC_GROUP: lambda value: value,
}
"""Groups, and how the patterns in them are got at."""
