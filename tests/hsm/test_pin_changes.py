"""The PIN among the workers: word of it may arrive in any order, what came last counts."""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pkcs11
import pytest

from hsm import worker_messages
from hsm.config import AuthorityHome, AuthoritySettings
from hsm.daemon import Workers
from hsm.errors import AuthorityError, AuthorityLocked
from hsm.home import make_home
from hsm.operations import Operations, open_context
from hsm.store import AuthorityStore
from hsm.time_source import SharedTimes
from hsm.token import Login
from hsm.worker import Worker
from hsm.worker_messages import PinChange, begin_run

WRONG = PinChange("000000", 10)
UNLOCK = PinChange("123456", 30)
WARNING = PinChange(None, WRONG.moment)


@pytest.fixture
def settings(tmp_path: Path) -> AuthoritySettings:
    make_home(tmp_path)
    home = AuthorityHome(tmp_path)
    SharedTimes.create(home.clock)
    return AuthoritySettings(home)


@pytest.fixture
def store(settings: AuthoritySettings) -> Iterator[AuthorityStore]:
    with closing(AuthorityStore(settings.home.store)) as opened:
        yield opened


def test_a_warning_of_the_old_pin_that_is_heard_late_locks_nobody() -> None:
    """The parent hears the ends in any order: here the worker that unlocked before the one that warned."""
    told, tell = os.pipe()

    def work(end: socket.socket, given: PinChange) -> None:
        place = len(crew.ends())
        if place < 2:
            worker_messages.send(end, (WARNING, UNLOCK)[place])
        heard = [given]
        while isinstance(message := worker_messages.receive(end), PinChange):
            heard.append(message)
        pins = ",".join(str(change.pin) for change in heard)
        os.write(tell, f"{place}:{pins}\n".encode())

    crew = Workers(3, work, WRONG)
    crew.start()
    warned, unlocked, _ = crew.ends()
    for end in (unlocked, warned):
        assert select.select([end], [], [], 20)[0]
        crew.receive_from(end)
    crew.stop(patience=20)
    os.close(tell)
    with os.fdopen(told) as stream:
        heard = sorted(stream.read().split())

    assert heard == ["0:000000,123456", "1:000000", "2:000000,123456"]
    assert crew.pin == UNLOCK  # what a worker that starts later is given


def test_a_worker_that_was_unlocked_heeds_no_older_lock(settings: AuthoritySettings) -> None:
    ours, theirs = worker_messages.pair()
    bench = open_context(settings, WRONG)
    with closing(bench), ours, theirs:
        worker = Worker(theirs, Operations(bench, announce=lambda _change: None))
        bench.token.login.set_pin(UNLOCK, newer=True)
        worker_messages.send(ours, WARNING)
        ours.shutdown(socket.SHUT_WR)
        worker.run()
        assert bench.token.login.require_pin() == UNLOCK.pin


def test_a_worker_that_starts_late_tries_no_pin_that_the_latch_had_ended(settings: AuthoritySettings) -> None:
    """Of two workers one starts while the latch is set, the other one when an operator has just released it."""
    with closing(open_context(settings, WRONG)) as late:
        late.store.latch.latch(settings.token.label, "refused", at=0)
        with closing(open_context(settings, WRONG)):
            late.store.latch.release(settings.token.label)
            token = RefusingToken()
            with pytest.raises(AuthorityLocked, match="has no PIN"):
                late.token.login.open_session(token, now=0)
    assert token.tries == []


def test_a_lock_that_came_later_locks(settings: AuthoritySettings) -> None:
    ours, theirs = worker_messages.pair()
    bench = open_context(settings, UNLOCK)
    with closing(bench), ours, theirs:
        worker = Worker(theirs, Operations(bench, announce=lambda _change: None))
        for change in (PinChange(None, UNLOCK.moment), UNLOCK):  # of one moment: the PIN was refused after all
            worker_messages.send(ours, change)
        ours.shutdown(socket.SHUT_WR)
        worker.run()
        with pytest.raises(AuthorityLocked, match="has no PIN"):
            bench.token.login.require_pin()


@pytest.mark.parametrize(("on_disk", "said"), [(True, "it starts locked"), (False, "may be unlocked")])
def test_a_lock_lasts_although_the_other_workers_cannot_be_told(
    settings: AuthoritySettings, *, on_disk: bool, said: str
) -> None:
    def full(_change: PinChange) -> None:
        raise BlockingIOError(errno.EAGAIN, "the parent takes no message")

    if not on_disk:
        settings.home.lasting_lock.mkdir()
    with closing(open_context(settings, UNLOCK)) as bench:
        with pytest.raises(AuthorityError, match=f"the parent takes no message.*{said}"):
            Operations(bench, announce=full).state.lock()
        with pytest.raises(AuthorityLocked, match="has no PIN"):
            bench.token.login.require_pin()
    assert settings.home.lasting_lock.is_file() is on_disk


class RefusingToken:
    """A token that takes no PIN, and counts."""

    def __init__(self) -> None:
        self.tries: list[str] = []

    def open(self, *, rw: bool, user_pin: str) -> None:
        self.tries.append(user_pin)
        raise pkcs11.PinIncorrect


def test_a_worker_that_has_not_heard_yet_tries_no_pin_that_another_one_was_refused(
    settings: AuthoritySettings, store: AuthorityStore
) -> None:
    """It was held up while the other one was refused and an operator released the latch."""
    told: list[PinChange] = []
    first, second = (
        Login("a-token", store.latch, settings.home.login_turns, WRONG, warn=told.append) for _ in range(2)
    )
    token = RefusingToken()
    with pytest.raises(AuthorityLocked, match="refused the PIN"):
        first.open_session(token, now=0)
    store.latch.release("a-token")

    with pytest.raises(AuthorityLocked, match="has no PIN"):
        second.open_session(token, now=0)

    assert token.tries == [WRONG.pin]
    assert told[0] == WARNING
    second.set_pin(UNLOCK)
    with pytest.raises(AuthorityLocked, match="refused the PIN"):
        second.open_session(token, now=0)


def test_what_an_earlier_run_was_refused_does_not_bind_this_one(
    settings: AuthoritySettings, store: AuthorityStore
) -> None:
    """The latch in the store does, until an operator releases it; then the file may hold a corrected PIN."""
    token = RefusingToken()
    late = PinChange("000000", 2**40)
    with pytest.raises(AuthorityLocked):
        Login("a-token", store.latch, settings.home.login_turns, late).open_session(token, now=0)
    store.latch.release("a-token")

    begin_run(settings.home.login_turns)
    with pytest.raises(AuthorityLocked, match="refused the PIN"):
        Login("a-token", store.latch, settings.home.login_turns, WRONG).open_session(token, now=0)
    assert len(token.tries) == 2


def test_changes_cross_the_pair_whole() -> None:
    ours, theirs = worker_messages.pair()
    with ours, theirs:
        for change in (PinChange("8" * 64, 2**63), PinChange(None, 7), PinChange("口令", 0)):
            worker_messages.send(ours, change)
            assert worker_messages.receive(theirs) == change
