"""The library is loaded where people are pushed, and nowhere else."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes


def loaded(statement: str) -> set[str]:
    program = f"{statement}; import sys; print(*sorted({{each.partition('.')[0] for each in sys.modules}}))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    return set(answer.stdout.split())


def test_a_portal_to_which_nobody_pushes_does_not_load_it() -> None:
    library = {"scim2_models", "pydantic", "lark"}
    assert not library & loaded("import webui.portal.application")
    assert library <= loaded("import webui.scim.operations")
