"""Every page that a signed-in person sees in daily work, at growing portfolios: time, weight, memory."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flask import Flask

from appliance.ledger import Sequencer
from appliance.wiring import Appliance, open_appliance
from hsm.client import AuthorityClient
from tests.bench import crowd
from tests.bench.itinerary import FAMILIES, HOME, SEARCH, Visit, visits
from tests.bench.measure import Figure
from tests.bench.occasions import ROLES, Occasions, arrange
from tests.bench.portfolio import Portfolio, fill
from tests.bench.stage import authority_of, founded_home
from tests.bench.visits import Browser, Cost, trivial_view, worst
from tests.lists import find_wrong
from webui.portal.application import create_app

SIZES = (1_000, 10_000, 100_000)
TIMES = 40
VIEWS = 10_000
LISTS_CHECKED = 300
TARGET_MS, TARGET_KB = 30.0, 150.0

Costs = dict[str, list[Cost]]
"""By family of pages."""


def figures() -> list[Figure]:
    """One row for each family: its slowest page with the largest portfolio, how it grew; then weight, memory."""
    with _running_appliance() as (appliance, occasions):
        floor = trivial_view().cost("floor", "/", 10 * TIMES)
        measured, memory = _grown(appliance, _browsers(appliance), occasions)
    return [
        *(_times(family, measured, floor) for family in FAMILIES),
        *_weights(measured[SIZES[-1]]),
        memory,
    ]


def figures_of_home(sizes: tuple[int, ...]) -> list[Figure]:
    """The home page and its searches alone, at these sizes; contracts without history, as a list reads none."""
    measured: dict[int, Costs] = {}
    with _running_appliance() as (appliance, occasions):
        browsers = _browsers(appliance)
        floor = trivial_view().cost("floor", "/", 10 * TIMES)
        portfolio = Portfolio(appliance.database, 0, appliance.now())
        for size in sizes:
            portfolio = fill(portfolio, size, logged=False)
            wanted = [each for each in visits(occasions, size) if each.family in (HOME, SEARCH)]
            measured[size] = _costs(browsers, wanted)
        _require_true_lists(appliance)
    rows = [_times(family, measured, floor) for family in (HOME, SEARCH)]
    return [replace(row, work=f"{row.work}, {max(sizes):,} contracts") for row in rows]


@contextmanager
def _running_appliance() -> Iterator[tuple[Appliance, Occasions]]:
    """An appliance with its people and one of everything; no portfolio yet."""
    with founded_home() as settings, authority_of(settings), open_appliance(settings) as appliance:
        occasions = arrange(appliance)
        with AuthorityClient(settings.home.authority_socket("scheduler")) as scheduler:
            Sequencer(appliance.database, scheduler).run_once()
        crowd.settle(appliance.database, appliance.now())
        yield appliance, occasions


def _browsers(appliance: Appliance) -> dict[str, Browser]:
    portal = _portal(appliance)
    return {who: Browser.of(portal, appliance, who) for who in ROLES}


def _portal(appliance: Appliance) -> Flask:
    return create_app(appliance, form_key=bytes(32))


def _grown(
    appliance: Appliance, browsers: dict[str, Browser], occasions: Occasions
) -> tuple[dict[int, Costs], Figure]:
    """The costs at each size. Memory is looked at in between."""
    measured: dict[int, Costs] = {}
    portfolio = Portfolio(appliance.database, 0, appliance.now())
    for size in SIZES:
        portfolio = fill(portfolio, size)
        wanted = visits(occasions, size)
        measured[size] = _costs(browsers, wanted)
        if size == SIZES[1]:
            memory = _memory(browsers, wanted)
    _require_true_lists(appliance)
    return measured, memory


def _require_true_lists(appliance: Appliance) -> None:
    """Raises RuntimeError where lists are not what the contracts say: such a portfolio measures nothing."""
    untrue = find_wrong(appliance.database, newest=LISTS_CHECKED)
    if untrue:
        raise RuntimeError(f"The lists of {len(untrue)} seeded contracts are not true, {untrue[0]} among them.")


def _costs(browsers: dict[str, Browser], wanted: list[Visit]) -> Costs:
    costs: Costs = {}
    for each in wanted:
        for address in each.addresses(browsers[each.who].page):
            costs.setdefault(each.family, []).append(browsers[each.who].cost(each.name, address, TIMES))
    return costs


def _times(family: str, measured: dict[int, Costs], floor: Cost) -> Figure:
    by_size = {size: worst(costs[family]) for size, costs in measured.items() if family in costs}
    last, first = by_size[max(by_size)], by_size[min(by_size)]
    number = len(measured[max(by_size)][family])
    return Figure(
        f"page: {family}, the slowest of {number}, server time",
        "ms",
        last.wall,
        target=TARGET_MS,
        smaller_is_better=True,
        floor=floor.wall,
        floor_of="trivial Flask view",
        note=f"{last.name}; p99 {last.p99:.1f}, processor time {last.processor:.1f} ms,"
        f" {last.processor / first.processor:.2f} times that at {min(by_size):,}",
        growth={f"{size:,} contracts": cost.wall for size, cost in by_size.items()},
    )


def _weights(costs: Costs) -> Iterator[Figure]:
    heaviest = max((cost for family in costs.values() for cost in family), key=lambda cost: cost.weight)
    returning = max((cost for family in costs.values() for cost in family), key=lambda cost: cost.again)
    yield Figure(
        "page: the heaviest, HTML and all static files, uncompressed",
        "KB",
        heaviest.weight,
        target=TARGET_KB,
        smaller_is_better=True,
        note=heaviest.name,
    )
    yield Figure(
        "page: the heaviest when seen again, what is not in the browser's cache",
        "KB",
        returning.again,
        smaller_is_better=True,
        note=returning.name,
    )


def _memory(browsers: dict[str, Browser], wanted: list[Visit]) -> Figure:
    """How much this process grows over so many views of all pages, after a tenth of them."""
    tours = [
        (browsers[each.who], address) for each in wanted for address in each.addresses(browsers[each.who].page)
    ]
    _view(tours, VIEWS // 10)
    before = _resident()
    _view(tours, VIEWS)
    after = _resident()
    return Figure(
        f"page: growth of the server's memory over {VIEWS:,} views",
        "MB",
        (after - before) / 2**20,
        target=5.0,
        smaller_is_better=True,
        note=f"{before / 2**20:.0f} MB before",
    )


def _view(tours: list[tuple[Browser, str]], times: int) -> None:
    for number in range(times):
        browser, address = tours[number % len(tours)]
        browser.get(address)
    gc.collect()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
