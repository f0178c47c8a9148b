"""The table in README.md and the suite: every test that it names exists, and every test is named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_row_has_its_tests_and_every_test_its_row() -> None:
    named = set(re.findall(r"`(test_\w+\.py::test_\w+)`", (HERE / "README.md").read_text(encoding="utf-8")))
    written = {
        f"{path.name}::{node.name}"
        for path in HERE.glob("test_*.py")
        if path != Path(__file__)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert named == written
