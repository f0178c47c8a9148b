"""A package unpacked by an ordinary ZIP tool, and what its README and checkers say in a clean folder."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from pathlib import Path

ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C"}


def unpack(package: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(folder)
    return folder


def commands(readme: Path) -> list[str]:
    """Every command that the README shows: the lines that are indented by four spaces, up to an empty line."""
    found: list[str] = []
    inside = False
    for line in readme.read_text("utf-8").split("\n"):
        if line.startswith("    "):
            found.append(line[4:]) if not inside else found.append(f"{found.pop()}\n{line[4:]}")
        inside = line.startswith("    ")
    return found


def run(command: str, folder: Path, interpreter: str = "sh") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [interpreter, "-c", command],
        cwd=folder,
        env=ENVIRONMENT,
        text=True,
        errors="replace",
        capture_output=True,
        check=False,
        timeout=60,
    )
