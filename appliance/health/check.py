"""A question of health as the registry has it, and how it is asked: an answer always, never an exception."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from appliance.health.bench import CheckContext, NotAnswerable
from appliance.health.finding import HealthFinding, attention
from appliance.health.pages import RunbookPage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """A question: ``ask`` gives a finding of this ``name``, or None when there is nothing to say; people read the
    ``title`` (a sentence of the catalogue).

    ``serving``: without it nothing is signed, dated or recorded, so ``/readyz`` gives 503. ``at_once``: answered
    fast enough to be asked for every visitor. ``network``: it asks another machine, so only the process that may
    (the scheduler) is sure of the answer.
    """

    name: str
    title: str
    ask: Callable[[CheckContext], HealthFinding | None]
    serving: bool = False
    at_once: bool = False
    network: bool = False


def ask_check(check: Check, bench: CheckContext) -> HealthFinding | None:
    """The answer; None when what it needs does not answer, which another finding says."""
    try:
        return check.ask(bench)
    except NotAnswerable:
        return None
    except Exception as error:  # a question that breaks is a finding itself, and the others are asked
        log.warning("%s: %s: %s", check.name, type(error).__name__, error)
        values = {"check": check.name, "why": f"{type(error).__name__}: {error}"}
        return attention(
            check.name, RunbookPage.CHECK_BROKEN, "The question about {check} could not be answered: {why}", values
        )


def ask_all(checks: Iterable[Check], bench: CheckContext) -> list[HealthFinding]:
    """All answers, in the order of *checks*."""
    answers = (ask_check(check, bench) for check in checks)
    return [finding for finding in answers if finding is not None]
