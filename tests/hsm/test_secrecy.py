"""A process that holds a PIN cannot be read by others of its user."""

from __future__ import annotations

import subprocess
import sys

_ASK = """
import ctypes
from hsm.process import keep_memory_private
keep_memory_private()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


def test_memory_is_private() -> None:
    told = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, check=True).stdout
    assert told.split() == [b"0"]  # PR_GET_DUMPABLE
