"""Both languages are complete, and say the same about the same places."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from appliance.administration.actions import REGISTRY
from appliance.language import Language, chinese_areas, chinese_messages, translator
from appliance.model import decision_sentences
from appliance.model.contract import ContractState
from appliance.model.intent import IntentState
from appliance.model.office import OfficerDecisionKind
from appliance.model.people import SealKind
from tests.language.sentences import ROOT, in_code, in_templates
from webui.api import request_content
from webui.shared.errors import SENTENCES
from webui.shared.programs import TITLES

NUMBERS = (
    "checkpoints|compared|contracts|count|custodians|days|documents|end|entries|fields|files|found|given|hours|left"
    "|milliseconds|minutes|n|needed|new|number|old|pages|places|refused|seconds|shown|signatures|size|start|unknown"
    "|waiting"
)
COUNTED = re.compile(rf"\{{(?:{NUMBERS})\}} (?:[a-z-]+ ){{0,2}}[a-z]{{3,}}s\b")
ALWAYS_SEVERAL = frozenset(
    {
        "A cross-page seal is cut into at most {most} slices, and this document has {pages} pages.",
        "A frame of {size} bytes is over the limit of {limit}.",
        "A log of size {new} does not extend one of {old}.",
        "A maintenance lasts at most {days} days, and is announced at most {ahead} days ahead.",
        "Due within {days} days",
        "every {days} days at {time}",
        "A permission for a seal may last {hours} hours at most.",
        "A permission for a service may last {hours} hours at most.",
        "No permission lasts longer than {hours} hours, so there is nothing to withdraw.",
        "A permission may last {minutes} minutes at most.",
        "An act's nonce has {size} bytes.",
        "At {width} mm the seal is {found} pixels wide in this picture, and needs {needed} (300 dpi).",
        "From must not be above to: a log of size {new} does not extend one of {old}.",
        "Everybody who has to act was reminded within the last {hours} hours; try again later.",
        "Whoever has to act now gets a message at once, each person once in {hours} hours. On turn: {names}.",
        "It waits for the officers in the portal (Registration), for {hours} hours.",
        "Reminder: {count} contracts wait for you",
        "The PIN in {path} has less than {count} characters.",
        "The evidence has more than {files} files or {bytes}; export it in parts.",
        "The first {count} of {pages} pages, and those with fields.",
        "The first {count} of {pages} pages; the PDF shows them all.",
        "The first {shown} of {pages} pages; the document has all of them.",
        "The first {shown} pages; the PDF has them all.",
        "The journal was changed from outside: line {number} does not follow from the one before.",
        "The log of size {new} does not contain the one of {old} unchanged.",
        "The note of the checkpoint of size {n} says otherwise.",
        "The signature has {size} bytes and only {room} were kept for it; prepare it again with more room.",
        "The signed contract has {count} signatures with the bytes of this one, instead of one.",
        "The token holds {count} keys with the label {label}, not one.",
        "This CMS message has {count} signers; it must have one.",
        "This needs the activations of {count} different keepers of the PIN.",
        "in {days} days",
        "the first {size} bytes of the file",
        "{count} and across the pages",
        "{count} days left",
        "{count} hours left",
        "{count} minutes left",
        "{unit} has not ended after {hours} hours.",
        "The file takes more than {seconds} seconds of processor time to verify, which is the limit; it may be "
        "built to exhaust its readers.",
    }
)
"""Whose number is never 1: a limit of ours, another sentence says it then, or it counts nothing."""


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def missing(found: list[tuple[Path, str]]) -> list[str]:
    known = chinese_messages()
    return sorted({f"{path.relative_to(ROOT)}: {text}" for path, text in found if text not in known})


def test_every_sentence_of_pages_is_translated() -> None:
    assert not missing(list(in_templates()))


def test_every_sentence_of_code_is_translated() -> None:
    assert not missing(list(in_code()))


def test_every_sentence_about_officers_intents_is_translated() -> None:
    done, seals = decision_sentences._DONE, (decision_sentences._SEALS, decision_sentences._SEALS_DONE)
    kinds = [each for table in (decision_sentences._SENTENCES, done, *seals) for each in table.values()]
    assert {*done, OfficerDecisionKind.ENROL_SEAL} == set(OfficerDecisionKind)
    assert all(set(table) == set(SealKind) for table in seals)
    others = [
        decision_sentences._OUTSIDE,
        decision_sentences._OUTSIDE_SEAL,
        decision_sentences._OUTSIDE_SEAL_DONE,
        decision_sentences._PIN_CUSTODIAN_AGAIN,
        decision_sentences._NO_PIN_CUSTODIAN,
        decision_sentences._KEY_FOR_HASHES,
    ]
    assert not {*kinds, *others} - set(chinese_messages())


def test_every_http_status_has_its_sentence_in_both_languages() -> None:
    assert not set(SENTENCES.values()) - set(chinese_messages())


def test_every_sentence_about_a_value_that_does_not_fit_is_translated() -> None:
    assert not request_content.SENTENCES - set(chinese_messages())


def test_every_kind_of_problem_has_its_title_in_both_languages() -> None:
    assert not set(TITLES.values()) - set(chinese_messages())


def test_what_administrators_agree_to_is_translated() -> None:
    said = {text for each in REGISTRY.values() for text in (each.title, each.effect, each.undo)}
    assert not said - set(chinese_messages())


def test_translations_have_the_places_of_their_sentences() -> None:
    foreign = {
        sentence: sorted(added)
        for sentence, translation in chinese_messages().items()
        if (added := places(translation) - places(sentence))
    }
    assert not foreign, f"Placeholders that only the translation has: {foreign}"


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


def test_no_sentence_counts_one_of_several() -> None:
    """Plural forms are not used (docs/decisions/0011): a sentence is written so that it fits 1, too."""
    counting = {each for each in chinese_messages() if COUNTED.search(each)}
    assert counting == ALWAYS_SEVERAL
    assert COUNTED.search("{count} ceremonies are on record, each as it was written.")


UNTRUE = {
    "可信时间戳": re.compile(r"外部|第三方"),
    "标准时间": None,
    "未经证明": None,
}
"""Words that claim more than is so, and what the sentence has to say where they may be used all the same."""


@pytest.mark.parametrize("word", UNTRUE)
def test_no_sentence_claims_more_than_is_so(word: str) -> None:
    """A timestamp of one's own authority is not an independent third party's, and a system's time no standard."""
    allowed = UNTRUE[word]
    said = {each for each in chinese_messages().values() if word in each}
    assert not {each for each in said if allowed is None or not allowed.search(each)}


@pytest.mark.parametrize(("word", "of"), [("指纹", "面容"), ("校验码", "居民身份证号码")])
def test_what_people_read_to_each_other_has_one_name(word: str, of: str) -> None:
    """核对码 is the glossary's term for the fingerprint of a credential; these words are of something else."""
    assert not {each for each in chinese_messages().values() if word in each and of not in each}


def test_only_an_authority_outside_is_called_trusted_in_english() -> None:
    claim = re.compile(r"trusted timestamp|standard time", re.IGNORECASE)
    assert not [each for each in chinese_messages() if claim.search(each) and "outside" not in each]
