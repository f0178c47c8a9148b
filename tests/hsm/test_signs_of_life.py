"""The parent asks its workers whether they still attend to it; one that hangs in the module is ended."""

from __future__ import annotations

import select
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from hsm import worker_messages
from hsm.daemon import Workers
from hsm.worker_messages import Heartbeat, PinChange

PATIENCE = 60.0


def answers(end: socket.socket, pin: PinChange) -> None:
    """A worker that does nothing but answer."""
    while (message := worker_messages.receive(end)) is not None:
        worker_messages.send(end, message)


def hangs(end: socket.socket, pin: PinChange) -> None:
    """A worker whose module never returns."""
    signal.pause()


def eventually(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.fixture
def crew_of() -> Iterator[Callable[..., Workers]]:
    started: list[Workers] = []

    def start(work: Callable[[socket.socket, PinChange], None]) -> Workers:
        crew = Workers(2, work, PinChange(None))
        crew.start()
        started.append(crew)
        return crew

    yield start
    for crew in started:
        crew.stop(patience=0.1)


def hear_all(crew: Workers) -> None:
    for end in crew.ends():
        assert select.select([end], [], [], PATIENCE)[0]
        crew.receive_from(end)


def test_all_is_well_while_every_worker_answers(crew_of: Callable[..., Workers]) -> None:
    crew = crew_of(answers)
    assert crew.check_signs_of_life(now=1000.0)
    hear_all(crew)
    assert crew.check_signs_of_life(now=1015.0)


def test_a_silent_worker_is_no_sign_of_life_and_is_ended_in_the_end(crew_of: Callable[..., Workers]) -> None:
    crew = crew_of(hangs)
    assert crew.check_signs_of_life(now=1000.0)
    assert not crew.check_signs_of_life(now=1015.0)
    assert not crew.reap()
    assert not crew.check_signs_of_life(now=1075.0)
    eventually(crew.reap)
    eventually(lambda: crew.reap() or crew.ends() == [])
    crew.start()
    assert crew.check_signs_of_life(now=1080.0)


def test_a_sign_of_life_keeps_its_meaning_on_the_way() -> None:
    ours, theirs = worker_messages.pair()
    with ours, theirs:
        worker_messages.send(ours, Heartbeat())
        assert worker_messages.receive(theirs) == Heartbeat()
