"""Whatever tells people to run a command names one that there is: sentences of both languages, pages, helps,
units, playbooks and documentation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

from appliance.administration.actions import REGISTRY
from appliance.cli import main
from tests.docs.test_names import ROOT

FOLDERS = ("appliance", "docs", "hsm", "provisioning", "scripts", "systemd", "webui")
TEXTS = frozenset({"", ".conf", ".html", ".j2", ".md", ".po", ".service", ".sh", ".toml", ".yml"})
VERB = re.compile(
    r"(?<![/\w.-])vermilion ([a-z]+)(?: ([a-z][a-z._-]*))?|bin/vermilion ([a-z]+)(?: ([a-z][a-z._-]*))?"
)


def texts() -> Iterator[tuple[Path, str]]:
    """What people may read: every text, and the strings of code."""
    yield ROOT / "README.md", (ROOT / "README.md").read_text(encoding="utf-8")
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()):
        if path.suffix == ".py":
            yield path, "\n".join(strings(path))
        elif path.suffix in TEXTS:
            yield path, path.read_text(encoding="utf-8")


def strings(path: Path) -> Iterator[str]:
    """The strings in a module; its bytes are no words for people."""
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)) if "vermilion " in text else ():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def exists(verb: str, word: str) -> bool:
    """Whether `vermilion VERB WORD` is a command; after a verb without verbs of its own, any word may follow."""
    command = main.get_command(click.Context(main), verb)
    if verb == "do":
        return not word or word in REGISTRY
    if isinstance(command, click.Group):
        return not word or command.get_command(click.Context(command), word) is not None
    return command is not None


def test_every_command_that_somebody_is_told_to_run_exists() -> None:
    wrong, found = set(), set()
    for path, text in texts():
        for match in VERB.finditer(text):
            verb, word = match[1] or match[3], match[2] or match[4] or ""
            found.add((verb, word))
            if not exists(verb, word):
                wrong.add(f"{path.relative_to(ROOT)}: {match[0]}")
    assert not wrong
    assert {("administrators", "add"), ("do", "maintenance.end"), ("verify", "")} <= found
