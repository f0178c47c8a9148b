"""Where the processor time of a signing step, a whole contract and a timestamp goes, process by process.

What no process of ours accounts for (how children end, the kernel's own threads, the disk) is in a row of its own.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from appliance.config import TSA_PORT_ABOVE, Settings
from appliance.confinement.jobs import JOBS
from appliance.confinement.pool import Confinement
from appliance.demonstration.participants import ZHANG, DemonstrationAuthenticators
from appliance.demonstration.sample import sample_contract
from appliance.demonstration.story import DemonstrationContract, DemonstrationRun
from appliance.store.database import Database
from appliance.wiring import Appliance, open_appliance
from hsm.client import AuthorityClient
from hsm.timestamp import build_request, order_for
from tests.bench.documents import plain_contract
from tests.bench.load import post_repeatedly
from tests.bench.machine_time import used_milliseconds
from tests.bench.measure import Figure
from tests.bench.signing import sent
from tests.bench.stage import (
    authority_of,
    descendants,
    founded_home,
    serving,
    silent,
    wait_until_idle,
)
from tests.bench.timestamps import PORT, issued

Phases = defaultdict[str, float]
"""Milliseconds of this process, by what it did."""

STEPS = 100
CONTRACTS = 5
REST = "the rest of the machine: ends of processes, kernel, disk"
URL = f"http://127.0.0.1:{PORT + TSA_PORT_ABOVE}/tsa"

OF_TIMESTAMPS = {"authority": "hsm.cli serve", "timestamp process": "webui.tsa"}
"""What takes part in a timestamp, and how its command line is known."""


class MeasuredConfinement(Confinement):
    """The pool; ``used`` adds up the milliseconds of processor time of each job's children, ``faults`` their page
    faults, ``started`` what all of them used before their job, ``runs`` counts them."""

    def __init__(self, cache: Path, *, twice: bool = False) -> None:
        place = "tests.bench.measured_jobs:" + ("twice/" if twice else "")
        super().__init__(cache, jobs={name: place + name for name in JOBS})
        self.forget()

    def forget(self) -> None:
        """Count from here on."""
        self.used: defaultdict[str, float] = defaultdict(float)
        self.faults: Counter[str] = Counter()
        self.runs: Counter[str] = Counter()
        self.started = 0.0

    @property
    def zygote(self) -> int:
        """The process id of the one that forks."""
        assert self._zygote is not None
        return self._zygote.program.pid

    def run(
        self, job: str, arguments: Mapping[str, Any], *, timeout: float = 30.0, processor: float | None = None
    ) -> Any:
        answer = super().run(job, arguments, timeout=timeout, processor=processor)
        self.used[job] += answer["used"] / 1e6
        self.started += answer["start"] / 1e6
        self.faults[job] += answer["faults"]
        self.runs[job] += 1
        return answer["result"]


def figures() -> list[Figure]:
    """A row for each part of one signing step, and of a whole contract, in milliseconds of processor time."""
    used_milliseconds()  # before anything starts, so that it counts
    with founded_home() as settings, authority_of(settings):
        authority = descendants(os.getpid())
        with open_appliance(settings) as appliance:
            DemonstrationRun(
                appliance, DemonstrationAuthenticators(settings.home), sequence=lambda: None, say=silent
            ).accept_agreements()
        rows = [*_step(settings, authority), *_step_again(settings), *_whole(settings, authority)]
    return [*rows, *_timestamp("ECDSA_SHA256", "p-256"), *_timestamp("RSA_SHA256", "rsa-3072")]


@contextmanager
def _opened(settings: Settings, *, twice: bool = False) -> Iterator[tuple[Appliance, MeasuredConfinement]]:
    with (
        MeasuredConfinement(settings.home.cache, twice=twice) as confinement,
        open_appliance(settings, confinement=confinement) as appliance,
    ):
        yield appliance, confinement


def _step(settings: Settings, authority: Iterable[int]) -> list[Figure]:
    with _opened(settings) as (appliance, confinement):
        phases: Phases = defaultdict(float)
        step = _stepper(appliance, DemonstrationAuthenticators(settings.home))
        step(defaultdict(float))
        wait_until_idle()
        confinement.forget()
        rows = _shares(confinement, authority, lambda: step(phases), STEPS)
    mine = {f"caller: {phase}": used / STEPS for phase, used in phases.items()}
    return _figures("step", mine | rows)


def _step_again(settings: Settings) -> list[Figure]:
    """What the two children would use if nothing were new to them."""
    with _opened(settings, twice=True) as (appliance, confinement):
        step = _stepper(appliance, DemonstrationAuthenticators(settings.home), stock=STEPS // 4)
        for _ in range(STEPS // 4):
            step(defaultdict(float))
        rows = {
            f"child: {job}, a second time in the same child": used / confinement.runs[job]
            for job, used in confinement.used.items()
        }
    return _figures(
        "step", {name: used for name, used in rows.items() if "prepare" in name or "verification" in name}
    )


def _whole(settings: Settings, authority: Iterable[int]) -> list[Figure]:
    with _opened(settings) as (appliance, confinement):
        story = DemonstrationRun(
            appliance, DemonstrationAuthenticators(settings.home), sequence=lambda: None, say=silent
        )
        script, used = DemonstrationContract(sample_contract(), "bench"), Phases(float)
        story.sign_contract(script)
        wait_until_idle()
        confinement.forget()
        rows = _shares(
            confinement,
            authority,
            lambda: _timed(used, "all of it", lambda: story.sign_contract(script)),
            CONTRACTS,
        )
    return _figures("whole contract", {"caller": used["all of it"] / CONTRACTS} | rows)


def _stepper(
    appliance: Appliance, authenticators: DemonstrationAuthenticators, *, stock: int = STEPS
) -> Callable[[Phases], None]:
    """One signature under a contract that waits, each phase's milliseconds added to the counter."""
    document, subject = plain_contract(3), ZHANG.subject
    service = AuthorityClient(appliance.settings.home.authority_socket("activation"))
    waiting = [sent(appliance, document, subject) for _ in range(stock + 1)]

    def step(phases: Phases) -> None:
        contract = waiting.pop()
        party = contract.parties[0].id
        prepared = _timed(phases, "prepare", lambda: appliance.cycle.prepare(contract.id, party))
        answer = _timed(
            phases, "the software authenticator", lambda: authenticators.activate(subject, prepared.intent)
        )
        _timed(phases, "activation", lambda: service.approve(prepared.intent, answer))
        _timed(phases, "sign", lambda: appliance.cycle.sign(prepared.id))
        _timed(phases, "complete", lambda: appliance.cycle.complete(prepared.id))

    return step


def _shares(
    confinement: MeasuredConfinement, authority: Iterable[int], work: Callable[[], object], times: int
) -> dict[str, float]:
    """Milliseconds of one *work*, by process, and of all together; the caller's own are not among the parts."""
    whole, keys, forks, own = (
        used_milliseconds(),
        _used(authority),
        _used([confinement.zygote]),
        time.process_time(),
    )
    for _ in range(times):
        work()
    parts = {
        "authority": _used(authority) - keys,
        "zygote: forks and hand-overs": _used([confinement.zygote]) - forks,
        "children: from the fork to the job": confinement.started,
        **{
            f"child: {job}, {confinement.faults[job] // confinement.runs[job]:,} faults": used
            for job, used in confinement.used.items()
        },
    }
    everything = used_milliseconds() - whole
    rest = everything - sum(parts.values()) - (time.process_time() - own) * 1000
    return {name: used / times for name, used in (parts | {REST: rest, "everything": everything}).items()}


def _timestamp(algorithm: str, name: str) -> list[Figure]:
    """One timestamp over HTTP from 16 connections, on disk before its reply, and in the log."""
    request = build_request(order_for(hashlib.sha256(b"bench").digest()))
    with founded_home(tsa_algorithm=algorithm) as settings:
        there = replace(settings, web=replace(settings.web, port=PORT))
        with serving(there), closing(Database(settings.home.database)) as database:
            processes = {part: _running(words) for part, words in OF_TIMESTAMPS.items()}
            post_repeatedly(URL, request, seconds=1)
            before, whole = {part: _used(pids) for part, pids in processes.items()}, used_milliseconds()
            load, done = sum(os.times()[2:4]), issued(database, settings.home)
            post_repeatedly(URL, request, seconds=4)
            done = issued(database, settings.home) - done
            rows = {part: _used(pids) - before[part] for part, pids in processes.items()}
            rows["the client that asks"] = (sum(os.times()[2:4]) - load) * 1000
            everything = used_milliseconds() - whole
    rows |= {REST: everything - sum(rows.values()), "everything": everything}
    return [Figure(f"timestamp, {name}, {part}", "µs", 1000 * used / done) for part, used in rows.items()]


def _running(words: str) -> list[int]:
    """Our processes whose command line has *words*."""
    found = []
    for process in descendants(os.getpid()):
        with suppress(OSError):
            if words in Path(f"/proc/{process}/cmdline").read_text().replace("\0", " "):
                found.append(process)
    return found


def _timed(phases: Phases, phase: str, work: Callable[[], Any]) -> Any:
    before = time.process_time()
    result = work()
    phases[phase] += (time.process_time() - before) * 1000
    return result


def _used(processes: Iterable[int]) -> float:
    """Milliseconds of processor time of *processes* so far, all their threads (proc(5), schedstat)."""
    total = 0
    for process in processes:
        for thread in Path(f"/proc/{process}/task").glob("*/schedstat"):
            with suppress(OSError):
                total += int(thread.read_text().split()[0])
    return total / 1e6


def _figures(what: str, rows: Mapping[str, float]) -> list[Figure]:
    return [Figure(f"{what}, {name}", "ms", value) for name, value in rows.items()]
