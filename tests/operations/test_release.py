"""A release holds everything that the code reads beside itself; an editable checkout hides what is missing."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_of_the_packages_goes_into_the_wheel() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [patterns] = settings["tool"]["setuptools"]["package-data"].values()
    left_behind = [
        str(path.relative_to(ROOT))
        for package in ("hsm", "appliance", "webui")
        for path in (ROOT / package).rglob("*")
        if path.is_file()
        and path.suffix not in (".py", ".pyc")
        and not any(fnmatch(path.name, each) for each in patterns)
    ]
    assert left_behind == []


def test_every_folder_of_files_is_a_package() -> None:
    """Setuptools takes data files only from packages, folders with ``__init__.py``."""
    folders = {path.parent for package in ("hsm", "appliance", "webui") for path in (ROOT / package).rglob("*.py")}
    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()] == []
