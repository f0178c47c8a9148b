"""The engine of verify.html says what ``vermilion verify`` says, or INDETERMINATE."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from appliance.verification import Indication
from tests.attacks.good import samples
from tests.attacks.judging import in_process
from tests.attacks.mutants import seeds
from tests.attacks.mutating import mutated
from tests.attacks.oracle import explained
from tests.attacks.registry import Attempt, attacks
from tests.offline_verifier.engine import OfflineEngine, complaint, started
from tests.sweeps import one_in

pytestmark = pytest.mark.slow

BEYOND_IT = frozenset(
    {
        # pages would have to be drawn, or a filled field and its picture compared
        "pyHanko: new visible signatures beside the text",
        *(f"forms: {each} filled, then signed" for each in ("a text", "a text, its picture new", "a box", "both")),
        "forms: a field beside a locked one",
        "forms: a list, the number of its value with it",
        *(f"forms: a radio button, {each}, signed" for each in ("certified, filled", "signed, filled")),
        "forms: a text in another typeface with another value",
        "forms: a typeface for the form, then signed",
        # browsers have no such hash
        "pyHanko: by sha3_256",
        # readers could disagree, or what cannot be read could be a revocation
        "originals: a hybrid table",
        "circumstances: rubbish for lists",
        "circumstances: rubbish for responses",
        "odd: a key twice, to the same thing",
        "odd: a key twice, where nothing is drawn",
        "odd: an entry that no signature has",
    }
)
"""Good files that the engine does not decide, and says so."""

FOREIGN = frozenset(
    {
        "archives",
        "certified",
        "later widget",
        "layouts",
        "locks",
        "messages in the field",
        "tagged",
        "written anew",
    }
)
"""Families with the ways of other producers, of which it takes what it can prove."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineEngine]:
    with started(tmp_path_factory.mktemp("engine")) as running:
        yield running


def chosen() -> list[Any]:
    """The names of the attacks, by family one in sixteen of them not marked ``long``."""
    names = defaultdict[str, list[str]](list)
    for name, attack in attacks().items():
        names[attack.family].append(name)
    return [each for known in names.values() for each in one_in(16, known)]


@pytest.mark.parametrize("name", chosen())
def test_no_attack_passes(engine: OfflineEngine, name: str) -> None:
    attempt = attacks()[name].attempt()
    assert complaint(in_process(attempt).indication, engine.ask(attempt)) is None


@pytest.mark.parametrize("name", one_in(4, samples()))
def test_good_files_pass_but_for_those_beyond_it(engine: OfflineEngine, name: str) -> None:
    sample = samples()[name]
    answer = engine.ask(sample.attempt())
    beyond = name in BEYOND_IT or (sample.family in FOREIGN and answer.indication is not Indication.PASSED)
    expected = Indication.INDETERMINATE if beyond else Indication.PASSED
    assert (answer.indication, bool(answer.reasons)) == (expected, beyond), answer.reasons


@pytest.mark.parametrize("round_", one_in(20, range(20)))
def test_no_mutant_passes_that_is_not_as_good_as_what_was_signed(engine: OfflineEngine, round_: int) -> None:
    given = seeds()
    for number in range(200 * round_, 200 * round_ + 200):
        seed = given[number % len(given)]
        name, document = mutated(Random(number), seed)  # noqa: S311 - to be repeatable
        answer = engine.ask(Attempt(document))
        if answer.indication is Indication.PASSED:
            assert any(explained(each, document) for each in (seed.document, *seed.others)), (number, name)
        else:
            assert answer.reasons, (number, name)
            assert not any("could not make sense" in each for each in answer.reasons), (number, name)
