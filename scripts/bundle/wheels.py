"""Python's part: the pinned wheels for Debian 13's own Python, and ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scripts.bundle.commands import run

PYTHON = "3.13"
_PLATFORMS = ("manylinux_2_39", "manylinux_2_34", "manylinux_2_31", "manylinux_2_28", "manylinux_2_27")
_OLDER = ("manylinux_2_26", "manylinux_2_24", "manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux_2_5")


def download(requirements: Path, into: Path, *, machine: str) -> None:
    """Fetches what *requirements* pins, as wheels for Python 3.13 on *machine*; each hash is checked."""
    platforms = [f"--platform={name}_{machine}" for name in (*_PLATFORMS, *_OLDER)]
    run(
        (
            *_pip("download"),
            "--require-hashes",
            *("--only-binary", ":all:", "--no-deps"),
            *(
                "--implementation",
                "cp",
                "--python-version",
                PYTHON,
                "--abi",
                "cp313",
                "--abi",
                "abi3",
                "--abi",
                "none",
            ),
            *platforms,
            *("--requirement", str(requirements), "--dest", str(into)),
        )
    )


def build(checkout: Path, into: Path, *, moment: int) -> Path:
    """Our wheel, the same bytes for the same checkout; *moment* is the date in it, in seconds since 1970."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(moment)}
    run(
        (*_pip("wheel"), "--no-deps", "--no-build-isolation", "--wheel-dir", str(into), str(checkout)),
        environment=environment,
    )
    return next(into.glob("vermilion-*.whl"))


def _pip(verb: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pip", verb, "--disable-pip-version-check", "--quiet")
