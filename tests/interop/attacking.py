"""Every attack of :mod:`tests.attacks.on_top` on top of files of every producer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from appliance.verification import Indication
from tests.attacks.on_top import House, OnTop, families
from tests.interop.matrix import Judged, Worker
from tests.interop.producers import PRODUCERS
from tests.interop.recipes import Recipe, Signature

EACH = 3
"""On top of how many files each attack is tried, unless all are wanted; they take turns."""


@dataclass(frozen=True)
class Attacked:
    """``possible``: False where the attack cannot be made of this file."""

    name: str
    recipe: Recipe
    possible: bool = True
    passed: bool = False
    reasons: tuple[str, ...] = ()


Attack = tuple[str, str, Recipe]
"""Family, name, victim."""


def on_top(worker: Worker, attack: Attack) -> Attacked:
    """The verdict about one attack."""
    family, name, recipe = attack
    house = House(worker.bench.people.world, datetime.now(UTC).replace(microsecond=0))
    make: OnTop = families()[family][name]
    title = f"{family}: {name}"
    document = worker.document(recipe)
    try:
        altered = make(document, house)
    except Exception:
        return Attacked(title, recipe, possible=False)
    if altered == document:
        return Attacked(title, recipe, possible=False)
    report = worker.verifier.verify_pdf(altered)
    return Attacked(title, recipe, True, report.indication is Indication.PASSED, tuple(report.reasons))


def victims(judged: Sequence[Judged], *, everything: bool) -> list[Recipe]:
    """Good files that pass and end with a signature, so covered whole: one for each last producer, or all."""
    passing = [
        each.recipe
        for each in judged
        if each.is_good and each.said is Indication.PASSED and isinstance(each.recipe.steps[-1], Signature)
    ]
    if everything:
        return passing
    last = {name: [each for each in passing if each.signatures[-1].producer == name] for name in PRODUCERS}
    return [max(found, key=lambda each: len(each.steps)) for found in last.values() if found]


def attacks(recipes: Sequence[Recipe], *, everything: bool) -> list[Attack]:
    """Which attacks are tried on which of *recipes*: each on all of them, or on a few in turn."""
    listed = [(family, name) for family, named in families().items() for name in named]
    found: list[Attack] = []
    for number, (family, name) in enumerate(listed):
        turn = recipes if everything else [recipes[(EACH * number + each) % len(recipes)] for each in range(EACH)]
        found += [(family, name, recipe) for recipe in dict.fromkeys(turn)]
    return found
