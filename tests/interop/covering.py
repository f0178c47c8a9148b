"""Combinations such that each two values of two factors meet in a file, where they can (pairwise covering).

There are many sets of combinations that do, each of which has other triples: a *draw* is one of them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import combinations

from appliance.verification import Indication
from tests.interop.between import BETWEEN
from tests.interop.originals import APART, CONTENTS, SHAPES
from tests.interop.producers import PRODUCERS
from tests.interop.recipes import SPECIAL, Recipe, Signature, Step

Row = Mapping[str, str]
_TRIES = 24
_FIRST_DRAW = 18
_NOBODY = "nobody"
_MANNERS = ("existing shown", "existing unseen", "new shown", "new unseen")
_NEVER = ("a note", "radio filled by pdfbox")
"""What follows a signature in recipes of its own alone, since it is not for PASSED."""
_LOWERED = "iText lowers the level of the developer extension that its own store has stated"

FACTORS: Mapping[str, Sequence[str]] = {
    "content": tuple(name for name in CONTENTS if name not in APART),
    "shape": tuple(SHAPES),
    "first": tuple(PRODUCERS),
    "first manner": _MANNERS,
    "certifies": ("0", "2", "3"),
    "then": tuple(name for name in BETWEEN if name not in _NEVER),
    "second": tuple(PRODUCERS),
    "second manner": _MANNERS,
    "after": tuple(name for name, each in BETWEEN.items() if name not in _NEVER and not each.fills),
    "third": (*PRODUCERS, _NOBODY),
    "third manner": _MANNERS,
}


def possible(row: Row) -> bool:
    """Whether a file can have this, and is right when it has."""
    content, permission = CONTENTS[row["content"]], int(row["certifies"])
    if content.shapes and row["shape"] not in content.shapes:
        return False
    if BETWEEN[row["then"]].fills and not content.fields:
        return False
    signing = [(each, row[f"{each} manner"]) for each in ("first", "second", "third") if row[each] != _NOBODY]
    return (
        all(_able(row, place, manner) for place, manner in signing)
        and (not permission or PRODUCERS[row["first"]].certifies)
        # a certification with the permission to fill lets nobody add a field
        and (not permission or all(manner.startswith("existing") for _, manner in signing[1:]))
        and (row["third"] != _NOBODY or row["third manner"] == _MANNERS[0])
    )


def _able(row: Row, place: str, manner: str) -> bool:
    producer = PRODUCERS[row[place]]
    if manner not in producer.manners or (producer.first and place != "first"):
        return False
    if producer.formless and not _is_formless(row, place):
        return False
    if producer.alone and any(row[each] not in (row[place], "nothing") for each in _before(place)):
        return False
    if producer.uncertified and row["certifies"] != "0":
        return False
    shape = _LATER_SHAPE.get(row["first"], row["shape"]) if place != "first" else row["shape"]
    content = "" if place != "first" and row["first"] in _LATER_SHAPE else row["content"]
    return not {shape, content} & set(producer.unable)


_LATER_SHAPE = {"pdf-lib": "as it is", "openssl-linearised": "linearised"}
"""What becomes of a file whose first signer writes it anew."""
_KEEPS_THE_FORM = ("nothing", "another date", "validation data")


def _before(place: str) -> tuple[str, ...]:
    return {"first": (), "second": ("first", "then"), "third": ("first", "then", "second", "after")}[place]


def _is_formless(row: Row, place: str) -> bool:
    """Nothing but the producer itself has made a form so far, and what follows needs none from before."""
    waiting = any(row[f"{each} manner"].startswith("existing") for each in ("first", "second"))
    if CONTENTS[row["content"]].fields or waiting or (row["third"] != _NOBODY and _waits(row["third manner"])):
        return False
    before = _before(place)
    return all(PRODUCERS[row[each]].formless for each in before[::2]) and all(
        row[each] in _KEEPS_THE_FORM for each in before[1::2]
    )


def _waits(manner: str) -> bool:
    return manner.startswith("existing")


def rows(draw: int = 1) -> list[Row]:
    """The covering rows of *draw*, counted from 1; the same in each run."""
    chance = random.Random(_FIRST_DRAW + draw)  # noqa: S311 - nothing secret
    missing = {
        frozenset({(one, a), (two, b)})
        for one, two in combinations(FACTORS, 2)
        for a in FACTORS[one]
        for b in FACTORS[two]
    }
    found: list[Row] = []
    for pair in sorted(missing, key=sorted):
        if pair in missing:
            row = _row_with(dict(pair), missing, chance)
            missing.discard(pair)
            if row is not None:
                missing -= _pairs(row)
                found.append(row)
    return found


def _pairs(row: Row) -> set[frozenset[tuple[str, str]]]:
    return {frozenset(pair) for pair in combinations(row.items(), 2)}


def _row_with(
    given: Mapping[str, str], missing: set[frozenset[tuple[str, str]]], chance: random.Random
) -> Row | None:
    """The one of some possible rows with *given* that has the most of *missing*."""
    found = [row for row in (_completed(given, chance) for _ in range(_TRIES)) if row is not None]
    return max(found, key=lambda row: len(_pairs(row) & missing)) if found else None


def _completed(given: Mapping[str, str], chance: random.Random) -> Row | None:
    """A possible row with *given*, by chance; None when none was found in a few tries."""
    for _ in range(12):
        row = {factor: given.get(factor) or chance.choice(values) for factor, values in FACTORS.items()}
        _mend(row, given, chance)
        if possible(row):
            return row
    return None


def _mend(row: dict[str, str], given: Mapping[str, str], chance: random.Random) -> None:
    """Choose again, among what goes together, where nothing is given."""
    if "content" not in given and BETWEEN[row["then"]].fills:
        row["content"] = "form"
    if "then" not in given and not CONTENTS[row["content"]].fields and BETWEEN[row["then"]].fills:
        row["then"] = "nothing"
    if "shape" not in given and CONTENTS[row["content"]].shapes:
        row["shape"] = chance.choice(CONTENTS[row["content"]].shapes)
    for place in ("first", "second", "third"):
        manner = f"{place} manner"
        waits = place != "first" and row["certifies"] != "0"
        if manner not in given and row[place] != _NOBODY:
            able = [each for each in PRODUCERS[row[place]].manners if not waits or each.startswith("existing")]
            row[manner] = chance.choice(able or _MANNERS)
        elif manner not in given:
            row[manner] = _MANNERS[0]
        elif place not in given:
            row[place] = chance.choice(
                [each.name for each in _CAN_BE[row[manner]] if place == "first" or not each.first]
            )
    if "certifies" not in given and not PRODUCERS[row["first"]].certifies:
        row["certifies"] = "0"


_CAN_BE = {manner: [each for each in PRODUCERS.values() if manner in each.manners] for manner in _MANNERS}


def _recipe(row: Row) -> Recipe:
    steps: list[Step] = [Signature(row["first"], row["first manner"], int(row["certifies"])), row["then"]]
    steps += [Signature(row["second"], row["second manner"]), row["after"]]
    if row["third"] != _NOBODY:
        steps.append(Signature(row["third"], row["third manner"]))
    done = tuple(each for each in steps if each != "nothing")
    if _lowers(row):
        return Recipe(row["content"], row["shape"], done, Indication.INDETERMINATE, _LOWERED)
    return Recipe(row["content"], row["shape"], done)


_USE_FREE_NUMBERS = ("signpdf", "pdfsig", "pdfsig-etsi")


def _is_misread(row: Row) -> bool:
    """Whether endesive cannot read the file: by its pypdf, a hybrid file's hidden objects go before newer ones of
    the same numbers (ISO 32000-2, 7.5.8.4, has it the other way)."""
    signing = [row[each] for each in ("first", "second", "third")]
    if row["content"] != "hybrid table" or "endesive" not in signing:
        return False
    last = max(place for place, name in enumerate(signing) if name == "endesive")
    return any(each in _USE_FREE_NUMBERS for each in signing[:last])


def _lowers(row: Row) -> bool:
    """Whether a CAdES signature by iText, which states level 2, follows a store by iText, which states level 5."""
    store = "validation data by iText"
    later = [row[each] for each, stored in (("second", "then"), ("third", "after")) if row[stored] == store]
    return "itext-cades" in later or (row["then"] == store and row["third"] == "itext-cades")


def recipes(draw: int = 1) -> dict[str, Recipe]:
    """Every recipe of the matrix by its name: those of *draw*, and the special ones."""
    listed = [*(_recipe(row) for row in rows(draw) if not _is_misread(row)), *SPECIAL]
    return {each.name: each for each in listed}


__all__ = ["recipes", "rows"]
