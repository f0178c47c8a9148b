"""How long captures are kept: files and words go, the log's entry stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.captures import CaptureState, OrderedCapture
from appliance.store import captures, ledger, retention
from appliance.wiring import Appliance
from tests.captures.conftest import Web, forget_all, now_of, ordered
from tests.world import World

WHO = ZHANG.subject
AFTERWARDS = timedelta(days=31)


@pytest.fixture(autouse=True)
def nothing_before(appliance: Appliance) -> Iterator[None]:
    forget_all(appliance)
    yield


@pytest.fixture
def made(appliance: Appliance, web: Web, log: None) -> OrderedCapture:
    """A capture with its package."""
    waiting = ordered(appliance, web.address())
    assert appliance.capture_queue.run_next()
    assert appliance.capture_finishing.run_round() == 1
    return now_of(appliance, waiting)


def test_after_its_term_a_capture_is_disposed_of(world: World, appliance: Appliance, made: OrderedCapture) -> None:
    assert made.record is not None
    digests = [each.digest for each in appliance.captures.files(made.id, by=WHO)]
    until = appliance.captures.keeps_until(made)
    assert until is not None
    assert made.ended is not None
    assert until - made.ended == timedelta(days=30)
    assert appliance.capture_retention.dispose_due() == 0
    with world.opened(ahead=AFTERWARDS) as later:
        assert later.capture_retention.dispose_due() >= 1
        assert later.capture_retention.dispose_due() == 0
    gone = now_of(appliance, made)
    assert gone.state is CaptureState.DISPOSED
    assert {gone.address, gone.purpose} == {captures.GONE}
    assert appliance.captures.files(made.id, by=WHO) == []
    assert appliance.captures.facts(made.id, by=WHO) is None
    assert appliance.database.query(ledger.opening, made.record.entry) is None
    assert gone.record is not None
    assert gone.record.entry == made.record.entry
    with world.opened(ahead=AFTERWARDS + timedelta(hours=2)) as later:
        later.retention.remove_doomed_blobs()
    for digest in digests:
        with pytest.raises(NotFound):
            appliance.blobs.get(digest)


def test_the_owner_keeps_it_longer(world: World, appliance: Appliance, made: OrderedCapture) -> None:
    register = appliance.captures
    with pytest.raises(NotFound):
        register.hold(made.id, reason="（2026）示例民初 1 号", by=LI.subject)
    with pytest.raises(PreconditionRefused):
        register.hold(made.id, reason=" ", by=WHO)
    register.hold(made.id, reason="（2026）示例民初 1 号", by=WHO)
    with pytest.raises(StateRefused):
        register.hold(made.id, reason="again", by=WHO)
    held = now_of(appliance, made)
    assert (held.held, register.keeps_until(held)) == ("（2026）示例民初 1 号", None)
    with world.opened(ahead=AFTERWARDS) as later:
        later.capture_retention.dispose_due()
    assert now_of(appliance, made).state is CaptureState.DONE
    register.release(made.id, by=WHO)
    with pytest.raises(StateRefused):
        register.release(made.id, by=WHO)
    with world.opened(ahead=AFTERWARDS) as later:
        later.capture_retention.dispose_due()
    assert now_of(appliance, made).state is CaptureState.DISPOSED
    with pytest.raises(StateRefused):
        register.hold(made.id, reason="too late", by=WHO)


def test_files_of_captures_are_needed_until_then(appliance: Appliance, made: OrderedCapture) -> None:
    """Neither the sweep of ownerless bytes nor a backup leaves them out."""
    with appliance.database.reading() as tx:
        every = set(retention.needed(tx))
        for each in captures.files_of(tx, made.id):
            assert retention.is_needed(tx, each.digest)
            assert each.digest in every
