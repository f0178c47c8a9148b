"""What takes seconds to make, made once for a whole run of the tests: by the process that needs it first."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

FOLDER = "VERMILION_TESTS_SHARED"
"""The environment's name for the folder that all workers of one run share; ``tests/conftest.py`` makes it."""


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """The folder *name*, which ``make`` has filled; nobody may change it. Safe under concurrent calls.

    Without a run of pytest the folder is this process's own, and goes with it.
    """
    folder = _folder()
    place, done = folder / name, folder / f"{name}.done"
    with (folder / f"{name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(place, ignore_errors=True)  # of an attempt that failed
            place.mkdir()
            make(place)
            done.touch()
    return place


def _folder() -> Path:
    if FOLDER not in os.environ:
        directory = tempfile.TemporaryDirectory(prefix="vermilion-template-")
        atexit.register(directory.cleanup)
        os.environ[FOLDER] = directory.name
    return Path(os.environ[FOLDER])
