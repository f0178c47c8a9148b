"""At its start the authority compares what it has signed of the log with the checkpoint that the gate left."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hsm.config import AuthorityHome
from hsm.merkle import extended, fold
from hsm.note import LogExtension
from hsm.operation_types import AuthorityState
from tests.authority import RunningAuthority, end, running_authority, start

REFUSED = r"has signed {signed} entries of the log, but the database has a checkpoint of {known} .*log-behind"


@pytest.fixture
def authority() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as own:
        yield own


class Log:
    """A log that the *authority* signs, and what a gate leaves of it in the authority's home."""

    def __init__(self, authority: RunningAuthority) -> None:
        self.authority, self.home = authority, AuthorityHome(authority.root)
        self.size, self.edge = 0, ()
        self.home.gate_checkpoint.parent.mkdir(exist_ok=True)

    def grow(self, count: int) -> bytes:
        """*count* entries more; the checkpoint."""
        leaves = tuple(secrets.token_bytes(32) for _ in range(count))
        hashes = tuple(extended(self.size, self.edge, leaves))
        extension = LogExtension(self.size, self.edge, leaves, fold(hashes))
        self.size, self.edge = self.size + count, hashes
        return self.authority.client("scheduler").checkpoint(extension)

    def kept(self, note: bytes) -> None:
        self.home.gate_checkpoint.write_bytes(note)


@pytest.fixture
def log(authority: RunningAuthority) -> Log:
    return Log(authority)


def stores(home: AuthorityHome) -> list[Path]:
    return sorted(home.store.parent.glob(f"{home.store.name}*"))


def set_back(log: Log, folder: Path) -> bytes:
    """The authority's store is that from before the newest checkpoint, which is returned; nothing runs. What was
    newer is in the *folder*."""
    log.grow(3)
    end(log.authority.process)
    older = {path: path.read_bytes() for path in stores(log.home)}
    log.authority.process = start(log.authority.root, warm=True)
    note = log.grow(2)
    end(log.authority.process)
    for path in stores(log.home):
        shutil.move(path, folder)
    for path, content in older.items():
        path.write_bytes(content)
    return note


def refused(log: Log, **sizes: int) -> None:
    with pytest.raises(AssertionError, match=REFUSED.format(**sizes)):
        start(log.authority.root)


def test_a_store_that_was_set_back_serves_nothing_until_what_is_newer_is_there(log: Log, tmp_path: Path) -> None:
    log.kept(set_back(log, tmp_path))
    for _ in range(2):  # systemd starts it again
        refused(log, signed=3, known=5)
    (log.home.root / "secrets/user.pin").rename(tmp_path / "user.pin")  # its PIN is kept by people
    refused(log, signed=3, known=5)
    assert not list((log.home.root / "run").glob("*.sock"))
    for path in stores(log.home):
        path.unlink()
    for path in tmp_path.glob("authority.db*"):
        shutil.move(path, log.home.store.parent)
    log.authority.process = start(log.authority.root, warm=True)
    assert log.authority.client("operator").status().state is AuthorityState.LOCKED


def test_what_was_signed_starts_however_old_the_checkpoint(log: Log) -> None:
    for note in (log.grow(3), log.grow(1)):
        log.kept(note)
        log.authority.restart()
    log.grow(1)
    log.authority.restart()
    assert "is not compared" not in log.authority.log
    log.home.gate_checkpoint.unlink()  # no gate
    log.authority.restart()


def link(path: Path) -> None:
    real = path.with_name("real")
    path.rename(real)
    path.symlink_to(real)


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil",
    [
        link,
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: put(path, b""),
        lambda path: put(path, path.read_bytes().replace(b"\n5\n", b"\n6\n")),
        lambda path: put(path, path.read_bytes()[:-9]),
        lambda path: put(path, path.read_bytes() + b"x" * 20_000_000),
    ],
    ids=["link", "FIFO", "folder", "empty", "changed", "cut", "huge"],
)
def test_a_file_that_nobody_but_root_or_a_disk_can_have_spoilt_leaves_nothing_down(
    log: Log, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    log.kept(set_back(log, tmp_path))
    spoil(log.home.gate_checkpoint)
    log.authority.process = start(log.authority.root, warm=True)
    assert f"{log.home.gate_checkpoint} is not compared with what was signed" in log.authority.log


def test_a_checkpoint_of_another_log_is_not_compared(log: Log) -> None:
    with running_authority(workers=1, another=True) as other:
        log.kept(Log(other).grow(9))
    log.authority.restart()
    assert "is not compared with what was signed" in log.authority.log
