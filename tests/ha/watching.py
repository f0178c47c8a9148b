"""Somebody outside who asks for the log's newest checkpoint all the time, at the floating address and at both
nodes' own, and takes each to the independent witness. What they saw is a line of JSON each in *RECORD*.

    python -m tests.ha.watching COMPANY RECORD

A ``fork`` is a checkpoint that the witness refuses, as it does not continue what it has cosigned, or another one
of a size that was seen before; ``behind`` one that is smaller than one that was published before. ``trouble`` is
what keeps somebody from watching: nothing is proven then.
"""

from __future__ import annotations

import base64
import http.client
import json
import sys
import threading
import time
from pathlib import Path

from appliance.witnesses.messages import PATH, Submission, latest_path, parse_size
from hsm.errors import Malformed
from hsm.note import parse_checkpoint, parse_note
from tests.ha.places import FLOATING, NODES, WITNESS, WITNESS_PORT
from tests.machine import visitor
from tests.machine.company import Company
from tests.machine.visitor import Address

PAUSE = 1.0
IMPATIENT = 15
GONE = (OSError, http.client.HTTPException)
"""Nobody answers, or not whole: there is no checkpoint then."""


class Watch:
    """Thread-safe: one thread for each address."""

    def __init__(self, company: Company, record: Path) -> None:
        self._company = company
        self._record = record
        self._lock = threading.Lock()
        self._published = 0
        self._roots: dict[int, bytes] = {}
        """Of every size that was seen."""

    def keep_looking(self, place: str) -> None:
        """Questions at *place*, again and again; whatever goes wrong with one, the next one is asked."""
        while True:
            try:
                self.look(place)
            except GONE:
                pass
            except Exception as failure:
                self._say(place, "trouble", 0, f"{type(failure).__name__}: {failure}")
            time.sleep(PAUSE)

    def look(self, place: str) -> None:
        """One question at *place*. Raises OSError or HTTPException where it is not answered."""
        known = self._company.address
        address = Address(known.host, known.certificate, known.port, place)
        before = self._published
        note = _get(address, "/log/checkpoint")
        checkpoint = parse_checkpoint(parse_note(note).text)
        size = checkpoint.size
        if size < before:
            self._say(place, "behind", size, f"{before} were published before")
        with self._lock:
            if self._roots.setdefault(size, checkpoint.root) != checkpoint.root:
                self._say(place, "fork", size, "another root was published for this size")
            if size > self._published:
                self._submit(address, place, note)
                self._published = max(size, self._published)

    def _submit(self, address: Address, place: str, note: bytes) -> None:
        checkpoint = parse_checkpoint(parse_note(note).text)
        for _ in range(5):  # the appliance's scheduler asks the witness, too
            old = _cosigned(checkpoint.origin)
            if old > checkpoint.size:
                return  # the witness has a newer one, which comes with a later question
            hashes = []
            if 0 < old < checkpoint.size:
                told = json.loads(_get(address, f"/log/proof/consistency?from={old}&to={checkpoint.size}"))
                hashes = [base64.b64decode(each) for each in told["hashes"]]
            status, answer = _witness("POST", PATH, Submission(old, tuple(hashes), note).encode())
            if status == http.HTTPStatus.OK:
                self._say(place, "cosigned", checkpoint.size, "")
                return
            if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
                raise OSError(f"the witness answers with {status}")
            try:
                parse_size(answer)
            except Malformed:  # not the size that it has: it refuses
                kind = "fork" if status in (409, 422) else "refused"
                self._say(place, kind, checkpoint.size, answer.decode("utf-8", "replace").strip())
                return
        raise OSError("the witness was asked by others in between, again and again")

    def _say(self, place: str, event: str, size: int, words: str) -> None:
        line = {"at": time.time(), "where": place, "event": event, "size": size, "words": words}
        with self._record.open("a", encoding="utf-8") as record:
            record.write(f"{json.dumps(line)}\n")


def _get(address: Address, path: str) -> bytes:
    connection = address.encrypted()
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise OSError(f"{path} is answered with {answer.status}")
    return body


def _cosigned(origin: str) -> int:
    status, body = _witness("GET", latest_path(origin))
    return parse_checkpoint(parse_note(body).text).size if status == http.HTTPStatus.OK else 0


def _witness(method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(WITNESS, WITNESS_PORT, timeout=IMPATIENT)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def main(company: str, record: str) -> None:
    """Until it is ended."""
    visitor.PATIENCE = IMPATIENT
    watch = Watch(Company(Path(company)), Path(record))
    for place in (FLOATING, *(node.front for node in NODES)):
        threading.Thread(target=watch.keep_looking, args=(place,), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
