"""A lock lasts over restarts where the PIN is kept for the daemon; a real authority, a real SoftHSM."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm.config import AuthorityHome
from hsm.errors import AuthorityLocked, StoreUnavailable
from hsm.home import LastingAuthorityLock
from hsm.operation_types import AuthorityState
from hsm.timestamp import order_for
from tests.authority import RunningAuthority, running_authority, start

ORDER = order_for(bytes(32))


@pytest.fixture
def authority() -> Iterator[RunningAuthority]:
    """One whose PIN is kept in its home, as that of a machine that starts by itself."""
    with running_authority(warm=False) as running:
        yield running


def mark_of(authority: RunningAuthority) -> LastingAuthorityLock:
    return LastingAuthorityLock(AuthorityHome(authority.root).lasting_lock)


def killed_and_started(authority: RunningAuthority) -> None:
    """As after a crash, or when somebody restarts one that does not answer."""
    os.kill(authority.process.pid, signal.SIGKILL)
    authority.process.wait(timeout=60)
    authority.process = start(authority.root)


def unlock(authority: RunningAuthority) -> None:
    pin = (authority.root / "secrets/user.pin").read_text().strip()
    act = authority.officer_act("unlock")
    authority.client("operator").unlock(act, authority.by_officer(act), pins=[pin])


def test_no_restart_undoes_a_lock(authority: RunningAuthority) -> None:
    operator = authority.client("operator")
    assert operator.status().state is AuthorityState.OPERATIONAL
    operator.lock()
    for start_again in (authority.restart, lambda: killed_and_started(authority)):
        start_again()
        status = operator.status()
        assert status.state is AuthorityState.LOCKED
        assert "over restarts too" in str(status.sentence)
        with pytest.raises(AuthorityLocked):
            authority.client("tsa").timestamp([ORDER])
    assert "it starts locked" in authority.log


def test_an_activated_unlock_ends_it(authority: RunningAuthority) -> None:
    authority.client("operator").lock()
    authority.restart()
    unlock(authority)
    assert authority.client("operator").status().state is AuthorityState.OPERATIONAL
    authority.restart()
    assert authority.client("operator").status().state is AuthorityState.OPERATIONAL
    assert authority.client("tsa").timestamp([ORDER])


def test_a_wrong_pin_ends_nothing(authority: RunningAuthority) -> None:
    operator = authority.client("operator")
    operator.lock()
    act = authority.officer_act("unlock")
    with pytest.raises(AuthorityLocked, match="refused the PIN"):
        operator.unlock(act, authority.by_officer(act), pins=["000000"])
    assert "refused the PIN" in str(operator.status().sentence)
    assert mark_of(authority).is_locked


@pytest.mark.long
def test_it_locks_although_its_disk_does_not_take_the_mark_and_says_so(authority: RunningAuthority) -> None:
    operator, place = authority.client("operator"), AuthorityHome(authority.root).lasting_lock
    place.mkdir()
    with pytest.raises(StoreUnavailable, match="locked now"):
        operator.lock()
    assert operator.status().state is AuthorityState.LOCKED
    authority.restart()
    assert operator.status().state is AuthorityState.LOCKED  # what cannot be read is taken for a lock
    with pytest.raises(StoreUnavailable, match="stays locked: whether somebody locked it cannot be read"):
        unlock(authority)
    place.rmdir()
    authority.restart()
    assert operator.status().state is AuthorityState.OPERATIONAL


def test_a_lock_that_comes_while_somebody_unlocks_stands(tmp_path: Path) -> None:
    lock = LastingAuthorityLock(tmp_path / "locked")
    assert not lock.is_locked
    lock.set_mark()
    seen = lock.current_mark()  # an unlock begins
    lock.set_mark()  # somebody locks, before it ends
    lock.clear_mark(seen)
    assert lock.is_locked
    lock.clear_mark(lock.current_mark())
    assert not lock.is_locked
    lock.clear_mark(None)
    lock.remove_file()
