"""Blobs: kept under their digest, never half, never wrong."""

from __future__ import annotations

import hashlib
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.documents.blobs import BlobStore
from appliance.errors import NotFound, StorageError


def test_bytes_come_back_under_their_digest(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    digest = blobs.put(b"contract")
    assert digest == hashlib.sha256(b"contract").hexdigest()
    assert blobs.get(digest) == b"contract"
    assert blobs.put(b"contract") == digest


def test_nobody_else_may_read(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    digest = blobs.put(b"contract")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "blobs").rglob("*")}
    assert digest and modes == {0o700, 0o600}


def test_a_damaged_blob_is_never_handed_out(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    digest = blobs.put(b"contract")
    (tmp_path / digest[:2] / digest).write_bytes(b"contracT")
    with pytest.raises(StorageError, match="damaged"):
        blobs.get(digest)


def test_an_unknown_digest_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        BlobStore(tmp_path).get("0" * 64)


def test_everything_is_synced_before_it_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    real = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    BlobStore(tmp_path).put(b"contract")
    assert synced == [False, True, True]  # the file, its directory, and the directory of the new directory


def test_what_is_there_already_is_promised_no_sooner_than_its_name_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote it came no further: the directory could not be synced, or has not been yet."""
    real = os.fsync

    def failing(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    blobs = BlobStore(tmp_path)
    for _ in range(2):
        with pytest.raises(StorageError, match="Input/output"):
            blobs.put(b"contract")
    monkeypatch.setattr(os, "fsync", real)
    assert blobs.get(blobs.put(b"contract")) == b"contract"


def test_a_full_disk_is_a_refusal_that_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    blobs = BlobStore(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        blobs.put(b"contract")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    digest = blobs.put(b"contract")
    (tmp_path / digest[:2] / ".left.part").write_bytes(b"con")
    now = datetime.now(UTC)
    assert blobs.sweep(before=now - timedelta(hours=1)) == 0, "its writer may still be at it"
    assert blobs.sweep(before=now + timedelta(seconds=1)) == 1
    assert blobs.get(digest) == b"contract"
