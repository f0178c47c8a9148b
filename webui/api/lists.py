"""Pages of lists, as every operation gives them that lists something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from appliance.errors import NotFound, PreconditionRefused
from appliance.listing import NO_PAGE
from webui.api.problems import ProblemError

Item = TypeVar("Item")
Place = TypeVar("Place")


def one_page(
    found: Sequence[Item], limit: int, place: Callable[[Item], Place]
) -> tuple[Sequence[Item], Place | None]:
    """At most *limit* of those *found*, and the *place* of the last of them, behind which the next page begins;
    None unless one more was found."""
    shown = found[:limit]
    return shown, place(shown[-1]) if len(found) > limit else None


@contextmanager
def in_list() -> Iterator[None]:
    """While it lasts, a place that is not there is no page of the list."""
    try:
        yield
    except (NotFound, PreconditionRefused) as refusal:
        raise no_page() from refusal


def no_page() -> ProblemError:
    """For an ``after`` that names no place in the list."""
    return ProblemError(NO_PAGE, "invalid-parameter", pointer="/after")
