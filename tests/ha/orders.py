"""A client of the HTTP API at work: for each of its orders the appliance drafts one contract, however often it is
asked.

    python -m tests.ha.orders COMPANY SECRET    the client, whose id and secret are in that file, is let in

Where none was let in there are no orders. The client's own package is not installed: whoever is at work has it on
its path, the harness has not.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.ha.pair import Pair
from tests.machine import administering
from tests.machine.company import SIGNERS, Company
from tests.machine.failure import StepFailed
from tests.machine.plan import say
from tests.world import sample_document

if TYPE_CHECKING:
    from vermilion_client import Client

SCOPES = ("contracts:read", "contracts:write")
INITIATOR = f"{SIGNERS[0]}@mail.example"
"""In whose name the client orders."""

PAUSE = 30.0
"""Between two orders, in seconds: an emulated node is busy with one for several."""

PATIENCE = 120.0
"""Seconds in which the client is answered, or asks again."""

SLACK = timedelta(minutes=1)
"""By how much the appliance's clock may differ from ours."""


def admit(pair: Pair) -> list[str]:
    """Two administrators let the client in, once for all rounds. ["orders"] where nothing came of it."""
    began, secret = time.monotonic(), pair.folder / "orders.secret"
    try:
        administering.asked_for(pair.active().run, pair.outside, SCOPES, secret)
        word, told = "ok", pair.errand("tests.ha.orders", str(pair.company), str(secret))
    except StepFailed as failure:
        word, told = "FAIL", str(failure)
        (pair.company / "program.json").unlink(missing_ok=True)
    say(f"{word:6}{'orders':12}{time.monotonic() - began:6.1f} s  {told}")
    return [] if word == "ok" else ["orders"]


def client_of(company: Company, attempts: int = 5) -> Client | None:
    """The client, which asks so many times where no answer comes; None where none was let in."""
    from tests.machine import programs  # noqa: PLC0415 # see above
    from vermilion_client import Patience  # noqa: PLC0415

    if not (company.folder / "program.json").exists():
        return None
    return programs.Program.of(company, Patience(timeout=PATIENCE, attempts=attempts)).client


@cache
def _document() -> bytes:
    """The same bytes each time, as a key stands for one request."""
    return sample_document(1)


def draft(client: Client, order: str) -> str:
    """The contract of *order*; asked again it is the same."""
    from vermilion_client import Terms  # noqa: PLC0415 # see above

    terms = Terms(order, INITIATOR, kind="采购", purpose="采购十台示例设备。")
    return client.draft(_document(), terms, key=order).id


def work(
    client: Client, is_over: Callable[[], bool], told: Callable[..., None], trouble: Callable[..., None]
) -> None:
    """One order after another until it is over. *told* gets when one was asked for first, "drafted", the contract
    and the order; *trouble* who was not answered, and why: the same order is asked for again then."""
    order, asked = "", 0.0
    while not is_over():
        if not order:
            order, asked = f"order-{secrets.token_hex(8)}", time.time()
        try:
            told(asked, "drafted", draft(client, order), order)
        except Exception as failure:  # whatever it is, the order stands
            trouble("client", failure)
            continue
        order = ""
        rest(PAUSE, is_over)


def rest(seconds: float, is_over: Callable[[], bool]) -> None:
    """So long, or until it is over."""
    rested = time.monotonic() + seconds
    while not is_over() and time.monotonic() < rested:
        time.sleep(0.5)


def look_up(
    client: Client, drafted: Sequence[tuple[str, str]], since: float
) -> tuple[list[tuple[str, str]], list[str]]:
    """Those of *drafted* (contract and order) that are there, and a sentence for each that is not, or that there
    are two of. *since*: when the first was asked for (Unix seconds)."""
    there = [
        (each.id, each.title)
        for each in client.contracts(state="draft", changed_since=datetime.fromtimestamp(since, UTC) - SLACK)
        if each.title.startswith("order-")
    ]
    missing = [f"{order}: its contract {contract} is not there" for contract, order in set(drafted) - set(there)]
    counted = Counter(order for _, order in there)
    twice = [f"{order} was drafted {count} times" for order, count in counted.items() if count > 1]
    return [each for each in drafted if each in there], missing + twice


def main(company: str, secret: str) -> int:
    """The exit status."""
    from tests.machine import programs  # noqa: PLC0415 # see above

    programs.noted(Company(Path(company)), *Path(secret).read_text().split())
    program = programs.let_in(Company(Path(company)), SCOPES)
    sys.stdout.write(f"{program.client.me().name} is let in by two administrators\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
