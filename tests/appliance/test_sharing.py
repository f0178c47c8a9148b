"""Files are private, or their group's where they lie in a directory that is shared."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.contracts.crash_safety import ProcessLeases
from appliance.documents.blobs import BlobStore
from appliance.documents.page_pictures import PictureCache
from appliance.ledger.timestamp_spool import TimestampSpool
from appliance.sharing import make_directory, make_file, open_file
from appliance.store.database import Database
from appliance.timestamping import Clearance, IssuingState, RefusalCounts
from appliance.timestamping.clearance import write_clearance
from hsm.timestamp import FailInfo, IssuedToken


@pytest.fixture(params=[0o022, 0o007, 0o077], ids=lambda mask: f"umask {mask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """As systemd-tmpfiles makes it."""
    place = tmp_path / "state"
    place.mkdir()
    place.chmod(0o2770)
    return place


def modes(root: Path) -> tuple[set[int], set[int]]:
    """Of all directories and of all files below *root*."""
    found = [(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in root.rglob("*")]
    return {mode for is_dir, mode in found if is_dir}, {mode for is_dir, mode in found if not is_dir}


def fill(place: Path) -> None:
    """With everything that several users' processes make."""
    database = Database(place / "vermilion.db")
    with database.transaction() as tx:
        tx.execute("CREATE TABLE note (text TEXT) STRICT")
    BlobStore(place / "blobs").put(b"contract")
    cache = PictureCache(place / "pages")
    cache.put("ab" * 32, b"picture")
    with cache.making("ab" * 32):
        pass
    ProcessLeases(place / "claimants").own_lease()
    assert modes(place)[1], "the database's files are there while it is open"


@pytest.mark.usefixtures("umask")
def test_where_one_process_writes_the_group_reads(tmp_path: Path) -> None:
    place = tmp_path / "timestamps"
    place.mkdir()
    place.chmod(0o2750)
    spool = TimestampSpool(place)
    spool.append([IssuedToken(1, datetime(2026, 11, 25, tzinfo=UTC), b"token")])
    spool.close()
    counts = RefusalCounts(place)
    counts.count_refusal(FailInfo.BAD_ALG)
    counts.write_counts()
    write_clearance(place / "timestamps.json", Clearance(IssuingState.OPEN))
    assert modes(place) == (set(), {0o640})


@pytest.mark.usefixtures("umask")
def test_what_is_made_in_a_shared_directory_is_the_groups(shared: Path) -> None:
    fill(shared)
    assert modes(shared) == ({0o2770}, {0o660})


@pytest.mark.usefixtures("umask")
def test_everywhere_else_it_is_private(tmp_path: Path) -> None:
    make_directory(tmp_path / "state")
    fill(tmp_path)
    assert modes(tmp_path) == ({0o700}, {0o600})


def test_a_directory_that_is_merely_writable_for_its_group_is_not_shared(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o770)
    fill(tmp_path / "state")
    assert modes(tmp_path / "state") == ({0o700}, {0o600})


def test_a_file_whose_mode_was_changed_gets_it_back_from_its_owner(tmp_path: Path) -> None:
    make_file(tmp_path / "file")
    (tmp_path / "file").chmod(0o666)
    make_file(tmp_path / "file")
    assert modes(tmp_path) == (set(), {0o600})
    (tmp_path / "file").chmod(0o644)
    os.close(open_file(tmp_path / "file", os.O_RDWR))
    assert modes(tmp_path) == (set(), {0o600})
