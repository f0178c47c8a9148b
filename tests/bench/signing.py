"""Signing steps and whole contracts, from prepare to verified and committed."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.config import Settings, load
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import LI, ZHANG, ZONE, DemonstrationAuthenticators
from appliance.demonstration.sample import sample_contract
from appliance.demonstration.story import DemonstrationContract, DemonstrationRun
from appliance.evidence.exporting import Exporting
from appliance.home import Home
from appliance.ledger import Sequencer
from appliance.model.contract import Contract, Deadline
from appliance.store.database import Database
from appliance.wiring import Appliance, open_appliance
from hsm.client import AuthorityClient
from tests.bench import crowd
from tests.bench.documents import plain_contract
from tests.bench.machine_time import used_milliseconds
from tests.bench.measure import Figure, median, rate_in_processes
from tests.bench.portfolio import Portfolio, fill
from tests.bench.stage import authority_of, founded_home, silent
from tests.world import OURS

WHOLE = 5
"""Whole contracts that are timed."""

SECONDS = 1.5
"""Of one round."""

STOCK = 110
"""Contracts for each round that each process has drafted and sent before the clock runs: more than it signs."""

STORES = (10_000, 100_000)
"""Contracts in the store beside which signing is measured again."""


def figures() -> list[Figure]:
    """Rates of one signing step on 3 and 200 pages, and the machine time of a whole contract."""
    used_milliseconds()  # before anything starts, so that it counts
    with founded_home() as settings, authority_of(settings):
        with open_appliance(settings) as appliance:
            story = DemonstrationRun(
                appliance, DemonstrationAuthenticators(settings.home), sequence=lambda: None, say=silent
            )
            story.accept_agreements()
        short, long = _step_rates(settings.home, 3), _step_rates(settings.home, 200)
        with open_appliance(settings) as appliance:
            whole, package = _whole_contracts(appliance)
        crowded = _crowded(settings)
    return [
        Figure(
            "one signing step, 3 pages, prepare to committed, verified, B-T, two processes",
            "per s",
            median(short),
            rounds=short,
            target=100.0,
            growth={"200 pages": median(long)} | crowded,
        ),
        Figure(
            "signing step: times slower on 200 pages than on 3",
            "times",
            median(short) / median(long),
            target=2.0,
            smaller_is_better=True,
        ),
        Figure(
            "whole contract, two people and a seal, draft to verified B-LTA, all processes",
            "ms of machine time",
            median(whole),
            rounds=whole,
            target=300.0,
            smaller_is_better=True,
        ),
        Figure(
            "its evidence package",
            "ms",
            median(package),
            rounds=package,
            target=2000.0,
            smaller_is_better=True,
        ),
    ]


def _step_rates(home: Home, pages: int, *, rounds: int = 3) -> tuple[float, ...]:
    # One person a process: an authenticator's counter only goes up, so two may not take turns with one.
    signers = [(str(home.root), person.subject, pages, rounds) for person in (ZHANG, LI)]
    return rate_in_processes(prepare_steps, signers, seconds=SECONDS, rounds=rounds)


def _crowded(settings: Settings) -> dict[str, float]:
    """Steps a second on 3 pages while so many other contracts are in the store."""
    found = {}
    with closing(Database(settings.home.database)) as database:
        now = datetime.now(UTC)
        crowd.settle(database, now)
        portfolio = Portfolio(database, 0, now)
        for size in STORES:
            portfolio = fill(portfolio, size, logged=False)
            found[f"{size:,} contracts in the store"] = median(_step_rates(settings.home, 3, rounds=1))
    return found


def prepare_steps(root: str, subject: str, pages: int, rounds: int) -> Callable[[], int]:
    """A process in which one person signs contract after contract, each with this one signature."""
    home = Home(Path(root))
    opened = ExitStack()
    appliance = opened.enter_context(open_appliance(load(home)))
    atexit.register(opened.close)
    authenticators = DemonstrationAuthenticators(home)
    document = plain_contract(pages)
    stock = [sent(appliance, document, subject) for _ in range(rounds * STOCK)]

    def sign_one() -> int:
        contract = stock.pop()
        prepared = appliance.cycle.prepare(contract.id, contract.parties[0].id)
        authenticators.confirm(subject, prepared.intent)
        appliance.cycle.sign(prepared.id)
        appliance.cycle.complete(prepared.id)
        return 1

    return sign_one


def sent(appliance: Appliance, document: bytes, subject: str) -> Contract:
    """A contract of *subject* alone, out for signing."""
    terms = DraftTerms(
        title="bench",
        kind="服务合同",
        purpose="bench",
        initiator=subject,
        deadline=Deadline(appliance.now() + timedelta(days=7), ZONE),
    )
    draft = appliance.drafting.draft(document, terms)
    appliance.drafting.add_person(draft.id, subject=subject, by=subject)
    return appliance.sending.send(draft.id, by=subject)


def _whole_contracts(appliance: Appliance) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Machine time in ms of whole contracts, and elapsed ms of their packages, after one of each that warms up.

    Machine time, because sealing off waits for the second after the last signature: up to one that costs nothing.
    """
    with AuthorityClient(appliance.settings.home.authority_socket("scheduler")) as scheduler:
        sequencer = Sequencer(appliance.database, scheduler)
        story = DemonstrationRun(
            appliance,
            DemonstrationAuthenticators(appliance.settings.home),
            sequence=sequencer.run_once,
            say=silent,
        )
        exporting, script = Exporting(appliance), DemonstrationContract(sample_contract(), "bench")
        contracts, packages = [], []
        for _ in range(WHOLE + 1):
            before = used_milliseconds()
            contract = story.sign_contract(script)
            contracts.append(used_milliseconds() - before)
            signed = time.perf_counter()
            sequencer.run_once()
            exporting.export(contract.id, OURS)
            packages.append((time.perf_counter() - signed) * 1000)
    return tuple(contracts[1:]), tuple(packages[1:])
