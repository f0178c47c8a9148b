"""Both languages are complete, and say the same about the same places."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from appliance.language import Language, chinese_areas, chinese_messages, translator
from appliance.model.contract import ContractState
from appliance.model.intent import IntentState
from tests.language.sentences import ROOT, in_code, in_templates
from webui.shared.errors import SENTENCES

OF_THE_CONSOLE = ("console.po", "health.po", "ceremonies.po", "keeping.po", "administration.po")
COUNTED = re.compile(r"\{(?:count|days|hours|given|refused|unknown|left)\} (?:[a-z-]+ ){0,2}[a-z]{3,}s\b")
ALWAYS_SEVERAL = frozenset(
    {
        "This needs the activations of {count} different keepers of the PIN.",
        "A permission for a service may last {hours} hours at most.",
        "{unit} has not ended after {hours} hours.",
        "A maintenance lasts at most {days} days, and is announced at most {ahead} days ahead.",
        "It waits for the officers in the portal (Registration), for {hours} hours.",
    }
)
"""Whose number is a limit of ours."""


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def missing(found: list[tuple[Path, str]]) -> list[str]:
    known = chinese_messages()
    return sorted({f"{path.relative_to(ROOT)}: {text}" for path, text in found if text not in known})


def test_every_sentence_of_pages_is_translated() -> None:
    assert not missing(list(in_templates()))


def test_every_sentence_of_code_is_translated() -> None:
    assert not missing(list(in_code()))


def test_every_http_status_has_its_sentence_in_both_languages() -> None:
    assert not set(SENTENCES.values()) - set(chinese_messages())


@pytest.mark.parametrize("sentence", chinese_messages())
def test_a_translation_has_the_places_of_its_sentence(sentence: str) -> None:
    assert places(chinese_messages()[sentence]) <= places(sentence)


def test_no_sentence_is_translated_in_two_files() -> None:
    everywhere = [message for area in chinese_areas().values() for message in area]
    assert sorted(everywhere) == sorted(set(everywhere))


def test_an_unknown_sentence_is_shown_in_english() -> None:
    assert translator(Language.CHINESE)("Nobody wrote this {thing}.", thing="yet") == "Nobody wrote this yet."


@pytest.mark.parametrize("state", [*ContractState, *IntentState])
def test_states_are_translated_inside_sentences(state: ContractState | IntentState) -> None:
    sentence = translator(Language.CHINESE)(
        "Contract “{title}” cannot be signed: it is {state}.", title="甲", state=state
    )
    assert sentence.startswith("合同“甲”不能签署")
    assert state.value not in sentence


def test_no_sentence_of_the_console_counts_one_of_several() -> None:
    """Plural forms are not used (docs/decisions/0005): a sentence is written so that it fits 1, too."""
    counting = {each for area in OF_THE_CONSOLE for each in chinese_areas()[area] if COUNTED.search(each)}
    assert counting == ALWAYS_SEVERAL
    assert COUNTED.search("{count} ceremonies are on record, each as it was written.")
