"""kill -9 in the middle of issuing: every reply that anybody received has its row."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pysqlite3
import pytest

from appliance.ledger import Log, Sequencer
from appliance.store.database import Database
from appliance.store.schema import latest
from hsm.timestamp import FailInfo, RequestRefused, build_request, order_for, parse_response
from tests.authority import RunningAuthority, end, running_authority, start
from tests.tsa.conftest import QUERY, RunningTsa, kill, running_tsa


class Clients:
    """Eight connections that ask without pause and keep what they receive whole."""

    def __init__(self, tsa: RunningTsa) -> None:
        self._tsa = tsa
        self._stop = threading.Event()
        self.replies: list[bytes] = []
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(8)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 30
        while len(self.replies) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.replies) >= count

    def _ask(self, number: int) -> None:
        request = build_request(order_for(bytes([number]) * 32, nonce=number))
        while not self._stop.is_set():
            connection = HTTPConnection("127.0.0.1", self._tsa.port, timeout=20)
            try:
                while not self._stop.is_set():
                    connection.request("POST", "/tsa", body=request, headers=QUERY)
                    self.replies.append(connection.getresponse().read())
            except (OSError, HTTPException):
                time.sleep(0.05)
            finally:
                connection.close()


@pytest.fixture
def alone() -> Iterator[RunningAuthority]:
    with running_authority() as running:
        yield running


@pytest.mark.crash
def test_every_reply_has_its_row_whenever_the_process_dies(alone: RunningAuthority) -> None:
    with running_tsa(alone.root) as tsa, Clients(tsa) as clients:
        for round_ in range(1, 4):
            clients.wait_for(len(clients.replies) + 100)
            for worker in tsa.workers:
                kill(worker)
            clients.wait_for(round_ * 100)
        kill(tsa.master.pid)
        for worker in tsa.workers:
            kill(worker)
    granted = [reply for reply in clients.replies if is_granted(reply)]
    assert len(granted) > 300
    infos = {tsa.require_recorded(reply).serial for reply in granted}
    assert len(infos) == len(granted)
    Sequencer(tsa.database(), alone.client("scheduler")).run_once()
    assert Log(tsa.database(), alone.client("operator")).check().waiting == 1


@pytest.mark.crash
def test_the_authority_may_go_and_come_back(alone: RunningAuthority) -> None:
    request = build_request(order_for(bytes(32)))
    with running_tsa(alone.root) as tsa:
        assert parse_response(tsa.ask(request))
        kill_authority(alone)
        before = tsa.recorded()
        with pytest.raises(RequestRefused) as refused:
            parse_response(tsa.ask(request))
        assert refused.value.fail_info is FailInfo.SYSTEM_FAILURE
        assert tsa.recorded() == before
        alone.process = start(alone.root)
        tsa.require_recorded(tsa.ask(request))


@pytest.mark.crash
def test_a_process_that_starts_before_the_authority_serves_once_it_is_there(tmp_path: Path) -> None:
    with running_authority() as authority:
        end(authority.process)
        request = build_request(order_for(bytes(32)))
        with running_tsa(authority.root) as tsa:
            with pytest.raises(RequestRefused):
                parse_response(tsa.ask(request))
            authority.process = start(authority.root)
            tsa.require_recorded(tsa.ask(request))


def test_a_database_of_a_newer_release_is_not_served(tmp_path: Path) -> None:
    newer = tmp_path / "state/vermilion.db"
    Database(newer).close()
    connection = pysqlite3.connect(newer)
    connection.execute(f"PRAGMA user_version = {latest() + 1}")
    connection.close()
    command = [sys.executable, "-m", "gunicorn", "--config", "python:webui.tsa.gunicorn", "--bind", "127.0.0.1:0"]
    done = subprocess.run(
        [*command, "webui.tsa.process:create()"],
        env={**os.environ, "VERMILION_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "use the release that wrote it" in done.stderr


def is_granted(reply: bytes) -> bool:
    try:
        parse_response(reply)
    except RequestRefused:
        return False
    return True


def kill_authority(authority: RunningAuthority) -> None:
    kill(authority.process.pid)
    authority.process.wait(20)
