"""People and programs at work until the machine dies; what each was told is on our disk before they go on."""

from __future__ import annotations

import hashlib
import http.client
import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from hsm.errors import AuthorityError
from tests.machine import asking, contracts, judging
from tests.machine.company import SIGNERS, Company, Person

GONE = (OSError, http.client.HTTPException)
"""What it looks like from outside when a machine has lost its power."""

CLIENTS = 2
"""Programs that ask for timestamps, each again and again."""


class Journal:
    """A file with a line for each acknowledgement; thread-safe."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="ascii")
        self._lock = threading.Lock()

    def note(self, *words: str) -> None:
        """Returns when the line is on disk."""
        with self._lock:
            self._file.write(f"{' '.join(words)}\n")
            self._file.flush()
            os.fsync(self._file.fileno())


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """``signed``: login and contract; ``sent``: contracts that went out; ``drafted``: contract and order."""

    tokens: list[bytes] = field(default_factory=list)
    signed: list[tuple[str, str]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    drafted: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Acknowledged:
        """What a journal holds; a last line that was broken off was acknowledged to nobody."""
        found = cls()
        for line in path.read_text(encoding="ascii").splitlines(keepends=True):
            kind, *words = line.split()
            if not line.endswith("\n"):
                continue
            if kind == "token":
                found.tokens.append(bytes.fromhex(words[0]))
            elif kind == "signed":
                found.signed.append((words[0], words[1]))
            elif kind == "sent":
                found.sent.append(words[0])
            else:
                found.drafted.append((words[0], words[1]))
        return found


def bear(company: Company, path: Path) -> str:
    """Works until the machine does not answer any more; how much was acknowledged."""
    journal, over = Journal(path), threading.Event()
    threads = [threading.Thread(target=_ask, args=(company, journal, over)) for _ in range(CLIENTS)]
    threads.append(threading.Thread(target=_sign, args=(company, journal, over)))
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return counted(Acknowledged.read(path))


def counted(found: Acknowledged) -> str:
    """In words."""
    ordered = f", {len(found.drafted)} orders" if found.drafted else ""
    return f"{len(found.tokens)} timestamps, {len(found.sent)} contracts, {len(found.signed)} signatures{ordered}"


def look_up(company: Company, path: Path) -> str:
    """Finds everything that was acknowledged. Raises AssertionError with what is missing."""
    found = Acknowledged.read(path)
    complete = people_know(company, found)
    entries = judging.acknowledged(company.address, found.tokens, contracts.PATIENCE)
    serials = {hashlib.sha256(token).hexdigest() for token in found.tokens}
    assert len(serials) == len(found.tokens), "a timestamp was given twice"
    return f"all there: {counted(found)}; {complete} complete with evidence; {entries} entries in the log"


def people_know(company: Company, found: Acknowledged) -> int:
    """The portal shows the signers what was sent and signed; the number of contracts that are complete, with
    evidence. Raises AssertionError with what is missing."""
    people = signers(company)
    return sum(is_complete(people, contract, found) for contract in found.sent)


def signers(company: Company) -> dict[str, Person]:
    """The signers by login, signed in."""
    people = {login: company.person(login) for login in SIGNERS}
    for someone in people.values():
        someone.sign_in()
    return people


def is_complete(people: dict[str, Person], contract: str, found: Acknowledged) -> bool:
    """Whether everybody has signed, and the evidence is there. Raises AssertionError where the portal does not
    show that it was sent, or signed by who is *found* to have signed it."""
    people[SIGNERS[0]].visitor.good(f"/contracts/{contract}")
    signed = [login for login in SIGNERS if (login, contract) in found.signed]
    for login in signed:
        page = people[login].visitor.get(f"/contracts/{contract}/signed")
        assert page.status == 200 and page.path.startswith(f"/contracts/{contract}/signed"), (
            f"{login} had signed {contract}, and the portal does not know: {page.path}: {page.said()}"
        )
    if len(signed) < len(SIGNERS):
        return False
    contracts.completed(people[SIGNERS[0]], contract)
    return True


def _ask(company: Company, journal: Journal, over: threading.Event) -> None:
    try:
        while not over.is_set():
            try:
                journal.note("token", asking.token(company.address).hex())
            except AuthorityError:
                time.sleep(0.5)
    except GONE:
        pass
    finally:
        over.set()


def _sign(company: Company, journal: Journal, over: threading.Event) -> None:
    people = [company.person(login) for login in SIGNERS]
    try:
        for someone in people:
            someone.sign_in()
        while not over.is_set():
            contract = contracts.send(people[0], people[1], f"负载{secrets.token_hex(3)}")
            journal.note("sent", contract)
            for someone in people:
                contracts.sign(someone, contract)
                journal.note("signed", someone.login, contract)
    except GONE:
        pass
    finally:  # also when something was not as it should be: that is on the screen then
        over.set()
