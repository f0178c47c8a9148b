"""What the zygote holds at the end of its preparations is made immortal, so that children need not copy it.

Python counts references in the objects themselves: whoever looks at an object writes to it, and a forked child
copies every page that it writes to. Since 3.12 a count of all ones means "lives for ever" and is never written
again (PEP 683); the interpreter gives it to None and small numbers. Here everything else that children share gets
it too. A child does one job and ends, so nothing is lost by objects that never die.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from types import CodeType, FrameType

_FOR_EVER = 0xFFFF_FFFF
"""``_Py_IMMORTAL_REFCNT`` of CPython 3.12 and 3.13 on 64 bits: the lower half of the count, all ones."""


def immortalise() -> int:
    """Makes all objects immortal that exist now; how many. 0, and nothing is done, where this Python has no such.

    Each is marked while something holds it, and is then never freed, so no mark is put where an object was.
    """
    if not _known():
        return 0
    waiting: list[object] = list(gc.get_objects())
    count = 0
    while waiting:
        each = waiting.pop()
        references = ctypes.c_uint32.from_address(id(each))
        if references.value == _FOR_EVER or isinstance(each, FrameType):
            continue
        references.value = _FOR_EVER
        count += 1
        if isinstance(each, CodeType):  # the collector does not see into these
            waiting += (each.co_consts, each.co_names)
        waiting += gc.get_referents(each)
    return count


def _known() -> bool:
    """CPython 3.12 or 3.13 on a little-endian machine of 64 bits; the others lay counts out in other ways."""
    return (
        sys.implementation.name == "cpython"
        and sys.version_info[:2] in ((3, 12), (3, 13))
        and sys.maxsize > 2**32
        and sys.byteorder == "little"
        and "t" not in sys.abiflags
    )
