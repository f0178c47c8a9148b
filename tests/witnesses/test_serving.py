"""The witness over HTTP, in a process of its own: what C2SP tlog-witness says of statuses and bodies."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator

import pytest

from appliance.witnesses.messages import LARGEST
from hsm.note import parse_signatures, verify_cosignature, with_signatures
from tests.witnesses.logs import SignedLog, new_log
from tests.witnesses.served import NAME, ServedWitness, served, status_of


@pytest.fixture(scope="module")
def log() -> SignedLog:
    return new_log()


@pytest.fixture
def witness(log: SignedLog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWitness]:
    with served(tmp_path_factory.mktemp("witness"), [log.key]) as running:
        yield running


def test_statuses_and_bodies(witness: ServedWitness, log: SignedLog) -> None:
    first = witness.ask(log.submission(0, 5))
    assert (first.status, len(parse_signatures(first.body))) == (200, 1)
    assert verify_cosignature(with_signatures(log.note(5), parse_signatures(first.body)), witness.key)
    conflict = witness.ask(log.submission(0, 9))
    assert (conflict.status, conflict.kind, conflict.body) == (409, "text/x.tlog.size", b"5\n")
    fork = log.forked(3)
    same = witness.ask(fork.submission(5, 5))
    assert (same.status, same.kind) == (409, "text/plain")
    assert witness.ask(fork.submission(5, 9)).status == 422
    assert witness.ask(new_log(origin="log.yi.example").submission(0, 3)).status == 404
    assert witness.ask(new_log().submission(5, 9)).status == 403
    assert witness.ask(b"old\n\n").status == 400
    assert witness.ask(log.submission(5, 9)).status == 200
    place = f"/{hashlib.sha256(log.origin.encode()).hexdigest()}/checkpoint"
    kept = witness.ask(b"", place, "GET")
    assert (kept.status, kept.body.startswith(log.note(9))) == (200, True)
    assert status_of(witness.settings) == [witness.key.vkey(), f"{log.origin}  size 9"]
    assert witness.key.name == NAME


def test_what_is_not_asked_for_is_refused(witness: ServedWitness) -> None:
    assert witness.ask(b"x" * (LARGEST + 1)).status == 413
    assert witness.ask(b"", "/add-checkpoint", "GET").status == 405
    assert witness.ask(b"", "/", "GET").status == 404
    assert witness.ask(b"", "/add-checkpoint/../../etc/passwd").status == 404
    assert witness.ask(b"", f"/{'0' * 64}/checkpoint", "GET").status == 404
    chunked = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", witness.port), timeout=30) as line:
        line.sendall(chunked + b"1f400\r\n" + b"x" * 0x1F400 + b"\r\n5000\r\n" + b"x" * 0x5000 + b"\r\n0\r\n\r\n")
        assert b" 413 " in line.recv(4096)


def test_it_goes_on_after_kill_9_where_it_was(witness: ServedWitness, log: SignedLog) -> None:
    assert witness.ask(log.submission(0, 5)).status == 200
    witness.stop()
    witness.start()
    assert witness.ask(log.forked(3).submission(0, 5)).body == b"5\n"
    assert witness.ask(log.submission(5, 9)).status == 200
