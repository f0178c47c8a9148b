"""Which tests are pure: they start no process, so that `make check` has time for all of them.

A test counts as pure when neither its module nor that of a fixture that it uses imports what starts processes,
directly or through modules of ``tests``. What the imports do not show is marked ``processes``. While only pure
tests run, starting a process is an error.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STARTERS = (
    *("multiprocessing", "pkcs11", "playwright", "subprocess", "os.fork", "tests.authority", "tests.command"),
    *("appliance.confinement", "appliance.supervision", "appliance.wiring", "hsm.daemon"),
)
"""Modules, and a function, that start processes or a token."""

STARTS = frozenset({"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"})
"""Events of the interpreter's audit (PEP 578)."""


def is_pure(item: pytest.Item) -> bool:
    """Whether *item* starts no process and takes no ten seconds."""
    if item.get_closest_marker("processes") or item.get_closest_marker("slow"):
        return False
    fixtures = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009 -- pytest has no public name for it
    modules = {each.func.__module__ for definitions in fixtures.values() for each in definitions}
    if fixtures.keys().isdisjoint({"authority", "confinement"}):
        modules.discard("tests.conftest")  # nothing else in it starts a process
    return not any(_starts(module) for module in modules) and not imports_starters(item.path)


def imports_starters(path: Path) -> bool:
    """Whether the module at *path* imports what starts processes, so that nothing in it is pure."""
    return _starts(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."))


def forbid_processes() -> None:
    """From now on nothing in this process starts another one."""

    def watch(event: str, _arguments: tuple[object, ...]) -> None:
        if event in STARTS:
            raise RuntimeError(f"{event} in a test that counts as pure: mark it `processes`")

    sys.addaudithook(watch)


@cache
def _starts(module: str) -> bool:
    reached, left = set[str](), [module]
    while left:
        if (name := left.pop()) not in reached:
            reached.add(name)
            left += _imported(name)
    return any(name == each or name.startswith(f"{each}.") for name in reached for each in STARTERS)


@cache
def _imported(module: str) -> frozenset[str]:
    """What a module of ``tests`` imports: of names that are modules themselves, these."""
    path = ROOT / module.replace(".", "/")
    if not module.startswith("tests.") or not path.with_suffix(".py").is_file():
        return frozenset()
    return frozenset(_names(ast.parse(path.with_suffix(".py").read_bytes())))


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "os.fork":
            yield "os.fork"
