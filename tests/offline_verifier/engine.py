"""The engine of verify.html without its page: built by esbuild, run by Node in one long-lived process."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from appliance.verification import Indication
from tests.attacks.registry import Attempt
from tests.attacks.victims import GOOD

SOURCES = Path(__file__).parents[2] / "clients/offline_verifier"
ESBUILD = SOURCES / "node_modules/.bin/esbuild"
ENTRY = 'export * from "./src/engine"; export { judge } from "./src/judge";'
HARNESS = Path(__file__).with_name("engine.mjs")


@dataclass(frozen=True)
class Answer:
    """What the engine said of one file; ``report`` is all of it, as it came."""

    indication: Indication
    subindication: str | None
    reasons: tuple[str, ...]
    report: dict[str, Any]


class OfflineEngine:
    """Asks the engine about files, which lie in *folder*. A context manager: the process ends with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        bundle = folder / "bundle.mjs"
        build = ["--bundle", "--format=esm", "--target=es2022", "--log-level=warning", f"--outfile={bundle}"]
        known = resources.files("hsm").joinpath("checkers.txt").read_text("ascii").splitlines()
        build.append(f"--define:CHECKERS={json.dumps(known)}")
        subprocess.run([ESBUILD, *build], cwd=SOURCES, check=True, input=ENTRY.encode())
        self._numbers = count()
        self._process = subprocess.Popen(
            ["node", HARNESS, bundle], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ask(self, attempt: Attempt | bytes) -> Answer:
        """The verdict about *attempt*. Raises AssertionError when the process has ended."""
        given = attempt if isinstance(attempt, Attempt) else Attempt(attempt)
        trusted = (GOOD.root,) if given.trust is None else given.trust
        order = {
            "file": self._written(given.document),
            "trust": [self._written(each.pem) for each in trusted],
            "crls": [self._written(each) for each in given.crls],
            "data": None if given.data is None else self._written(given.data),
            "at": given.at.isoformat(),
            "nonce": None if given.nonce is None else str(given.nonce),
        }
        return self._asked(order)

    def ask_folder(self, folder: Path, root: bytes, at: datetime) -> Answer:
        """The verdict about the unpacked package in *folder*, for whoever trusts *root* (PEM)."""
        order = {"folder": str(folder), "trust": [self._written(root)], "crls": [], "at": at.isoformat()}
        return self._asked(order | {"nonce": None})

    def _asked(self, order: Mapping[str, Any]) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        line = self._process.stdout.readline()
        assert line, "the engine has ended"
        report = json.loads(line)
        verdict = Indication(report["indication"])
        return Answer(verdict, report["subindication"], tuple(report["reasons"]), report)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def _written(self, content: bytes) -> str:
        place = self._folder / f"given-{next(self._numbers) % 50}"
        place.write_bytes(content)
        return str(place)


@contextmanager
def started(folder: Path) -> Iterator[OfflineEngine]:
    """The engine; skips the test where Node, or what the engine is built with, is missing."""
    if shutil.which("node") is None or not ESBUILD.exists():
        pytest.skip("Node and its packages are missing: scripts/setup offline installs them")
    with OfflineEngine(folder) as engine:
        yield engine


def complaint(ours: Indication, theirs: Answer) -> str | None:
    """What is wrong with what the engine says of a file about which ``vermilion verify`` says *ours*, or None: it
    says the same, or INDETERMINATE, and why."""
    if theirs.indication is not Indication.PASSED and not theirs.reasons:
        return "without a reason"
    if theirs.indication in (ours, Indication.INDETERMINATE):
        return None
    return f"{theirs.indication} where vermilion verify says {ours}: {'; '.join(theirs.reasons)}"
