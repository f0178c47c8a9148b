"""One home, in which round after round something breaks while people sign and others ask for the time.

Run as ``python -m tests.crash.lane TEMPLATE ROUNDS SEED``; the rounds ``few 1/2`` are the first half of a plan
(:class:`Share`). In a mount namespace of its own, where that is permitted, the home is a small file system, which
can be full. Each round is a line of JSON (:class:`Round`).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.config import load
from appliance.home import Home
from appliance.model.contract import Contract, ContractState, PartyState
from appliance.retention import ABANDONED
from appliance.wiring import Appliance, open_appliance
from tests.crash.acting import Acting
from tests.crash.clients import TimestampClients, Told
from tests.crash.disk import own_disk
from tests.crash.faults import FAULTS, Scene
from tests.crash.judge import LATER, Judge
from tests.crash.performer import Order
from tests.crash.plan import RANDOM, Plan, Scenario, Share, scenarios
from tests.crash.site import PATIENCE, Site
from tests.crash.tally import Tally
from tests.world import contract_now, copy_home, sample_document, send

DOCUMENT = sample_document(1)
NONE = "undisturbed"
KILLING = ("kill", "web killed", "another machine")
ACKNOWLEDGEMENTS = ("signed", "completed", "sealed")


@dataclass(frozen=True, slots=True)
class Round:
    """What a round was and what it counted; the last one of a lane judges everything once more."""

    scenario: str
    tally: Tally
    seconds: float

    def line(self) -> str:
        tally = self.tally
        parts = {"counts": tally.counts, "notes": tally.notes, "findings": tally.findings}
        return json.dumps({"scenario": self.scenario, "tally": parts, "seconds": self.seconds}) + "\n"


class Lane:
    """Runs rounds in one home."""

    def __init__(self, home: Home, appliance: Appliance, plan: Plan) -> None:
        self.site = Site(home)
        self.ahead = timedelta()
        self._home = home
        self._appliance = appliance
        self._plan = plan
        self._judge = Judge(appliance, home)
        self._acting: Acting | None = None
        self._contract: Contract | None = None

    def round(self, number: int) -> Round:
        """One act, one fault, one judgement."""
        began = time.monotonic()
        contract = self._next_contract()
        waiting = [each.id for each in contract.parties if each.state is PartyState.WAITING]
        act, party = "sign" if len(waiting) > 1 else "seal", waiting[0]
        scenario = self._plan.next(act, "place") or Scenario(act, NONE, RANDOM)
        said, told = self._act(scenario, contract, party, number)
        tally = self._judged(scenario, contract, party, said)
        tally.add(self._judge.tokens([*told.tokens, *tokens_in(said)]))
        tally.counts["refused"] += told.refused + sum(line.startswith("refused") for line in said)
        tally.counts["unanswered"] += told.unanswered
        if self._acting is not None and self._acting.died and scenario.fault not in KILLING:
            tally.half(f"the performer ended by itself: {self._last_words()}")
        return Round(f"{scenario.act}: {scenario.fault} · {scenario.at}", tally, time.monotonic() - began)

    def last(self) -> Round:
        """Everything once more."""
        began = time.monotonic()
        self.site.restart()
        self.ahead = 2 * ABANDONED
        return Round("everything at the end", self._judge.everything(), time.monotonic() - began)

    def end(self) -> None:
        if self._acting is not None:
            self._acting.end()
        self.site.end()

    def _next_contract(self) -> Contract:
        self.site.restart()
        if self._contract is not None:
            self._contract = contract_now(self._appliance, self._contract.id)
        if self._contract is None or self._contract.state is not ContractState.SENT:
            self._contract = send(self._appliance, DOCUMENT)
        return self._contract

    def _performer(self) -> Acting:
        if self._acting is None or self._acting.died:
            self._acting = Acting(self._home)
            self._acting.wait_until_warm()
        return self._acting

    def _act(self, scenario: Scenario, contract: Contract, party: str, number: int) -> tuple[list[str], Told]:
        acting = self._performer()
        clients = TimestampClients(self.site.port, f"{self._home.root} {number}")
        at = "" if scenario.at == RANDOM else scenario.at
        own = scenario.fault if scenario.is_own else ""
        acting.tell(Order(scenario.act, contract.id, party, at, own).line())
        scene, fault = Scene(self.site, acting.process.pid), FAULTS.get(scenario.fault)
        struck = False
        if fault is not None and scenario.at == RANDOM:
            time.sleep(self._plan.moment())
            fault.strike(scene)
            struck = True
        said = []
        for line in acting.said():
            said.append(line)
            if line.startswith("at ") and fault is not None:
                fault.strike(scene)
                struck = True
                if not acting.died:
                    acting.tell("go\n")
        told = clients.wait()
        if fault is not None and struck:
            fault.heal(scene)
        if scenario.is_own and scenario.fault != NONE and not acting.died:
            acting.end()  # what it did to itself stays with it
            self._acting = None
        return said, told

    def _last_words(self) -> str:
        lines = (self._home.logs / "performer.log").read_text(encoding="utf-8").strip().splitlines()
        return lines[-1] if lines else "nothing"

    def _judged(self, scenario: Scenario, contract: Contract, party: str, said: list[str]) -> Tally:
        self.site.restart()
        pending = self._recovered()
        if self._left_open():
            self.ahead = LATER
            pending = self._recovered()
            self.ahead = timedelta()
        acknowledged = [line for line in said if line in ACKNOWLEDGEMENTS]
        refused = any(line.startswith("refused") for line in said)  # then it never came to where it would die
        expected = None if refused else scenario.leaves_signature
        tally = self._judge.contract(contract.id, acknowledged, party, expected=expected)
        tally.add(
            self._judge.approvals(line.removeprefix("approved ") for line in said if line.startswith("approved "))
        )
        for what, why in pending.items():
            tally.half(f"{what} is pending: {why}")
        return tally

    def _recovered(self) -> dict[str, str]:
        """Recovery as the scheduler does it, until nothing waits: an HSM that was away is not asked at once."""
        deadline = time.monotonic() + PATIENCE
        while (pending := self._judge.recover()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return pending

    def _left_open(self) -> bool:
        with self._appliance.database.reading() as tx:
            return (
                tx.execute(
                    "SELECT 1 FROM intents WHERE state IN ('signing', 'signed', 'stamped') LIMIT 1"
                ).fetchone()
                is not None
            )


def tokens_in(said: list[str]) -> list[bytes]:
    return [bytes.fromhex(line.removeprefix("dated ")) for line in said if line.startswith("dated ")]


@contextmanager
def lane(template: Home, *, seed: int, share: Share | None) -> Iterator[tuple[Lane, Plan]]:
    """A lane with everything running, ended with all its processes."""
    with (
        tempfile.TemporaryDirectory(prefix="vermilion-crash-") as directory,
        own_disk(Path(directory)) as on_own_disk,
    ):
        home = copy_home(template, Path(directory), shares_cache=True)
        every = (share.scenarios if share else scenarios)(own_disk=on_own_disk)
        plan = Plan(every, seed=seed, again=not share)
        running: Lane
        with open_appliance(load(home), now=lambda: datetime.now(UTC) + running.ahead) as appliance:
            running = Lane(home, appliance, plan)
            try:
                yield running, plan
            finally:
                running.end()


def main(template: str, rounds: str, seed: str) -> None:
    share = Share.read(rounds)
    with lane(Home(Path(template)), seed=int(seed), share=share) as (running, plan):
        number = 0
        while plan.left if share else number < int(rounds):
            say(running.round(number))
            number += 1
        say(running.last())


def say(done: Round) -> None:
    sys.stdout.write(done.line())
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
