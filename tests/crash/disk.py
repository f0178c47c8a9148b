"""A file system for one home alone, which can be made as small as what is on it: then the disk is full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WIDE = 1024 * 1024 * 1024
"""Bytes while it is not full; only what is used takes memory."""


@contextmanager
def own_disk(root: Path) -> Iterator[bool]:
    """A small file system at *root*, in this process's own mount namespace; False where that is not permitted."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={WIDE},mode=0700", "vermilion-crash", str(root)],
        capture_output=True,
        check=False,
    )
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "--lazy", str(root)], check=True)


def resize(root: Path, size: int) -> bool:
    """False when more is used already."""
    command = ["mount", "-o", f"remount,size={size}", str(root)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
