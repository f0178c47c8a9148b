"""One registry: console, command and documentation are made from it, and say the same."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from appliance.administration.action import Action, Argument, ArgumentKind, ExecutedBy
from appliance.administration.actions import REGISTRY, may_ask
from appliance.cli.admin_requests import do_action
from appliance.language import chinese_messages
from appliance.model.administration import ROOT, AdministratorRole, AdminRequestOutcome
from scripts.actions_page import actions_page
from tests.administration.conftest import Site

ROOT_OF_PROJECT = Path(__file__).parents[2]
SYSTEM = frozenset({AdministratorRole.SYSTEM})
EVERY = pytest.mark.parametrize("action", REGISTRY.values(), ids=lambda action: action.name)


def made(**changed: object) -> Action:
    """An action that is in order, but for what is *changed*."""
    values = {
        "name": "thing.do",
        "title": "Do it",
        "effect": "It is done.",
        "undo": "It is undone.",
        "who": SYSTEM,
        "approvers": frozenset(),
        "arguments": (),
        "executed_by": ExecutedBy.CONSOLE,
        "perform": lambda _parts, _arguments, _by: AdminRequestOutcome("Done."),
    }
    return Action(**{**values, **changed})  # type: ignore[arg-type]  # some are wrong on purpose


def test_the_command_has_every_action_and_no_other(site: Site) -> None:
    context = click.Context(do_action)
    assert do_action.list_commands(context) == list(REGISTRY)
    assert all(may_ask(ROOT, action) for action in REGISTRY.values())
    assert do_action.get_command(context, "made.up") is None


@EVERY
def test_the_command_takes_the_actions_arguments_and_says_what_it_does(action: Action) -> None:
    found = do_action.get_command(click.Context(do_action), action.name)
    assert found is not None
    assert [each.name for each in found.params] == [argument.name for argument in action.arguments]
    assert action.effect in (found.help or "")
    assert action.undo in (found.help or "")


def test_the_page_of_documentation_is_the_registrys() -> None:
    """`python -m scripts.actions_page` writes it."""
    assert (ROOT_OF_PROJECT / "docs/actions.md").read_text(encoding="utf-8") == actions_page()


@EVERY
def test_every_action_is_on_the_page_with_all_that_counts(action: Action) -> None:
    text = (ROOT_OF_PROJECT / "docs/actions.md").read_text(encoding="utf-8")
    section = text.partition(f"### `{action.name}`")[2].partition("\n### ")[0]
    for said in (action.effect, action.undo, *(f"`{argument.name}`" for argument in action.arguments)):
        assert said in section
    assert ("It takes two persons." in section) == (action.persons == 2)


@EVERY
def test_an_action_speaks_both_languages(action: Action) -> None:
    sentences = [action.title, action.effect, action.undo, *(argument.title for argument in action.arguments)]
    assert [sentence for sentence in sentences if sentence not in chinese_messages()] == []


@EVERY
def test_the_effect_names_every_argument_but_secrets(action: Action) -> None:
    shown = {each.name: f"<{each.name}>" for each in action.arguments if each.kind is not ArgumentKind.SECRET}
    assert all(value in action.effect_in_english(shown) for value in shown.values())


def test_a_secret_is_not_kept_for_a_second_person_nor_another_process() -> None:
    secret = (Argument("pin", "PIN", ArgumentKind.SECRET),)
    assert made(arguments=secret).storable({"pin": "1234"}) == {}
    for changed in (
        {"approvers": SYSTEM},
        {"executed_by": ExecutedBy.PRIVILEGED_HELPER},
        {"executed_by": ExecutedBy.SCHEDULER},
    ):
        with pytest.raises(ValueError, match="secret"):
            made(arguments=secret, **changed)


@pytest.mark.parametrize("field", ["who", "approvers"])
def test_an_auditor_never_changes_anything(field: str) -> None:
    with pytest.raises(ValueError, match="auditors"):
        made(**{field: frozenset({AdministratorRole.AUDITOR})})


@pytest.mark.parametrize("name", ["", "Thing.do", "thing.", "thing.do.more", "thing do", "../thing"])
def test_a_name_is_two_words(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        made(name=name)
