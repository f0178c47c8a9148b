"""Real releases side by side: this one, and copies of it with a migration more, or with something broken."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from appliance.store import latest

ROOT = Path(__file__).parents[2]
SCRIPT = """\
#!/bin/sh
cd "{packages}" && exec "{python}" -m appliance.cli "$@"
"""
NEXT = latest() + 1
MIGRATION = "CREATE TABLE of_the_next_release (one INTEGER PRIMARY KEY) STRICT;\n"


def add_release(root: Path, name: str, packages: Path = ROOT) -> Path:
    """A release whose code is in *packages*."""
    command = root / "releases" / name / "bin/vermilion"
    command.parent.mkdir(parents=True)
    command.write_text(SCRIPT.format(packages=packages, python=sys.executable))
    command.chmod(0o755)
    return command.parent.parent


def add_next(root: Path, name: str, *, migration: str = MIGRATION) -> Path:
    """A release of its own code: this one's, and one *migration* more."""
    release = root / "releases" / name
    for package in ("hsm", "appliance", "webui"):
        shutil.copytree(ROOT / package, release / "lib" / package, ignore=shutil.ignore_patterns("__pycache__"))
    if migration:
        (release / f"lib/appliance/store/migrations/{NEXT:04d}_next.sql").write_text(migration)
    add_release(root, name, release / "lib")
    return release
