"""What is made after the holes in a process's memory were filled lies together."""

from __future__ import annotations

import subprocess
import sys

SCATTERED = """
from appliance.confinement import memory
import ctypes, gc, sys

def pages(addresses):
    return len({address // 4096 for address in addresses})

def made(size):
    objects = [bytes(size - 33) for _ in range(100)]
    return pages(map(id, objects))

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

def asked(size):
    return pages([libc.malloc(size) for _ in range(100)])

full = [bytes(size - 33) for size in (64, 480) for _ in range(60_000)]
heap = [libc.malloc(2000) for _ in range(60_000)]
for address in heap[::50]:
    libc.free(address)
del full[::50]
if sys.argv[1] == "filled":
    memory.fill_holes()
print(made(64), made(480), asked(2000))
"""


def pages_of_new_objects(how: str) -> list[int]:
    """Of 100 each of 64, 480 and 2,000 bytes, after there were holes everywhere."""
    done = subprocess.run([sys.executable, "-c", SCATTERED, how], capture_output=True, text=True, check=True)
    return [int(each) for each in done.stdout.split()]


def test_what_is_new_is_put_into_holes() -> None:
    small, middle, large = pages_of_new_objects("as it is")
    assert small > 50 and middle > 50 and large > 80


def test_what_is_new_lies_together_once_holes_are_filled() -> None:
    small, middle, large = pages_of_new_objects("filled")
    assert small <= 6 and middle <= 20 and large <= 60
