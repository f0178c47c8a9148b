"""The kernel calls that make children cheap: they must change nothing but the speed."""

from __future__ import annotations

import os

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
