"""The API over HTTP: a portal under gunicorn, programs with tokens; rates, floors, and growth with contracts."""

from __future__ import annotations

import base64
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from statistics import median as middle
from typing import Any

from appliance.acting_client import ClientReach, acting_for
from appliance.api_clients import new_client_id, new_secret, secret_digest
from appliance.cli.founding import give_accounts_for_trying
from appliance.config import load
from appliance.demonstration.participants import ALPHA, LI, ZHANG, ZONE
from appliance.events import EventFeed
from appliance.events.feed import LOOK_SECONDS
from appliance.language import Language
from appliance.model.api_clients import ClientAuthentication, ClientTerms, Scope
from appliance.model.contract import Contract
from appliance.model.listing import ClientFilter, ListCursor
from appliance.model.writing import MergeField, MergeFieldKind, Template, TextPurpose
from appliance.store import contracts, events
from appliance.wiring import Appliance, open_appliance
from appliance.writing import Beginning, typeset_wording
from appliance.writing.pages import filled_in
from hsm.intents import instant
from tests.bench import crowd
from tests.bench.bulk import write_for_programs
from tests.bench.crowd import guest, member
from tests.bench.documents import plain_contract
from tests.bench.floors import trivial_server
from tests.bench.load import wait_until_serving
from tests.bench.measure import Figure, median, milliseconds_of, rate_in_processes
from tests.bench.portfolio import BATCH, GUEST, Portfolio, contract
from tests.bench.programs import (
    STEPS,
    Access,
    Program,
    access_of,
    prepare_reading,
    prepare_sending,
    send_one,
)
from tests.bench.stage import founded_home, serving

PORT = 18090
SIZES = (2_000, 20_000)
PAGE = 100
STREAMS = 4
"""Programs that ask at the same time, each in a process of its own."""

SENT = 12
"""Contracts of which each step is timed, one after the other."""

POLLERS = (1, 4, 16)
ACTIONS = 12
"""Whose arrival at the pollers is timed."""

NARROW, NEWEST = 1_000, 10
"""Contracts of another company, whose client reaches nothing else: the oldest of all, and some of the newest."""

NARROW_INITIATOR = member(1)
GUNICORN = ["--worker-class", "gthread", "--workers", "2", "--threads", "8"]
"""As the portal has it."""

PLAIN_FLASK = """
from flask import Flask, Response
application = Flask(__name__)
@application.get("/api/v1/plain")
def answer():
    return Response(b'"' + b"x" * 1022 + b'"', mimetype="application/json")
"""


def figures() -> list[Figure]:
    """What is made, read and waited for in a new home; then reading, lists and events as contracts grow."""
    with serving_site() as new:
        return [*_sending(new), *_reading(new), *_polling(new), *grown(new, SIZES)]


@dataclass(frozen=True, slots=True)
class Site:
    """A home whose portal serves. ``wide`` reaches ALPHA's contracts, ``narrow`` those of one other company."""

    appliance: Appliance
    clients: Sequence[tuple[str, str]]
    """Id and secret of both."""

    @property
    def wide(self) -> Access:
        """A new token: filling a home takes longer than one is valid."""
        return access_of(PORT, *self.clients[0])

    @property
    def narrow(self) -> Access:
        return access_of(PORT, *self.clients[1])


@contextmanager
def serving_site() -> Iterator[Site]:
    """A new home in which authority and portal run, and no scheduler: nothing works but what programs ask for."""
    with founded_home() as settings:
        with settings.home.settings.open("a") as file:
            file.write("\n[api]\nrequests_per_minute = 1000000\n")
        give_accounts_for_trying(settings.home)
        there = load(settings.home)
        there = replace(there, web=replace(there.web, port=PORT))
        with serving(there, "authority", "web"), open_appliance(there) as appliance:
            crowd.settle(appliance.database, appliance.now())
            yield Site(appliance, [_client(appliance, house) for house in (ALPHA, NARROW_INITIATOR.organisation)])


def _client(appliance: Appliance, house: str) -> tuple[str, str]:
    client, secret = new_client_id(), new_secret()
    terms = ClientTerms(f"示例 {house}", frozenset(Scope), frozenset({house}))
    proof = ClientAuthentication(secret=secret_digest(secret))
    appliance.api_clients.create(client, terms, proof, by="root")
    return client, secret


def _sending(site: Site) -> Iterator[Figure]:
    template, fields = _template(site.appliance), {"价格": "1.50"}
    people = [{"kind": "person", "person": each.subject} for each in (ZHANG, LI)]
    document = base64.b64encode(plain_contract(2)).decode()
    common = {"title": "设备采购合同", "initiator": ZHANG.email}
    typed = {"path": f"/templates/{template.id}/contracts", "content": {**common, "fields": fields}}
    given = {"kind": "采购", "purpose": "示例", "document": document}
    orders = {
        "typed into a template": {**typed, "parties": people},
        "a PDF of 2 pages": {"path": "/contracts", "content": {**common, **given}, "parties": people},
    }
    typesetting = _median(partial(typeset_wording, filled_in(template.current.wording, fields)), 8)
    for name, order in orders.items():
        program = Program(site.wide)
        send_one(program, order)
        steps = [send_one(program, order)[1] for _ in range(SENT)]
        taken = {step: middle(each[step] for each in steps) for step in STEPS}
        rates = rate_in_processes(prepare_sending, [(site.wide, order)] * 2, seconds=3.0)
        yield Figure(
            f"API: create and send, {name}, two people, two programs",
            "contracts/s",
            median(rates),
            rounds=rates,
            note="; ".join(f"{step} {value:.1f} ms" for step, value in taken.items()),
        )
        of_typesetting = order["path"] != "/contracts"
        yield Figure(
            f"API: create and send, {name}, one after the other",
            "ms",
            sum(taken.values()),
            smaller_is_better=True,
            floor=typesetting if of_typesetting else None,
            floor_of="typesetting the same text" if of_typesetting else "",
        )


def _template(appliance: Appliance) -> Template:
    """One page with one field, of Zhang's."""
    field = MergeField("价格", MergeFieldKind.MONEY, "价格")
    clause = "<p>双方经协商一致，就采购事宜订立本合同，共同遵守。甲方应当按期付款，乙方应当按期交货。</p>"
    html = f'<h1>采购合同</h1><p>价格：<span data-field="价格">价格</span></p>{clause * 8}'
    beginning = Beginning("采购", "采购", Language.CHINESE, TextPurpose.TEMPLATE, html, (field,))
    text = appliance.writing.texts.new(ZHANG.subject, beginning)
    return appliance.writing.templates.publish(text.id, by=ZHANG.subject, seen=text.version)


def _reading(site: Site) -> Iterator[Figure]:
    """Rates with several programs at once, beside a Flask view under the same gunicorn."""
    program = Program(site.wide)
    one = program.get("/contracts", limit=1)["contracts"][0]
    path, version = f"/contracts/{one['id']}", f'"{one["version"]}"'
    with trivial_server(PORT + 9, GUNICORN, PLAIN_FLASK) as url:
        wait_until_serving(url)
        floor = median(_rate(Access(PORT + 9, ""), "/plain"))
    for name, asked, headers in (
        ("read a contract", path, {}),
        ("read a contract, If-None-Match", path, {"If-None-Match": version}),
        (f"list, a page of {PAGE}", f"/contracts?limit={PAGE}", {}),
        (f"events, a page of {PAGE}", f"/events?limit={PAGE}", {}),
    ):
        rates = _rate(site.wide, asked, headers)
        yield Figure(
            f"API: {name}, {STREAMS} programs",
            "per s",
            median(rates),
            rounds=rates,
            floor=floor,
            floor_of="Flask that only answers 1 KB",
        )


def _rate(access: Access, path: str, headers: dict[str, str] | None = None) -> tuple[float, ...]:
    return rate_in_processes(prepare_reading, [(access, path, headers or {})] * STREAMS)


def _polling(site: Site) -> Iterator[Figure]:
    """From the moment at which an action is asked for until whoever waits has its event; the portal looks every
    quarter of a second, and keeps a few waiting."""
    for pollers in POLLERS:
        taken, asked = _arrivals(site, pollers)
        yield Figure(
            f"API: an action's event, {pollers} waiting at once",
            "ms",
            middle(taken),
            rounds=tuple(taken),
            smaller_is_better=True,
            floor=LOOK_SECONDS * 500,
            floor_of="half of the time between two looks",
            note=f"the latest of {len(taken)} {max(taken):.0f} ms; {asked:.1f} requests a second of each",
        )


def _arrivals(site: Site, pollers: int) -> tuple[list[float], float]:
    """Milliseconds from each action to each poller, and how many requests a second a poller made."""
    acting = Program(site.wide)
    sent = acting.get("/contracts", limit=1, state="sent")["contracts"][0]
    begun: dict[int, float] = {}
    arrived: list[tuple[int, float]] = []
    ended, lock = threading.Event(), threading.Lock()
    requests = itertools.count()

    def poll(cursor: int) -> None:
        waiting = Program(site.wide)
        while not ended.is_set():
            page = waiting.get("/events", after=cursor, wait=5)
            now, cursor = time.perf_counter(), page["cursor"]
            next(requests)
            if not page["events"]:
                time.sleep(LOOK_SECONDS)  # as a program does that is not kept waiting
            with lock:
                arrived.extend((each["log"]["entry"], now) for each in page["events"])

    newest = site.appliance.database.query(events.newest_entry)
    threads = [threading.Thread(target=poll, args=(newest,)) for _ in range(pollers)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    started = time.perf_counter()
    deadline = site.appliance.now() + timedelta(days=400)
    for number in range(ACTIONS):
        at = instant(deadline + timedelta(minutes=next(_MINUTES)))
        asked = time.perf_counter()
        acting.post(f"/contracts/{sent['id']}/extend", {"deadline": {"at": at, "zone": ZONE}})
        begun[site.appliance.database.query(events.newest_entry)] = asked
        time.sleep(0.35 + 0.05 * (number % 6))
    made = next(requests) / (time.perf_counter() - started)
    ended.set()
    acting.post(f"/contracts/{sent['id']}/recall", {"reason": "示例理由"})
    for thread in threads:
        thread.join()
    taken = [(now - begun[entry]) * 1000 for entry, now in arrived if entry in begun]
    if len(taken) != ACTIONS * pollers:
        raise RuntimeError(f"{len(taken)} events arrived of {ACTIONS} for each of {pollers}.")
    return taken, made / pollers


_MINUTES = itertools.count()


Measured = dict[str, tuple[float, float]]
"""By what is asked: milliseconds over HTTP, and of what is behind it without HTTP."""


def grown(site: Site, sizes: Sequence[int]) -> list[Figure]:
    """One row for each question: what it takes beside so many contracts; each has its entries in the log."""
    measured: dict[int, Measured] = {}
    portfolio = Portfolio(site.appliance.database, 0, site.appliance.now())
    for size in sizes:
        portfolio = _fill(portfolio, size)
        measured[size] = _measured(site, size)
    entries = site.appliance.database.query(events.newest_entry)
    return [_grown(name, measured, entries) for name in measured[sizes[-1]]]


def _grown(name: str, measured: dict[int, Measured], entries: int) -> Figure:
    (value, floor), size = measured[max(measured)][name], max(measured)
    return Figure(
        f"API: {name}, {size:,} contracts, {entries:,} entries in the log",
        "ms",
        value,
        smaller_is_better=True,
        floor=floor or None,
        floor_of="the same queries without HTTP" if floor else "",
        growth={f"{each:,} contracts": found[name][0] for each, found in measured.items()},
    )


def _fill(portfolio: Portfolio, size: int) -> Portfolio:
    """*portfolio* grown to *size* contracts of ours, but for those of the other company."""
    for first in range(portfolio.size, size, BATCH):
        numbers = range(first, min(first + BATCH, size))
        outside = [guest(number) for number in numbers if number % GUEST == 0]
        made = [_contract(number, portfolio, size) for number in numbers]
        write_for_programs(portfolio.database, made, outside)
    return Portfolio(portfolio.database, size, portfolio.now)


def _contract(number: int, portfolio: Portfolio, size: int) -> Contract:
    made = contract(number, portfolio.now)
    others = number >= NARROW - NEWEST and number < size - NEWEST
    return made if others else replace(made, initiator=NARROW_INITIATOR.subject)


def _measured(site: Site, size: int) -> Measured:
    wide, narrow, database = Program(site.wide), Program(site.narrow), site.appliance.database
    reach = ClientReach(wide.get("/client")["id"], frozenset({ALPHA}))
    listing, feed = site.appliance.client_contracts, EventFeed(database)
    late, half = listing.cursor(reach, ListCursor("", size // 2)), size * 3
    since = instant(contract(size // 2, site.appliance.now()).created)
    one = wide.get("/contracts", limit=1, state="completed")["contracts"][0]["id"]

    def page(**query: Any) -> Callable[[], object]:
        return lambda: wide.get("/contracts", limit=PAGE, **query)

    def rows(after: str | None) -> Callable[[], object]:
        def read() -> object:
            with acting_for(reach):
                return listing.page(ClientFilter(), after=after, limit=PAGE)

        return read

    questions: dict[str, tuple[Callable[[], object], Callable[[], object] | None]] = {
        "read a contract": (
            lambda: wide.get(f"/contracts/{one}"),
            lambda: database.query(contracts.load_contract, one),
        ),
        f"list, the first {PAGE}": (page(), rows(None)),
        f"list, {PAGE} far behind": (page(after=late), rows(late)),
        f"list by state, {PAGE} that were sent": (page(state="sent"), None),
        f"list of changes, {PAGE}": (page(changed_since=since), None),
        f"events, {PAGE} from the middle of the log": (
            lambda: wide.get("/events", after=half, limit=PAGE),
            lambda: feed.after(half, reach, limit=PAGE),
        ),
        "events, nothing new": (
            lambda: wide.get("/events", after=database.query(events.newest_entry), limit=PAGE),
            None,
        ),
    }
    return {
        name: (_median(asked), _median(floor) if floor else 0.0) for name, (asked, floor) in questions.items()
    } | _narrow(narrow)


def _median(work: Callable[[], object], times: int = 20) -> float:
    return middle(milliseconds_of(work, times=times))


def _narrow(program: Program) -> Measured:
    """A client with 1,000 contracts: everything that it can list, and all its events, from beginning to end."""
    started, listed = time.perf_counter(), 0
    place: dict[str, str] | None = {}
    while place is not None:
        page = program.get("/contracts", limit=PAGE, **place)
        listed += len(page["contracts"])
        place = None if page["next"] is None else {"after": page["next"]}
    lists = time.perf_counter() - started
    begun, cursor, more, told = time.perf_counter(), -1, True, 0
    while more:
        page = program.get("/events", after=cursor, limit=PAGE)
        cursor, more, told = page["cursor"], page["more"], told + len(page["events"])
    followed = time.perf_counter() - begun
    if listed < 0.8 * NARROW or told < NARROW:
        raise RuntimeError(f"A client with {NARROW} contracts lists {listed}, and reads {told} events.")
    return {
        f"the whole list of a client with {NARROW:,}": (lists * 1000, 0.0),
        f"all events of a client with {NARROW:,}": (followed * 1000, 0.0),
    }
