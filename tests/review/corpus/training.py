"""``make review-weights``: learns what the words of a sentence weigh for each clause, from the marked contracts.

Logistic regression for each clause over the signs of sentences (``appliance/review/weighing.py``), by stochastic
gradient descent. The same contracts give the same weights. ``--held-out`` learns nothing for use: it measures each
corpus by weights learnt from the others, which is what to expect of contracts that nobody has seen.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from pathlib import Path
from typing import Any, Final

import yaml

from appliance.pdf.search import PageText
from appliance.review import rule_files, weighing
from appliance.review.checking import read_pages
from appliance.review.outline import Sentence, sentences
from appliance.review.prose import blocks
from appliance.review.recognition import Recogniser
from appliance.review.weighing import SMOOTH, UNIT, Weights
from tests.review.corpus.annotated import LEARNT, AnnotatedContract, contracts, letters
from tests.review.corpus.contracts import HERE, OF_BREACH
from tests.review.corpus.measure import CLAUSES, measured_text

LESSONS: Final = HERE / "lessons"
"""Sentences by themselves, and such as only look like a clause; written for learning alone."""

WEIGHTS: Final = Path(weighing.__file__).parent / "rules" / weighing.FILE
VARIANTS: Final = ("zh", "en", "fresh", "heldout", "sentences")
WORDS: Final = {
    "zh": {"a": "甲方", "b": "乙方", "sum": "人民币120,000元", "day": "2026年3月1日", "later": "2028年3月1日",
           "name_a": "甲公司示例有限公司", "name_b": "乙公司示例有限公司"},
    "en": {"a": "Buyer", "b": "Supplier", "sum": "USD 120,000", "day": "1 March 2026", "later": "1 March 2028",
           "name_a": "Alpha Example Limited", "name_b": "Beta Sample GmbH"},
}  # fmt: skip
FEWEST: Final = 3
ROUNDS: Final = 8
RATE: Final = 0.2
SHRINK: Final = 0.85
WORTH: Final = 4.0
LEAST: Final = 1


@dataclass(frozen=True, slots=True)
class Lesson:
    """The signs of a sentence, and of each clause whether the sentence states it; those in doubt are absent."""

    signs: frozenset[str]
    states: Mapping[str, bool]


def lessons_of(contract: AnnotatedContract, recogniser: Recogniser) -> Iterator[Lesson]:
    """The sentences of a marked contract."""
    own, told = recogniser.told(_sentences(contract.plain, recogniser))
    at = 0
    for sentence, signs in zip(own, recogniser.signs(told), strict=True):
        wanted = letters(sentence.text)
        start = contract.letters.find(wanted, at) if wanted else -1
        if start < 0:
            continue
        at = start + len(wanted)
        states = {key: contract.mostly(key, start, at) for key in CLAUSES}
        yield Lesson(frozenset(signs), {key: stated for key, stated in states.items() if stated is not None})


def _sentences(text: str, recogniser: Recogniser) -> list[Sentence]:
    reading = read_pages([PageText(text, True, False)], lambda: 0.0)
    return list(sentences(blocks(reading.texts), recogniser.samples))


def lessons_of_variants(recogniser: Recogniser) -> Iterator[Lesson]:
    """The sentences that contracts are composed of, with a heading and without."""
    for name in VARIANTS:
        content = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
        for language in WORDS:
            given = content if name == language else content.get(language, {})
            for written, states in _told(given, language):
                text = re.sub(r"\{(\w+)\}", lambda word: WORDS[language][word[1]], written)  # noqa: B023
                _, told = recogniser.told(_sentences(text, recogniser))
                yield from (Lesson(frozenset(signs), states) for signs in recogniser.signs(told))


def _told(given: Mapping[str, Any], language: str) -> Iterator[tuple[str, dict[str, bool]]]:
    number = "第八条 " if language == "zh" else "8. "
    for clause, variants in given.get("clauses", {}).items():
        for variant in variants:
            said = {clause, *variant.get("also", ())}
            if clause == "breach":
                said |= set(OF_BREACH) - set(variant.get("lacks", ()))
            states = {key: key in said for key in CLAUSES}
            yield variant["text"], states
            yield f"{number}{variant['heading']}\n{variant['text']}", states
    for clause, texts in given.get("distractors", {}).items():
        yield from ((text, {clause: False}) for text in texts)
    yield from ((text, {key: key == "parties" for key in CLAUSES}) for text in given.get("openings", ()))
    yield from ((text, dict.fromkeys(CLAUSES, False)) for text in given.get("blank_openings", ()))


def learn(lessons: Sequence[Lesson]) -> str:
    """The content of the file of weights."""
    counted = Counter(sign for lesson in lessons for sign in lesson.signs)
    known = sorted(sign for sign, times in counted.items() if times >= FEWEST)
    number = {sign: at for at, sign in enumerate(known)}
    rows = [
        (
            [number[sign] for sign in sorted(lesson.signs) if sign in number],
            [lesson.states.get(key) for key in CLAUSES],
        )
        for lesson in lessons
    ]
    weights = [[0.0] * len(CLAUSES) for _ in known]
    _descend(rows, weights)
    lines = [" ".join(CLAUSES)]
    for sign, each in zip(known, weights, strict=True):
        whole = [(at, round(weight * UNIT)) for at, weight in enumerate(each)]
        told = " ".join(f"{at} {weight}" for at, weight in whole if abs(weight) >= LEAST)
        if told:
            lines.append(f"{sign}\t{told}")
    return "\n".join(lines) + "\n"


def _descend(rows: list[tuple[list[int], list[bool | None]]], weights: list[list[float]]) -> None:
    """AdaGrad: the step of each weight becomes smaller the more it has moved."""
    moved = [[1.0] * len(each) for each in weights]
    mean = [[0.0] * len(each) for each in weights]
    order = list(range(len(rows)))
    chance = random.Random(1)  # noqa: S311  # the same order each time
    for number in range(ROUNDS):
        chance.shuffle(order)
        for at in order:
            signs, states = rows[at]
            scale = SMOOTH / sqrt(max(1, len(signs)))
            own, steps = [weights[sign] for sign in signs], [moved[sign] for sign in signs]
            for clause, stated in enumerate(states):
                if stated is None:
                    continue
                score = scale * sum([each[clause] for each in own])
                wrong = 1 / (1 + exp(-max(-30.0, min(30.0, score)))) - stated
                if -0.02 < wrong < 0.02:
                    continue
                pull = wrong * scale * (WORTH if stated else 1.0)
                square = pull * pull
                for each, step in zip(own, steps, strict=True):
                    step[clause] += square
                    each[clause] -= RATE * pull / sqrt(step[clause])
        _shrink(weights, mean, counted=number >= ROUNDS // 3)
    weights[:] = [[each / (ROUNDS - ROUNDS // 3) for each in one] for one in mean]


def _shrink(weights: list[list[float]], mean: list[list[float]], *, counted: bool) -> None:
    for each, so_far in zip(weights, mean, strict=True):
        for clause, weight in enumerate(each):
            each[clause] = weight * SHRINK
            if counted:
                so_far[clause] += weight


def every() -> dict[str, list[Lesson]]:
    """All lessons, by the corpus that they are from."""
    recogniser = Recogniser(rule_files.load_rules(), Weights("none"))
    told = {
        folder.name: [each for contract in contracts(folder) for each in lessons_of(contract, recogniser)]
        for folder in (*LEARNT, LESSONS)
    }
    return told | {"variants": list(lessons_of_variants(recogniser))}


def main(arguments: list[str]) -> int:
    told = every()
    if "--held-out" in arguments:
        for folder in LEARNT:
            others = [each for name, lessons in told.items() if name != folder.name for each in lessons]
            measured = measured_text(folder, Recogniser(rule_files.load_rules(), Weights(learn(others))))
            sys.stdout.write(measured.line(f"{folder.name}, held out") + "\n")
        return 0
    WEIGHTS.write_text(learn([each for lessons in told.values() for each in lessons]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
