"""Adds the programs in evidence packages to ``hsm/checkers.txt``: before a release, when one of them has changed.

python -m scripts.known_checkers            those of the working tree
python -m scripts.known_checkers --history  every one in git's history first: the whole list, made anew
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hsm.checkers import PROGRAMS, VERIFIER

ROOT = Path(__file__).parents[1]
LIST = ROOT / "hsm/checkers.txt"
FOLDER = "appliance/evidence/checker"
PATHS = {name: f"{FOLDER}/{name}" for name in PROGRAMS} | {VERIFIER: f"appliance/evidence/{VERIFIER}"}


def line(name: str, content: bytes) -> str:
    """As ``sha256sum`` prints it."""
    return f"{hashlib.sha256(content).hexdigest()}  {name}"


def of_now() -> list[str]:
    """The lines of the working tree's checkers."""
    return [line(name, (ROOT / path).read_bytes()) for name, path in PATHS.items()]


def of_history() -> Iterator[str]:
    """The lines of every version that was ever committed, the oldest first."""
    commits = _git("log", "--format=%H", "--reverse", "--", *PATHS.values()).decode().split()
    for commit in commits:
        there = _git("ls-tree", "-r", "--name-only", commit).decode().split("\n")
        for name, path in PATHS.items():
            if path in there:
                yield line(name, _git("show", f"{commit}:{path}"))


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, check=True).stdout


def main(*arguments: str) -> None:
    """Writes the list."""
    committed = (
        _git("show", f"HEAD:{LIST.relative_to(ROOT)}").decode().splitlines()
    )  # what was tried since is no one's
    listed = list(of_history()) if "--history" in arguments else committed
    newest = of_now()
    kept = [each for each in dict.fromkeys(listed) if each not in newest]
    LIST.write_text("".join(f"{each}\n" for each in (*kept, *newest)), encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
