"""Packages are made soon after captures, whoever asks for them: the real authority and log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from appliance.captures import packages as module
from appliance.captures.packages import CLAIMED, EVERY, PACKAGE, PackageRenewal
from appliance.demonstration.participants import ZHANG
from appliance.errors import StateRefused, StorageError
from appliance.evidence.captures.renewals import last_token
from appliance.evidence.model import Files
from appliance.health import RunbookPage
from appliance.health.capture_checks import packages
from appliance.health.check_context import open_check_context
from appliance.store import archive_renewals, captures, retention
from appliance.store.archive_renewals import PACKAGES
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.captures.conftest import forget_all
from tests.captures.made import captured
from tests.world import World

WHO = ZHANG.subject
TWO_HOURS = timedelta(hours=2)


@pytest.fixture(autouse=True)
def nothing_before(appliance: Appliance) -> Iterator[None]:
    forget_all(appliance)
    with appliance.database.transaction() as tx:
        tx.execute("DELETE FROM capture_packages")
    yield


def names(appliance: Appliance, capture_id: str) -> set[str]:
    return {each.name for each in appliance.database.query(captures.files_of, capture_id)}


def told(world: World, now: datetime) -> tuple[RunbookPage | None, str]:
    """What the health check says."""
    with open_check_context(world.home, role="operator", now=now) as asked:
        found = packages(asked)
    return found.page, str(found)


def test_a_package_is_there_without_a_download(appliance: Appliance, log: None) -> None:
    capture = captured(appliance, WHO)
    over = threading.Event()
    thread = threading.Thread(target=appliance.capture_packages.run_until, args=(over, appliance.maintenance))
    thread.start()
    try:
        for _ in range(300):
            if PACKAGE in names(appliance, capture.id) or over.wait(0.1):
                break
    finally:
        over.set()
        thread.join()
    assert PACKAGE in names(appliance, capture.id)
    package = appliance.capture_packages.package(capture.id, by=WHO)
    assert appliance.verifier.verify(package).indication is Indication.PASSED
    assert EVERY < 60, "soon"


def test_what_fails_is_noted_told_after_an_hour_and_tried_again(
    world: World, appliance: Appliance, log: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = captured(appliance, WHO)
    with monkeypatch.context() as patch:
        patch.setattr(appliance.blobs, "put", lambda _: (_ for _ in ()).throw(StorageError("The disk is full.")))
        assert appliance.capture_packages.run_round()
    assert not appliance.capture_packages.run_round(), "not again at once"
    assert told(world, appliance.now() + TWO_HOURS) == (
        RunbookPage.CAPTURES_UNPACKED,
        "Web captures of more than an hour ago without an evidence package: 1. The disk is full.",
    )
    with world.opened(ahead=timedelta(minutes=6)) as later_on:
        assert later_on.capture_packages.run_round()
    assert PACKAGE in names(appliance, capture.id)
    assert told(world, appliance.now() + TWO_HOURS)[0] is None


def test_one_process_at_a_time_makes_a_package(appliance: Appliance) -> None:
    capture, now = captured(appliance, WHO), appliance.now()
    take = archive_renewals.take_unmade
    assert appliance.database.commit(take, now, until=now + CLAIMED) == capture.id
    assert appliance.database.commit(take, now, until=now + CLAIMED) is None
    assert appliance.database.commit(take, now + CLAIMED, until=now + 2 * CLAIMED) == capture.id


def test_there_will_be_none_of_what_was_disposed_of_or_erased(appliance: Appliance) -> None:
    gone, erased = captured(appliance, WHO), captured(appliance, WHO)
    assert erased.record is not None
    with appliance.database.transaction() as tx:
        captures.dispose(tx, gone.id)
        retention.forget_openings(tx, [erased.record.entry])
    assert appliance.capture_packages.run_round()
    assert not appliance.capture_packages.run_round()
    assert appliance.database.query(archive_renewals.count_unmade, appliance.now() + TWO_HOURS).count == 0


def test_a_file_that_is_lost_is_told_and_may_come_back(appliance: Appliance) -> None:
    """Dropped, it would have no package, and none would be renewed, after the file was there again."""
    capture = captured(appliance, WHO)
    [lost] = (each for each in appliance.database.query(captures.files_of, capture.id) if each.name == "page.pdf")
    place = appliance.blobs._path(lost.digest)
    kept = place.read_bytes()
    place.unlink()
    assert appliance.capture_packages.run_round()
    place.write_bytes(kept)
    found = appliance.database.query(archive_renewals.count_unmade, appliance.now() + TWO_HOURS)
    assert (found.count, found.reason) == (1, f"There is no document with SHA-256 {lost.digest}.")


def test_a_capture_that_is_disposed_of_once_it_is_packed_stays_gone(
    appliance: Appliance, log: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left that would be renewed for ever."""
    capture = captured(appliance, WHO)

    def disposed_of_meanwhile(files: Files) -> bytes:
        appliance.database.commit(captures.dispose, capture.id)
        return last_token(files)

    monkeypatch.setattr(module, "last_token", disposed_of_meanwhile)
    assert appliance.capture_packages.run_round()
    ends = appliance.now() + timedelta(days=10_000)
    assert appliance.database.query(archive_renewals.count_due, ends, {}, of=PACKAGES) == 0
    assert names(appliance, capture.id) == set()


def test_a_package_of_before_is_read(appliance: Appliance, log: None) -> None:
    """After the upgrade each capture that is done is looked at once."""
    capture = captured(appliance, WHO)
    package = appliance.capture_packages.package(capture.id, by=WHO)
    assert appliance.capture_packages.run_round()
    assert appliance.capture_packages.package(capture.id, by=WHO) == package
    ends = appliance.now() + timedelta(days=10_000)
    assert appliance.database.query(archive_renewals.count_due, ends, {}, of=PACKAGES) == 1


def test_a_capture_that_is_disposed_of_while_it_is_renewed_stays_gone(appliance: Appliance, log: None) -> None:
    capture = captured(appliance, WHO)
    assert appliance.capture_packages.run_round()
    renewal: PackageRenewal = appliance.package_renewal
    put = appliance.blobs.put

    def disposed_of_meanwhile(content: bytes) -> str:
        appliance.database.commit(captures.dispose, capture.id)
        return put(content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renewal._backend.blobs, "put", disposed_of_meanwhile)
        renewal.renew_package(capture.id)
    assert names(appliance, capture.id) == set()
    renewal.renew_package(capture.id)
    with pytest.raises(StateRefused):
        appliance.capture_packages.package(capture.id, by=WHO)
