"""What fails around it: kill -9 in the middle; HSM, database or spool gone; a database restored from before.

Every reply that anybody received gets its row, and each answer without a token is systemFailure, until what was
missing is back; nothing is restarted for that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pysqlite3
import pytest

from appliance.errors import LedgerDamaged
from appliance.home import Home
from appliance.ledger import LogCheck, Sequencer
from appliance.ledger.check import require_remembered
from appliance.ledger.timestamp_feeder import TimestampFeeder
from appliance.store.database import Database
from appliance.timestamping import TimestampFeed
from appliance.timestamping.clearance import FRESH
from hsm.timestamp import (
    FailInfo,
    RequestRefused,
    build_request,
    order_for,
    parse_response,
)
from tests.authority import RunningAuthority, end, running_authority, start
from tests.conformance.endpoint import QUERY, RunningTsa, kill, running_tsa
from tests.conformance.flood import flood
from tests.conformance.oracle import SYSTEM_FAILURE
from tests.conformance.reading import Refusal, read, refused
from tests.conformance.waiting import eventually, workers_of
from tests.log import count_timestamps

PAUSE = 0.005
"""Seconds between two requests of a client: each reply is looked up afterwards, and some hundreds show as much."""


class Clients:
    """Eight connections that ask almost without pause and keep what they receive whole."""

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
        deadline = time.monotonic() + 120
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
                    time.sleep(PAUSE)
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
    assert LogCheck(tsa.database(), alone.client("operator")).check().waiting == 1


@pytest.mark.crash
def test_no_worker_outlives_the_process_that_would_replace_it(alone: RunningAuthority) -> None:
    with running_tsa(alone.root) as tsa:
        (worker,) = tsa.workers
        kill(tsa.master.pid)
        tsa.master.wait(30)
        eventually(lambda: not Path(f"/proc/{worker}").exists())


@pytest.mark.long
@pytest.mark.crash
def test_every_reply_has_its_row_whenever_a_worker_of_the_authority_dies(alone: RunningAuthority) -> None:
    with running_tsa(alone.root) as tsa, Clients(tsa) as clients:
        for _ in range(4):
            clients.wait_for(len(clients.replies) + 100)
            for worker in workers_of(alone):
                kill(worker)
            granted_before = len(clients.replies)
            eventually(lambda seen=granted_before: any(map(is_granted, clients.replies[seen:])))  # type: ignore[misc]
    answers = [read(reply) for reply in clients.replies]
    refusals = {answer.fail_info for answer in answers if isinstance(answer, Refusal)}
    assert refusals <= {SYSTEM_FAILURE}
    granted = [reply for reply in clients.replies if is_granted(reply)]
    assert len({tsa.require_recorded(reply).serial for reply in granted}) == len(granted)


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
def test_the_hsm_may_go_and_come_back(alone: RunningAuthority) -> None:
    request = build_request(order_for(bytes(32)))
    tokens, away = alone.root / "hsm/tokens", alone.root / "hsm/tokens-away"
    with running_tsa(alone.root) as tsa:
        for _ in range(2):
            before = tsa.require_recorded(tsa.ask(request)).gen_time
            tokens.rename(away)
            issued = tsa.recorded()
            for _ in range(6):  # more often than there are workers
                assert refused(tsa.ask(request)).fail_info == SYSTEM_FAILURE
            assert tsa.recorded() == issued
            away.rename(tokens)
            eventually(lambda: is_granted(tsa.ask(request)))
            assert tsa.require_recorded(tsa.ask(request)).gen_time > before


@pytest.mark.crash
def test_the_portals_database_may_go_and_come_back(alone: RunningAuthority) -> None:
    """Locked by somebody for longer than anybody waits: timestamps are given all the same, the log gets them."""
    request = build_request(order_for(bytes(32)))
    with running_tsa(alone.root) as tsa:
        tsa.require_recorded(tsa.ask(request))
        other = pysqlite3.connect(tsa.home.database, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        reply = tsa.ask(request)
        other.execute("ROLLBACK")
        other.close()
        tsa.require_recorded(reply)
        assert tsa.recorded() == 2


@pytest.mark.crash
def test_the_spool_may_go_and_come_back(alone: RunningAuthority) -> None:
    request = build_request(order_for(bytes(32)))
    spool = Home(alone.root).timestamp_spool
    spool.write_bytes(b"in the way")
    with running_tsa(alone.root) as tsa:
        assert refused(tsa.ask(request)).fail_info == SYSTEM_FAILURE
        spool.unlink()
        tsa.require_recorded(tsa.ask(request))
        assert tsa.recorded() == 1


@pytest.mark.long
@pytest.mark.crash
def test_over_an_older_database_what_was_given_out_since_comes_back_into_the_log(alone: RunningAuthority) -> None:
    """Restored from a copy that the signed log does not go beyond: the spool still has what came after it."""
    with running_tsa(alone.root) as tsa:
        known = [tsa.require_recorded(reply) for reply in ask_often(tsa, 50)]
        backup = copy_of(tsa.home.database)
        since = ask_often(tsa, 200)
        assert tsa.recorded() == 250
    restore(backup, alone)
    with running_tsa(alone.root) as tsa:
        later = [tsa.require_recorded(reply) for reply in since]
        assert tsa.recorded() == 250
        new = [tsa.require_recorded(reply) for reply in ask_often(tsa, 200)]
    serials = [info.serial for info in (*known, *later, *new)]
    assert len(set(serials)) == len(serials) == 450
    assert min(info.gen_time for info in new) > max(info.gen_time for info in later)


@pytest.mark.crash
def test_over_a_database_that_is_behind_the_signed_log_nothing_is_issued(alone: RunningAuthority) -> None:
    with running_tsa(alone.root) as tsa:
        ask_often(tsa, 5)
        backup = copy_of(tsa.database().path)
        ask_often(tsa, 5)
        Sequencer(tsa.database(), alone.client("scheduler")).run_once()
        issued = tsa.recorded()  # one more: the checkpoint is dated too
        newer = copy_of(tsa.home.database)
    restore(backup, alone)
    with running_tsa(alone.root) as tsa:
        with pytest.raises(LedgerDamaged):
            feed_of(tsa, alone).run_round()
        time.sleep(FRESH)
        assert refused(tsa.ask(build_request(order_for(bytes(32))))).fail_info == SYSTEM_FAILURE
        assert Database(tsa.home.database).query(count_timestamps) == 5
    restore(newer, alone)
    with running_tsa(alone.root) as tsa:
        feed_of(tsa, alone).run_round()
        ask_often(tsa, 1)
        assert tsa.recorded() == issued + 1


def feed_of(tsa: RunningTsa, authority: RunningAuthority) -> TimestampFeed:
    """The scheduler's job."""
    database = Database(tsa.home.database)
    return TimestampFeed(
        TimestampFeeder(database, tsa.home.timestamp_spool),
        tsa.home.clearance,
        require_log=lambda: require_remembered(database, authority.client("scheduler")),
        under_maintenance=lambda: None,
    )


def ask_often(tsa: RunningTsa, times: int) -> list[bytes]:
    replies: list[bytes] = []
    flood(
        tsa.port,
        iter([build_request(order_for(bytes(32)))] * times),
        lambda _, answer: replies.append(answer.body),
    )
    return replies


def copy_of(database: Path) -> bytes:
    """As a backup makes it, while the database is used."""
    copy = database.with_name("copy.db")
    connection = pysqlite3.connect(database)
    connection.execute("VACUUM INTO ?", (str(copy),))
    connection.close()
    try:
        return copy.read_bytes()
    finally:
        copy.unlink()


def restore(backup: bytes, authority: RunningAuthority) -> None:
    database = Home(authority.root).database
    for name in ("", "-wal", "-shm"):
        database.with_name(database.name + name).unlink(missing_ok=True)
    database.write_bytes(backup)


@pytest.mark.long
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


def is_granted(reply: bytes) -> bool:
    try:
        parse_response(reply)
    except RequestRefused:
        return False
    return True


def kill_authority(authority: RunningAuthority) -> None:
    kill(authority.process.pid)
    authority.process.wait(60)
