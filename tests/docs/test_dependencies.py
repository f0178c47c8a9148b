"""What is installed is used: the product imports what it asks for, tests and scripts what they ask for."""

from __future__ import annotations

import ast
import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "runtime.in": ("appliance", "hsm", "webui"),
    "development.in": ("tests", "scripts", "appliance", "hsm", "webui"),
    "fuzz.in": ("tests", "scripts"),
}
RUN = frozenset(
    {
        *("import-linter", "mypy", "ruff", "types-PyYAML"),  # `make lint`
        *("pytest-xdist", "setuptools"),  # `make test`, and building the package
        *(
            "pyyaml",
            "pyhanko-certvalidator",
        ),  # pyHanko's configuration reader, and its path validation, pinned with it
    }
)
"""Dependencies that are run, or are there for another one, and that nothing of ours imports."""


def wanted(name: str) -> list[str]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return [found[0] for line in lines if (found := re.match(r"[A-Za-z][\w.-]*", line))]


def imported(folders: tuple[str, ...]) -> set[str]:
    """The top-level modules that Python files in *folders* import, wherever in the file."""
    found: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found.update(each.name.partition(".")[0] for each in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_dependency_is_imported(name: str) -> None:
    modules: dict[str, set[str]] = {"atheris": {"atheris"}}  # of the machines that it has wheels for
    for module, owners in packages_distributions().items():
        for owner in owners:
            modules.setdefault(owner.lower().replace("_", "-"), set()).add(module)
    used = imported(PROGRAMS[name])
    idle = {each for each in wanted(name) if not modules.get(each.lower(), {each}) & used}
    assert idle <= RUN, "use it, or take it out of the requirements"


def test_decision_1_names_what_the_product_needs() -> None:
    decision = (ROOT / "docs/decisions/0001-dependencies.md").read_text()
    missing = {each for each in wanted("runtime.in") if f"`{each}`" not in decision}
    assert not missing
