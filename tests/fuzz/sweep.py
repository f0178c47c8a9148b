"""Fuzzed requests to the real served endpoint, each answer held against the second opinion."""

from __future__ import annotations

import itertools
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hsm.errors import Malformed
from hsm.timestamp import FailInfo, RequestRefused, parse_response
from tests.conformance import oracle
from tests.conformance.endpoint import RunningTsa
from tests.conformance.flood import PATIENCE, Answer, flood
from tests.fuzz.mutations import Mutator

_MOST_KEPT = 10
_GRANTED = "granted"


@dataclass(slots=True)
class Figures:
    """What became of the requests; ``wrong`` are the first answers that should not have come."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    faults: int = 0
    seconds: float = 0.0
    recorded: int = 0
    restarts: int = 0

    @property
    def sent(self) -> int:
        """All that were answered."""
        return sum(self.answers.values())

    @property
    def good(self) -> bool:
        """Nothing wrong, no process died, and the log has what was granted, no more and no less."""
        return not self.faults and not self.restarts and self.recorded == self.answers[_GRANTED]

    def blame(self, request: bytes, what: str) -> None:
        """Notes that *request* was answered wrongly; the first few in full."""
        self.faults += 1
        if len(self.wrong) < _MOST_KEPT:
            self.wrong.append(f"{what}: {request[:400].hex()}")

    def lines(self) -> list[str]:
        """The figures, the verdict last."""
        kinds = ", ".join(f"{count} {name}" for name, count in self.answers.most_common())
        rate = self.sent / self.seconds if self.seconds else 0
        verdict = "no crash, no 5xx, no hang, no token for what the oracle refuses" if self.good else "FAILED"
        return [
            *self.wrong,
            f"answers: {kinds}",
            f"recorded in the log: {self.recorded}; processes that died: {self.restarts}",
            f"{self.sent} fuzzed requests in {self.seconds:.0f} s ({rate:.0f}/s), "
            f"{self.faults} wrong answers: {verdict}",
        ]


def sweep(tsa: RunningTsa, count: int, *, seed: int, progress: Callable[[int], None] = lambda _: None) -> Figures:
    """Sends *count* requests made from *seed*. Raises TimeoutError for a hang, OSError for a broken connection."""
    figures = Figures()
    before, workers = tsa.recorded(), tsa.workers
    started = time.monotonic()

    def heard(request: bytes, answer: Answer) -> None:
        kind = _kind(request, answer, figures)
        figures.answers[kind] += 1
        if figures.sent % 10_000 == 0:
            progress(figures.sent)

    flood(tsa.port, itertools.islice(iter(Mutator(seed)), count), heard)
    figures.seconds = time.monotonic() - started
    figures.recorded = tsa.recorded() - before
    figures.restarts = len(set(workers) - set(tsa.workers))
    return figures


def _kind(request: bytes, answer: Answer, figures: Figures) -> str:
    """The name under which *answer* is counted; wrong ones are blamed."""
    if len(request) > 64 * 1024:
        if answer.status != 413:
            figures.blame(request, f"status {answer.status} for a body over 64 KiB")
        return "too large"
    if (answer.status, answer.kind) != (200, b"application/timestamp-reply"):
        figures.blame(request, f"status {answer.status}")
        return f"status {answer.status}"
    verdict = oracle.judge(request)
    try:
        token = parse_response(answer.body)
    except RequestRefused as refusal:
        if int(refusal.fail_info) not in verdict.faults:
            figures.blame(request, f"{refusal.fail_info.name}, the oracle says {sorted(verdict.faults)}")
        return FailInfo(refusal.fail_info).name
    except Malformed:
        figures.blame(request, "a reply that is not DER")
        return "not DER"
    if verdict.faults:
        figures.blame(request, f"a token, the oracle refuses with {sorted(verdict.faults)}")
    elif verdict.imprint not in token or (verdict.nonce or b"") not in token:
        figures.blame(request, "a token that does not answer the request")
    return _GRANTED


def edge(tsa: RunningTsa, count: int, *, seed: int) -> Figures:
    """*count* connections whose HTTP is broken in some way: no 5xx, and none is left without an end."""
    figures = Figures()
    workers, started = tsa.workers, time.monotonic()
    for sent in itertools.islice(broken_http(seed), count):
        figures.answers[_edge_kind(tsa, sent, figures)] += 1
    figures.seconds = time.monotonic() - started
    figures.restarts = len(set(workers) - set(tsa.workers))
    figures.recorded = figures.answers[_GRANTED]
    return figures


def _edge_kind(tsa: RunningTsa, sent: bytes, figures: Figures) -> str:
    with tsa.connect() as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            answer = _all_of(connection)
        except TimeoutError:
            figures.blame(sent, "a hang")
            return "hang"
        except OSError:
            return "closed"
    if not answer:
        return "closed"
    status = int(answer.split(b" ", 2)[1])
    if status >= 500:
        figures.blame(sent, f"status {status}")
    return f"status {status}"


def _all_of(connection: socket.socket) -> bytes:
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def broken_http(seed: int) -> Iterator[bytes]:
    """Posts of good requests with lines lost, doubled, exchanged, cut and overwritten."""
    choose, requests = random.Random(seed), Mutator(seed)  # noqa: S311 - to be repeated
    while True:
        body = requests.good()
        lines = [
            b"POST /tsa HTTP/1.1",
            b"Host: localhost",
            b"Content-Type: application/timestamp-query",
            b"Content-Length: %d" % len(body),
            b"Connection: close",
        ]
        for _ in range(choose.choice((0, 1, 1, 2))):
            _break(choose, lines)
        whole = bytearray(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        for _ in range(choose.choice((0, 0, 0, 1, 3))):
            whole[choose.randrange(len(whole))] = choose.randrange(256)
        yield bytes(whole[: choose.choice((len(whole), len(whole), choose.randrange(len(whole))))])


_HEADERS = (
    b"Content-Length: 0",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: -1",
    b"Content-Length: 5, 6",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: chunked, chunked",
    b"Expect: 100-continue",
    b"Upgrade: h2c",
    b"Upgrade: websocket",
    b"X: " + b"y" * 9000,
    b" folded",
    b": no name",
    b"Content-Type: \xff\xfe",
)


def _break(choose: random.Random, lines: list[bytes]) -> None:
    if not lines:
        return
    place = choose.randrange(len(lines))
    match choose.randrange(5):
        case 0:
            lines.pop(place)
        case 1:
            lines.insert(place, choose.choice(_HEADERS))
        case 2:
            lines[place] = lines[place] + b"\x00"
        case 3:
            lines.append(choose.choice(_HEADERS))
        case _:
            lines[place] = lines[place][: choose.randrange(len(lines[place]) + 1)]
