"""Documentation that stays true: every target, command, setting and file that it names exists, and the reverse."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import click
import pytest

from appliance.cli import main
from appliance.config import Settings
from appliance.policy import PolicyRules
from hsm.codec import _ACTIVATION_KINDS
from hsm.config import AuthoritySettings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference.md"
ACTIONS = ROOT / "docs/actions.md"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def named(pattern: str, page: Path) -> set[str]:
    return set(re.findall(pattern, page.read_text(encoding="utf-8")))


def _missing(pattern: str, exists: Callable[[Path, str], bool]) -> list[str]:
    """Each ``page: name`` of the documentation that fits *pattern* and that nothing answers to."""
    return [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for name in sorted(named(pattern, page))
        if not exists(page, name)
    ]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def commands(group: click.Group) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (f"{name} {verb}" for verb in command.list_commands(click.Context(command)))
        else:
            yield name


def settings(kind: Any) -> set[str]:
    sections = {name: hint for name, hint in get_type_hints(kind).items() if name != "home"}
    return {f"{name}.{item.name}" for name, hint in sections.items() for item in dataclasses.fields(hint)}


def test_every_named_target_exists() -> None:
    assert not _missing(r"make ([a-z]+(?:-[a-z]+)*)`", lambda _page, name: name in targets() | {"help"})


def test_every_named_command_exists() -> None:
    words = {name for command in commands(main) for name in (command, command.split()[0])}
    pattern = r"`(?:\.venv/bin/)?vermilion ([a-z]+(?: [a-z]+)?)[ `]"
    assert not _missing(pattern, lambda _page, name: name in words or name.split()[0] in words)


def test_every_target_is_named_in_the_reference() -> None:
    assert targets() - {"help"} <= named(r"`make ([a-z-]+)`", REFERENCE)


def test_every_command_is_named_in_the_reference() -> None:
    text, actions = REFERENCE.read_text(encoding="utf-8"), ACTIONS.read_text(encoding="utf-8")
    for command in commands(main):
        verb, _, name = command.partition(" ")
        assert f"`{name}`" in actions if verb == "do" else f"`vermilion {command}" in text, command


@pytest.mark.parametrize("kind", [Settings, AuthoritySettings, PolicyRules])
def test_every_setting_is_in_the_reference_and_no_other(kind: Any) -> None:
    rows = named(r"\| `([a-z_]+\.[a-z_0-9]+)` \|", REFERENCE)
    assert settings(kind) <= rows
    assert rows <= settings(Settings) | settings(AuthoritySettings) | settings(PolicyRules)


def test_every_linked_file_exists() -> None:
    assert not _missing(r"\]\(((?!https?:|#)[^)#]+)", lambda page, link: (page.parent / link).exists())


def test_every_named_module_exists() -> None:
    pattern = r"`((?:hsm|appliance|webui|scripts|tests)/[\w/-]*(?:/|\.(?:py|html|md|po|toml)))`"
    assert not _missing(pattern, lambda _page, name: (ROOT / name).exists())


def test_a_number_names_one_decision() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs/decisions").glob("[0-9]*.md")]
    assert sorted(set(numbers)) == sorted(numbers)


def test_every_requirement_has_its_motive() -> None:
    motives = (ROOT / "docs/decisions/0001-dependencies.md").read_text(encoding="utf-8")
    for line in (ROOT / "requirements/runtime.in").read_text(encoding="utf-8").split():
        name = re.split(r"[=<>,\[]", line)[0]
        assert f"`{name}`" in motives, line


def test_what_make_test_leaves_out_is_run_by_ci() -> None:
    """The marker ``long`` is left out by default, taken by one target, and that target is part of ``.ci/run``."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert "-m 'not long'" in options["addopts"]
    recipes = dict(
        re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    )
    assert [name for name, recipe in recipes.items() if "pytest -m long " in recipe] == ["test-long"]
    assert " -m " not in recipes["test"]
    [targets_of_ci] = re.findall(r"^for target in (.*); do$", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.M)
    assert {"test", "test-long"} <= set(targets_of_ci.split())


def test_the_certificate_policy_says_which_way_to_sign_is_weaker() -> None:
    policy = (ROOT / "docs/certificate-policy.md").read_text(encoding="utf-8")
    [of_passkey, of_pin] = re.findall(r"^  - (.+?)(?=^ {0,2}- )", policy, re.M | re.S)
    assert of_passkey.startswith("*with a passkey*") and "weaker" not in of_passkey
    assert of_pin.startswith("*with a PIN and a one-time code*") and "**This is the weaker method**" in of_pin
    assert "`activation.pin_totp`" in of_pin and "officers" in of_pin
    for method in _ACTIVATION_KINDS.values():
        assert f"`{method}`" in policy, "evidence tells the method by this name"


def test_the_picture_of_the_levels_is_what_lint_checks() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    picture = text[text.index("\n cli · jobs") : text.index("```", text.index("\n cli · jobs"))]
    picture = re.sub(r"  +(?:webui imports|hsm is) .*", "", picture).replace("\n   ", " · ")
    shown = [line.strip().split(" · ") for line in picture.strip().splitlines()]
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [layers] = [each["layers"] for each in rules if each.get("containers") == ["appliance"]]
    assert shown == [re.findall(r"\((\w+)\)", layer) for layer in layers]


def test_no_package_stands_twice_in_the_table() -> None:
    rows = re.findall(
        r"^\| (`[^|]*`) \|", (ROOT / "docs/architecture.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted({*rows}) == sorted(rows)
