"""What many tests share: one real authority for the whole run, and a place for files that waits for no disk."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import argon2
import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache, Undefined
from jinja2.utils import missing
from pysqlite3 import dbapi2 as sqlite

from appliance.accounts import passwords
from appliance.confinement import requested_programs
from appliance.confinement.pool import Confinement
from appliance.typesetting import typesetter
from hsm import schema
from hsm.schema import objects_in
from tests.authority import RunningAuthority, running_authority
from tests.distribution import LongestFirst, Stopwatch, sort_by_seconds
from tests.pure import ROOT, forbid_processes, imports_starters, is_pure
from tests.shared import FOLDER, made_once
from tests.typeset_once import TypesetOnce, Typesetter
from tests.warm_programs import StartedCopy, start_directory
from tests.warm_typesetter import WarmTypesetter

MEMORY = Path("/dev/shm")  # noqa: S108 -- the file system of that name, with a folder of our own in it
ROOM = 6 * 2**30
"""Bytes that have to be free there, of which a run takes some two thousand million."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pure", action="store_true", help="only tests that start no process (tests/pure.py)")
    parser.addoption("--write-seconds", action="store_true", help="measure files anew (tests/distribution.py)")


def pytest_collection() -> None:
    gc.disable()  # modules and tests make no garbage to speak of


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Homes lie in memory where there is room: they ask a disk to be sure (fsync) for each act, which is what
    tests that share two cores wait for most. What a killed process leaves is the same in both places."""
    if "TMPDIR" not in os.environ and not config.option.basetemp and _has_room():
        folder = tempfile.mkdtemp(prefix="v", dir=MEMORY)
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        config.option.basetemp = f"{folder}/t"  # short, as the names of sockets below it have at most 107 letters
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    if config.option.write_seconds and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Stopwatch())
    if FOLDER not in os.environ:  # workers have it from who starts them
        shared = os.environ[FOLDER] = tempfile.mkdtemp(prefix="vermilion-shared-")
        config.add_cleanup(lambda: shutil.rmtree(shared, ignore_errors=True))


def _has_room() -> bool:
    """Whether it is a file system in memory, free, and may hold programs."""
    try:
        found, memory = os.statvfs(MEMORY), Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return False
    available = next(int(line.split()[1]) for line in memory.splitlines() if line.startswith("MemAvailable:"))
    free = min(found.f_bavail * found.f_frsize, available * 1024 // 2)
    return free >= ROOM and not found.f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK)


class NeverShown(Undefined):
    """What a view did not give to its template may be asked for, but not shown: the page would have a gap there.

    What somebody has not typed is a gap that is meant.
    """

    __slots__ = ()

    def __str__(self) -> str:
        if self._undefined_obj is missing:
            self._fail_with_undefined_error()
        return super().__str__()


@pytest.fixture(scope="session", autouse=True)
def compiled_templates() -> Iterator[None]:
    """Jinja compiles each template once in a run, not again for each application, and refuses to show what the
    view forgot."""
    cache = FileSystemBytecodeCache(str(made_once("jinja", lambda _folder: None)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": cache, "undefined": NeverShown}
        )
        yield


@pytest.fixture(scope="session", autouse=True)
def migrated_databases() -> Iterator[None]:
    """A new database is a copy of the first one of the process that took the same migrations."""
    templates: dict[tuple[str, ...], sqlite.Connection] = {}
    bring_up, turn = schema._bring_up, threading.Lock()

    def copied(connection: sqlite.Connection, path: Path, steps: dict[int, str]) -> None:
        which = tuple(steps.values())
        with turn:
            is_new = not schema._version(connection) and not objects_in(connection)
            if is_new and which in templates:
                templates[which].backup(connection)
                return
            bring_up(connection, path, steps)
            if is_new:
                templates[which] = sqlite.connect(":memory:", check_same_thread=False)
                connection.backup(templates[which])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_bring_up", copied)
        yield
    for each in templates.values():
        each.close()


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """argon2id with little work for passwords: tests are about who gets in, not about how long guessing takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture(scope="session", autouse=True)
def typesetter_of_appliance() -> Iterator[Typesetter]:
    """What sets pages in an appliance; for what runs in this process a warm one does, and they are remembered."""
    anew, warm = typesetter._done, WarmTypesetter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typesetter, "_done", TypesetOnce(warm))
        yield anew
    warm.close()


@pytest.fixture(scope="session", autouse=True)
def warm_directory_program() -> Iterator[None]:
    """``vermilion-directory``, which asks once and ends, is a copy of a warm process for what runs in this one."""
    anew = requested_programs._started

    def started(module: str, environment: Mapping[str, str], stdin: int) -> subprocess.Popen[bytes] | StartedCopy:
        warm = module == "appliance.directory_service"
        return start_directory(environment, stdin) if warm else anew(module, environment, stdin)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requested_programs, "_started", started)
        yield


@pytest.fixture
def typeset_anew(typesetter_of_appliance: Typesetter, monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is about typesetting itself: each page is set, also one that was set before."""
    monkeypatch.setattr(typesetter, "_done", typesetter_of_appliance)


@pytest.fixture(scope="session")
def confinement() -> Confinement:
    """The confined processes that all tests share; whoever does something to them has their own."""
    from tests.world import shared_confinement  # noqa: PLC0415 -- what starts no process does not load it

    return shared_confinement()


@pytest.fixture(scope="session")
def authority() -> Iterator[RunningAuthority]:
    """A real authority: SoftHSM, the development ceremony, the daemon. Shared: enrol people of your own names."""
    with running_authority() as running:
        yield running


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``--pure`` modules without a pure test are not even imported."""
    if config.option.pure and collection_path.suffix == ".py" and collection_path.is_relative_to(ROOT):
        return imports_starters(collection_path) or None
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts what takes long first. With ``--pure`` drops all other tests."""
    if config.option.pure:
        others = [item for item in items if not is_pure(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if is_pure(item)]
    sort_by_seconds(items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there now stays: the garbage collector need not look at thousands of tests again and again."""
    gc.enable()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    if session.config.option.pure:
        forbid_processes()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LongestFirst:
    """Asked when there are several workers."""
    return LongestFirst(config, log)
