"""The kernel calls that make children cheap: they must change nothing but the speed."""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

import pytest

from appliance.confinement import kernel


def test_memory_in_large_pages_holds_what_it_held() -> None:
    pattern = os.urandom(4096)
    memory = bytearray(pattern * 2048)
    kernel.gather_memory()
    assert memory == pattern * 2048


def test_a_forked_child_is_its_own_process_and_its_writes_stay_there() -> None:
    shared = bytearray(b"parent")
    receiving, sending = os.pipe()
    child = kernel.fork()
    if child == 0:
        shared[:] = b"child!"
        os.write(sending, shared + str(os.getpid()).encode())
        os._exit(7)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
    assert os.read(receiving, 64) == b"child!" + str(child).encode()
    assert shared == b"parent"
    os.close(receiving)
    os.close(sending)


@pytest.mark.parametrize("ended_before", [True, False])
def test_a_child_whose_parent_has_ended_already_ends_too(*, ended_before: bool) -> None:
    """Nobody holds the other end of the pipe any more: that is how its end is seen here."""
    alive, held = os.pipe()
    parent = kernel.fork()
    if parent == 0:
        said, saying = os.pipe()
        zygote = os.getpid()
        if kernel.fork() == 0:
            while ended_before and os.getppid() == zygote:
                time.sleep(0.01)
            kernel.die_with_parent(zygote)
            os.write(saying, b"!")
            time.sleep(60)
            os.write(held, b"it lives")
            os._exit(0)
        if not ended_before:
            os.read(said, 1)
        os._exit(0)
    os.close(held)
    os.waitpid(parent, 0)
    assert os.read(alive, 16) == b""
    os.close(alive)


def kilobytes_in_memory_of(file: Path) -> int:
    """Of what this process maps (proc(5), ``smaps``)."""
    _, _, rest = Path("/proc/self/smaps").read_text().partition(f" {file}\n")
    return next(int(line.split()[1]) for line in rest.splitlines() if line.startswith("Rss:"))


def test_a_file_that_was_let_go_of_takes_no_memory_and_is_read_as_before(tmp_path: Path) -> None:
    within, beside = tmp_path / "cache" / "typeface", tmp_path / "beside"
    within.parent.mkdir()
    content = os.urandom(1024 * 1024)
    for file in (within, beside):
        file.write_bytes(content)
    with within.open("rb") as first, beside.open("rb") as second:
        maps = [
            mmap.mmap(each.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) for each in (first, second)
        ]
    assert [each[:] for each in maps] == [content, content]
    kernel.let_go_of_files(within.parent)
    assert kilobytes_in_memory_of(within) == 0
    assert kilobytes_in_memory_of(beside) == 1024
    assert [each[:] for each in maps] == [content, content]
