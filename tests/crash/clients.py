"""Clients of the timestamp service, over HTTP, while things break: what each was told is kept."""

from __future__ import annotations

import hashlib
import http.client
import threading
from dataclasses import dataclass, field

from hsm.errors import AuthorityError
from hsm.timestamp import build_request, order_for, parse_response

CLIENTS = 2
LEAST, MOST = 4, 40
"""Requests of each client in a round: it goes on for as long as the act does, within these bounds."""
PAUSE = 0.01
HEADERS = {"Content-Type": "application/timestamp-query"}


@dataclass(slots=True)
class Told:
    """``tokens`` (DER) were given; ``refused`` were told so; ``unanswered`` heard nothing."""

    tokens: list[bytes] = field(default_factory=list)
    refused: int = 0
    unanswered: int = 0


class TimestampClients:
    """Threads that ask again and again, each over a connection of its own, begun at once."""

    def __init__(self, port: int, seed: str) -> None:
        self.told = Told()
        self._port = port
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(f"{seed} {each}",)) for each in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def wait(self) -> Told:
        """The act is over: what they were told in the meantime."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        return self.told

    def _ask(self, seed: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        for number in range(MOST):
            if number >= LEAST and self._over.wait(PAUSE):
                break
            digest = hashlib.sha256(f"{seed} {number}".encode()).digest()
            try:
                connection.request("POST", "/tsa", build_request(order_for(digest)), HEADERS)
                answer = connection.getresponse()
                self._keep(answer.status, answer.read())
            except (OSError, http.client.HTTPException):
                self.told.unanswered += 1
                connection.close()
        connection.close()

    def _keep(self, status: int, body: bytes) -> None:
        assert status == 200, f"a timestamp request was answered with {status}"
        try:
            self.told.tokens.append(parse_response(body))
        except AuthorityError:
            self.told.refused += 1
