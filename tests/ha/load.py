"""People and programs at work through whatever happens; what each was told is on our disk before they go on.

    python -m tests.ha.load work COMPANY JOURNAL
    python -m tests.ha.load look-up COMPANY JOURNAL SHELF

They work until ``JOURNAL.over`` exists. ``JOURNAL.times`` has a line for each acknowledgement: what it was, when
it was asked for and when it came (Unix seconds), ``JOURNAL.troubles`` one for each answer that was none.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import secrets
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ha import orders
from tests.machine import asking, contracts, judging, visitor
from tests.machine.company import SIGNERS, Company
from tests.machine.load import Acknowledged, Journal, counted, is_complete, signers
from tests.machine.visitor import Address

CLIENTS = 2
PAUSE = 1.0
"""Between two questions of a program, in seconds."""

PACE = 20.0
"""Between two contracts of the people, in seconds: in the end each is looked up, which takes an emulated node most
of a minute."""

IMPATIENT, PATIENT = 15, 120
"""Seconds in which programs and people are answered, or begin again. What takes a page longer than people wait
the portal itself gives up; an emulated node needs much of that for some."""

LONGEST = 900.0
"""Seconds until what was acknowledged is found."""


@dataclass(frozen=True, slots=True)
class Told:
    """One acknowledgement: ``kind`` as in the journal, when it was asked for and when it came."""

    kind: str
    asked: float
    came: float

    @classmethod
    def read(cls, journal: Path) -> list[Told]:
        """All of them, in the order in which they came."""
        times = journal.with_suffix(".times")
        rows = [line.split() for line in times.read_text().splitlines()] if times.exists() else []
        return [cls(row[0], float(row[1]), float(row[2])) for row in rows if len(row) == 3]


class _Hurried(Address):
    """Where a program asks, which waits for no answer that a node has taken with it."""

    __slots__ = ()

    def in_the_clear(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.place, visitor.HTTP, timeout=IMPATIENT)


class _Shift:
    """What those at work share."""

    def __init__(self, company: Company, journal: Path) -> None:
        self.company = company
        self._journal, self._times = Journal(journal), Journal(journal.with_suffix(".times"))
        self._end = journal.with_suffix(".over")
        self._troubles = Journal(journal.with_suffix(".troubles"))

    @property
    def is_over(self) -> bool:
        return self._end.exists()

    def note(self, asked: float, kind: str, *words: str) -> None:
        came = time.time()
        self._journal.note(kind, *words)
        self._times.note(kind, f"{asked:.3f}", f"{came:.3f}")

    def trouble(self, who: str, failure: Exception) -> None:
        """Not an answer as it should be, as when nobody serves: a round that fails tells the last of them."""
        words = " ".join(str(failure).encode("ascii", "backslashreplace").decode().split())[:400]
        self._troubles.note(f"{time.time():.1f}", who, type(failure).__name__, words)
        time.sleep(1)


def work(company: Company, journal: Path) -> str:
    """Until it is over; how much was acknowledged."""
    shift = _Shift(company, journal)
    visitor.PATIENCE = PATIENT
    threads = [threading.Thread(target=_ask, args=(shift,), daemon=True) for _ in range(CLIENTS)]
    threads.append(threading.Thread(target=_sign, args=(shift,), daemon=True))
    client = orders.client_of(company, attempts=1)
    if client is not None:
        ordering = (client, lambda: shift.is_over, shift.note, shift.trouble)
        threads.append(threading.Thread(target=orders.work, args=ordering, daemon=True))
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return counted(Acknowledged.read(journal))


def _ask(shift: _Shift) -> None:
    here = shift.company.address
    address = _Hurried(here.host, here.certificate, here.port, here.place)
    while not shift.is_over:
        asked = time.time()
        try:
            shift.note(asked, "token", asking.token(address).hex())
        except Exception as failure:  # whatever it is, it goes on: a thread that ends would say nothing
            shift.trouble("program", failure)
        time.sleep(PAUSE)


def _sign(shift: _Shift) -> None:
    people = [shift.company.person(login) for login in SIGNERS]
    signed_in = False
    while not shift.is_over:
        try:
            for someone in () if signed_in else people:
                someone.sign_in()
            signed_in = True
            asked = time.time()
            contract = contracts.send(people[0], people[1], f"负载{secrets.token_hex(3)}")
            shift.note(asked, "sent", contract)
            for someone in people:
                asked = time.time()
                contracts.sign(someone, contract)
                shift.note(asked, "signed", someone.login, contract)
            orders.rest(PACE, lambda: shift.is_over)
        except Exception as failure:  # a page that is not there, or not whole: they sign in and begin another one
            signed_in = False
            shift.trouble("people", failure)
            for someone in people:
                someone.keep()


def look_up(company: Company, journal: Path, shelf: Path) -> str:
    """Looks for everything that was acknowledged; what is there and what is missing, as JSON. *shelf* has what was
    read of the log before, which only grows."""
    acknowledged, found = Acknowledged.read(journal), Acknowledged()
    missing: list[str] = []
    complete = _known_to_people(company, acknowledged, found, missing)
    client = orders.client_of(company) if acknowledged.drafted else None
    if client is not None:
        since = min(each.asked for each in Told.read(journal) if each.kind == "drafted")
        drafted, wrong = orders.look_up(client, acknowledged.drafted, since)
        found.drafted.extend(drafted)
        missing.extend(wrong)
    kept: dict[str, Any] = json.loads(shelf.read_text()) if shelf.exists() else {"size": 0, "tokens": []}
    known, size = set(kept["tokens"]), kept["size"]
    digests = [hashlib.sha256(each).hexdigest() for each in acknowledged.tokens]
    try:
        size = judging.read_on(company.address, size, known, set(digests), LONGEST)
    except AssertionError as failure:
        missing.append(str(failure))
    else:
        shelf.write_text(json.dumps({"size": size, "tokens": sorted(known)}))
    if len(set(digests)) < len(digests):
        missing.append("a timestamp was given twice")
    for digest, token in dict(zip(digests, acknowledged.tokens, strict=True)).items():
        if digest in known:
            found.tokens.append(token)
    words = f"found {counted(found)}; {complete} complete with evidence; {size} entries in the log"
    return json.dumps({"found": total(found), "missing": missing, "words": words})


def _known_to_people(company: Company, wanted: Acknowledged, found: Acknowledged, missing: list[str]) -> int:
    """Adds to *found* what the portal shows its people of what is *wanted*; how many contracts are complete."""
    people, complete = signers(company), 0
    for contract in wanted.sent:
        try:
            complete += is_complete(people, contract, wanted)
        except AssertionError as failure:
            missing.append(str(failure))
        else:
            found.sent.append(contract)
            found.signed.extend(each for each in wanted.signed if each[1] == contract)
    return complete


def total(found: Acknowledged) -> int:
    """How many acknowledgements there are."""
    return len(found.tokens) + len(found.sent) + len(found.signed) + len(found.drafted)


def main(verb: str, company: str, journal: str, *more: str) -> int:
    """The exit status."""
    if verb == "work":
        told = work(Company(Path(company)), Path(journal))
    else:
        told = look_up(Company(Path(company)), Path(journal), Path(more[0]))
    sys.stdout.write(f"{told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
