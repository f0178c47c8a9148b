"""Memory of a process that forks many short-lived children: what a child changes is copied for it, page by page.

What a child makes would be put into holes all over the memory that it has in common with its parent, wherever
something was freed. So the parent fills the holes before it forks, and what a child makes lies together.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from itertools import pairwise

_POOL = 16 * 1024
"""Bytes of one of Python's pools, each for objects of one size (Objects/obmalloc.c)."""
_POOL_HEADER = 48
_STEP = 16
"""By which sizes of memory differ, Python's and the C library's."""
_LARGEST = 512
"""Bytes that Python takes from its pools; more is asked of the C library."""
_BYTES_HEADER = b"".__sizeof__()
_MOST_ROUNDS = 30
"""Of two pools each, for one size: more holes than there are, and no more than a megabyte."""

_HEAP_LARGEST = 120 * 1024
"""Bytes that the C library takes from its heap for certain; for more it may ask the kernel each time."""
_HEAP_SMALLEST = 16
_MOST_HEAP = 64 * 1024 * 1024
_TOP = 1024 * 1024
"""At the end of the heap: memory there is new."""

_LIBC = ctypes.CDLL(None)
_LIBC.malloc.restype = _LIBC.sbrk.restype = ctypes.c_void_p
_LIBC.malloc.argtypes, _LIBC.sbrk.argtypes = [ctypes.c_size_t], [ctypes.c_long]

_kept: list[object] = []


def fill_holes() -> None:
    """Take what is free among the memory in use, for as long as this process lives. Best effort: it changes
    nothing but the speed."""
    for size in range(_STEP, _LARGEST + 1, _STEP):
        _kept.append(_pools_filled(size))
    for size in _heap_sizes():
        _fill_heap(size)


def _pools_filled(size: int) -> list[object]:
    """Objects of *size* bytes, so many that all pools for such are full but the newest."""
    make, count = _maker(size), 2 * _POOL // size
    fresh = (_POOL - _POOL_HEADER) // size - 2
    made: list[object] = []
    for _ in range(_MOST_ROUNDS):
        new: list[object] = [None] * count
        for index in range(count):
            new[index] = make()
        made.append(new)
        run = 0
        for one, other in pairwise(map(id, new)):
            run = run + 1 if other - one == size else 0
            if run >= fresh:
                return made
    return made


def _maker(size: int) -> Callable[[], object]:
    if size == object().__sizeof__():
        return object
    length = size - _BYTES_HEADER
    if length > 1:  # shorter ones are there once for all
        return lambda: bytes(length)
    factor = float(size)
    return lambda: factor * factor


def _heap_sizes() -> Iterator[int]:
    """From the largest hole to the smallest."""
    size = _HEAP_LARGEST
    while size > _HEAP_SMALLEST:
        yield size
        size -= max(_STEP, size // 5 // _STEP * _STEP)


def _fill_heap(size: int) -> None:
    """Ask for *size* bytes until they come from the end of the heap."""
    block = size + 8 + _STEP - 1 & -_STEP
    for _ in range(_MOST_HEAP // size // 2):
        one, other = _LIBC.malloc(size), _LIBC.malloc(size)
        if other - one == block and one > _LIBC.sbrk(0) - _TOP:
            return
