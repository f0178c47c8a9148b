"""Clients of the timestamp service, over HTTP, while things break: what each was told is kept."""

from __future__ import annotations

import hashlib
import http.client
import threading
from dataclasses import dataclass, field

from hsm.errors import AuthorityError
from hsm.timestamp import build_request, order_for, parse_response

CLIENTS, EACH = 2, 4
HEADERS = {"Content-Type": "application/timestamp-query"}


@dataclass(slots=True)
class Told:
    """``tokens`` (DER) were given; ``refused`` were told so; ``unanswered`` heard nothing."""

    tokens: list[bytes] = field(default_factory=list)
    refused: int = 0
    unanswered: int = 0


class TimestampClients:
    """*CLIENTS* threads that ask *EACH* times over one connection, begun at once."""

    def __init__(self, port: int, seed: str) -> None:
        self.told = Told()
        self._port = port
        self._threads = [threading.Thread(target=self._ask, args=(f"{seed} {each}",)) for each in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def wait(self) -> Told:
        for thread in self._threads:
            thread.join()
        return self.told

    def _ask(self, seed: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        for number in range(EACH):
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
