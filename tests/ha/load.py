"""People and programs at work through whatever happens; what each was told is on our disk before they go on.

    python -m tests.ha.load work COMPANY JOURNAL
    python -m tests.ha.load look-up COMPANY JOURNAL SHELF

They work until ``JOURNAL.over`` exists. ``JOURNAL.times`` has a line for each acknowledgement: what it was, when
it was asked for and when it came (Unix seconds).
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

from hsm.errors import AuthorityError
from tests.machine import asking, contracts, judging, visitor
from tests.machine.company import SIGNERS, Company
from tests.machine.load import GONE, Acknowledged, Journal, counted, people_know
from tests.machine.visitor import Address

CLIENTS = 2
PAUSE = 0.5
"""Between two questions of a program, in seconds."""

IMPATIENT, PATIENT = 15, 45
"""Seconds in which programs and people are answered, or begin again."""


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
        """Not an answer as it should be: whether that may be, the round decides."""
        words = " ".join(str(failure).encode("ascii", "replace").decode().split())[:200]
        self._troubles.note(f"{time.time():.1f}", who, type(failure).__name__, words)
        time.sleep(1)


def work(company: Company, journal: Path) -> str:
    """Until it is over; how much was acknowledged."""
    shift = _Shift(company, journal)
    visitor.PATIENCE = PATIENT
    threads = [threading.Thread(target=_ask, args=(shift,), daemon=True) for _ in range(CLIENTS)]
    threads.append(threading.Thread(target=_sign, args=(shift,), daemon=True))
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
        except (*GONE, AuthorityError) as failure:
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
        except Exception as failure:  # a page that is not there, or not whole: they sign in and begin another one
            signed_in = False
            shift.trouble("people", failure)
            for someone in people:
                someone.keep()


def look_up(company: Company, journal: Path, shelf: Path) -> str:
    """Finds everything that was acknowledged. Raises AssertionError with what is missing. *shelf* has what was
    read of the log before, which only grows."""
    found = Acknowledged.read(journal)
    complete = people_know(company, found)
    kept: dict[str, Any] = json.loads(shelf.read_text()) if shelf.exists() else {"size": 0, "tokens": []}
    known = set(kept["tokens"])
    wanted = {hashlib.sha256(each).hexdigest() for each in found.tokens}
    assert len(wanted) == len(found.tokens), "a timestamp was given twice"
    size = judging.read_on(company.address, kept["size"], known, wanted, contracts.PATIENCE)
    shelf.write_text(json.dumps({"size": size, "tokens": sorted(known)}))
    return f"all there: {counted(found)}; {complete} complete with evidence; {size} entries in the log"


def main(verb: str, company: str, journal: str, *more: str) -> int:
    """The exit status."""
    try:
        if verb == "work":
            told = work(Company(Path(company)), Path(journal))
        else:
            told = look_up(Company(Path(company)), Path(journal), Path(more[0]))
    except AssertionError as failure:
        sys.stdout.write(f"{failure}\n")
        return 1
    sys.stdout.write(f"{told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
