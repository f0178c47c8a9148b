"""How a rate is measured: several rounds of a fixed time, the median reported, all rounds kept."""

from __future__ import annotations

import multiprocessing
import queue
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table.

    ``value`` is the median over ``rounds``; ``target`` and ``floor`` are in the same unit where they exist.
    ``floor_of`` says what the floor is, e.g. "raw C_Sign, two processes".
    """

    work: str
    unit: str
    value: float
    rounds: tuple[float, ...] = ()
    target: float | None = None
    smaller_is_better: bool = False
    floor: float | None = None
    floor_of: str = ""
    note: str = ""
    growth: dict[str, float] = field(default_factory=dict)

    def met(self) -> bool | None:
        """Whether the target is met; ``None`` where there is none."""
        if self.target is None:
            return None
        return self.value <= self.target if self.smaller_is_better else self.value >= self.target

    def to_json(self) -> dict[str, Any]:
        """The row as it is written to ``bench/results.json``."""
        return asdict(self) | {"met": self.met()}


def rate_of(work: Callable[[], int | None], *, seconds: float = 1.0, rounds: int = 3) -> tuple[float, ...]:
    """Units per second of *work* (which returns how many units it did, or None for one), round by round."""
    work()
    return tuple(_one_round(work, seconds) for _ in range(rounds))


def _one_round(work: Callable[[], int | None], seconds: float) -> float:
    done = 0
    started = time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        units = work()
        done += 1 if units is None else units
    return done / elapsed


def milliseconds_of(work: Callable[[], object], *, times: int = 20) -> tuple[float, ...]:
    """Wall milliseconds of each of *times* calls, after one that warms up."""
    work()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return tuple(taken)


def rate_in_processes(
    prepare: Callable[..., Callable[[], int | None]],
    arguments: Sequence[tuple[object, ...]],
    *,
    seconds: float = 1.0,
    rounds: int = 3,
) -> tuple[float, ...]:
    """Sum of the rates of fresh processes, one for each of *arguments*: it calls prepare(*own), repeats that.

    Processes, not threads: PKCS#11 modules are only ever touched by single-threaded processes here.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(arguments))
    results: Any = context.Queue()
    workers = [
        context.Process(target=_worker, args=(prepare, own, barrier, results, seconds, rounds))
        for own in arguments
    ]
    for worker in workers:
        worker.start()
    per_worker = [_received(results, workers) for _ in workers]
    for worker in workers:
        worker.join()
    return tuple(sum(column) for column in zip(*per_worker, strict=True))


def _received(results: Any, workers: Sequence[Any]) -> list[float]:
    """The rates of one worker. Raises RuntimeError when one has failed: its own words are above."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            rates: list[float] = results.get(timeout=1)
        except queue.Empty:
            if any(worker.exitcode for worker in workers):
                break
        else:
            return rates
    for worker in workers:
        worker.kill()
    raise RuntimeError("A process that was to be measured did not come to its end.")


def _worker(prepare: Any, arguments: Any, barrier: Any, results: Any, seconds: float, rounds: int) -> None:
    work = prepare(*arguments)
    work()
    rates = []
    for _ in range(rounds):
        barrier.wait(timeout=300)
        rates.append(_one_round(work, seconds))
    results.put(rates)


def median(values: tuple[float, ...]) -> float:
    """Median of *values*."""
    return statistics.median(values)
