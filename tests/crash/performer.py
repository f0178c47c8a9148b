"""A process that takes acts through their steps, does to itself what it is told, and says what was done.

Run as ``python -m tests.crash.performer HOME``. An order is one line of JSON on standard input (:class:`Order`);
what became of it comes line by line on standard output, as soon as it is so. What is acknowledged must be there:

    ready            the process is warm
    at FAILPOINT     it waits there for a line ``go``
    approved ID      everybody has activated that intent, and the authority remembers it
    signed, completed, sealed ID, dated HEX, placed      the call returned
    refused KIND: SENTENCE      the call raised; the act ends there
    done             the order is over
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from appliance.config import load
from appliance.contracts.crash_safety import Failpoint
from appliance.errors import StorageError
from appliance.home import Home
from appliance.ledger import Sequencer
from appliance.wiring import Appliance, open_appliance
from hsm.client import AuthorityClient
from hsm.errors import RefusalError
from hsm.intents import SigningIntent
from tests.crash.plan import APPROVED
from tests.crash.selfharm import SELF_INFLICTED
from tests.world import confirm, sample_document


@dataclass(frozen=True, slots=True)
class Order:
    """``act``: sign, seal, send or place; ``at``: the failpoint's name, ``begin`` or ``approved``, where ``fault``
    (of ourselves) happens, or where somebody else is waited for."""

    act: str
    contract: str = ""
    party: str = ""
    at: str = ""
    fault: str = ""

    def line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


class Performer:
    """One appliance, and the order that is under way."""

    def __init__(self) -> None:
        self.order = Order("")
        self.appliance: Appliance
        self.sequencer: Sequencer

    def reach(self, reached: Failpoint) -> None:
        if reached.name == self.order.at:
            self.meet(reached.name)

    def meet(self, place: str) -> None:
        if self.order.fault:
            SELF_INFLICTED[self.order.fault](self.appliance)
        else:
            say(f"at {place}")
            sys.stdin.readline()

    def perform(self, order: Order) -> None:
        self.order = order
        acts = {"sign": self.sign, "seal": self.seal, "place": self.place}
        with refusals_said():
            if order.at == "begin":
                self.meet("begin")
            acts[order.act]()
            digest = sha256(order.line().encode()).digest()
            say(f"dated {self.appliance.timestamps.issue_token(digest).hex()}")
        say("done")

    def sign(self) -> None:
        cycle = self.appliance.cycle
        prepared = cycle.prepare(self.order.contract, self.order.party)
        self.confirm(prepared.intent)
        say(f"approved {prepared.id}")
        if self.order.at == APPROVED:
            self.meet(APPROVED)
        cycle.sign(prepared.id)
        say("signed")
        cycle.complete(prepared.id)
        say("completed")

    def confirm(self, act: SigningIntent) -> None:
        """What people answer. Their devices are files here, on the disk that fails: one that fails is no crash."""
        try:
            confirm(self.appliance, act)
        except OSError as error:
            raise StorageError("The device does not answer: {why}.", why=error.strerror) from error

    def seal(self) -> None:
        """The last signature, then all of it sealed off: the scheduler would do that at once, too."""
        self.sign()
        self.appliance.finalisation.finalise(self.order.contract)
        say("sealed")

    def place(self) -> None:
        self.sequencer.run_once()
        say("placed")


@contextmanager
def refusals_said() -> Iterator[None]:
    """What the appliance refuses is said in its words; anything else is a bug, and ends the process loudly."""
    try:
        yield
    except RefusalError as error:
        say(f"refused {type(error).__name__}: {error}")


def say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main(home: str) -> None:
    performer = Performer()
    settings = load(Home(Path(home)))
    with (
        open_appliance(settings, role="web", reach=performer.reach) as appliance,
        AuthorityClient(settings.home.authority_socket("scheduler")) as scheduler,
    ):
        performer.appliance = appliance
        performer.sequencer = Sequencer(appliance.database, scheduler)
        appliance.workshop.text(sample_document(1))
        say("ready")
        while line := sys.stdin.readline():
            performer.perform(Order(**json.loads(line)))


if __name__ == "__main__":
    main(*sys.argv[1:])
