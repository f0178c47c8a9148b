"""``docs/actions.md``, made from the registry: ``python -m scripts.actions_page`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.administration.action import Action, Argument
from appliance.administration.actions import REGISTRY
from appliance.model.administration import AdministratorRole

_HEAD: Final = """\
# Operators' actions

Made from the registry (`appliance/administration/actions/`); a test compares this page, the command and what
the console offers. Administrators ask for them in the console, whoever is root on the machine by `vermilion do
NAME`. What takes two persons waits for a day: a second person, of the kinds that are named, approves exactly the
sentence that is shown. In the console both sign it with a passkey that root has confirmed, and whoever performs it
verifies both; on the machine root's command asks the second person for password and code (`vermilion approve ID
--login LOGIN`). Arguments stand between “ and ” in a sentence. Auditors see everything and change nothing.

| action | asked for by | approved by |
| --- | --- | --- |
"""


def actions_page() -> str:
    """The whole page."""
    rows = "".join(
        f"| `{each.name}` | {_kinds(each.who)} | {_kinds(each.approvers)} |\n" for each in REGISTRY.values()
    )
    return _HEAD + rows + "".join(_section(action) for action in REGISTRY.values())


def _section(action: Action) -> str:
    persons = "It takes two persons." if action.persons == 2 else "It takes one person."
    lines = "".join(_lines(action.arguments))
    arguments = f"\n{lines}" if lines else ""
    return (
        f"\n### `{action.name}`\n\n{action.title}. {action.effect}\n\nUndo: {action.undo} {persons}\n{arguments}"
    )


def _lines(arguments: tuple[Argument, ...]) -> Iterator[str]:
    for each in arguments:
        kind = " or ".join(f"`{choice}`" for choice in each.choices) or each.kind.value
        optional = "" if each.required else ", may be left out"
        yield f"- `{each.name}` ({kind}{optional}): {each.title}\n"


def _kinds(roles: frozenset[AdministratorRole]) -> str:
    return ", ".join(role.value for role in AdministratorRole if role in roles) or "nobody else"


if __name__ == "__main__":
    (Path(__file__).parents[1] / "docs/actions.md").write_text(actions_page(), encoding="utf-8")
