"""``make test-interop``: files of many producers, judged by us and by others, and attacks on top of them.

``python -m tests.interop CACHE [--draw N] [--everything]``: CACHE keeps the files; N: another covering set of them
(from 1); ``--everything``: each attack on each file, for hours.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path

from tests.attacks.on_top import families
from tests.interop.attacking import Attacked, attacks, on_top, victims
from tests.interop.covering import recipes
from tests.interop.matrix import Judged, Worker, on_both_cores
from tests.interop.producers import PRODUCERS
from tests.interop.recipes import Recipe


def main(cache: Path, *, draw: int = 1, everything: bool = False) -> int:
    """0: no good file refused, no attack passed, everything made; 1 otherwise."""
    judged = list(on_both_cores(cache, Worker.judge, list(recipes(draw).values())))
    _tell("not made", [each for each in judged if each.made])
    _tell("called broken by others, and therefore not counted", [each for each in judged if each.opinion.broken])
    _tell("good, and refused", [each for each in judged if each.is_refused])
    _by_producer(judged)
    good = [each for each in judged if each.is_good]
    refused = [each for each in judged if each.is_refused]
    chosen = attacks(victims(judged, everything=everything), everything=everything)
    tried = [each for each in on_both_cores(cache, on_top, chosen) if each.possible]
    passed = [each for each in tried if each.passed]
    _say(f"\nattacks that passed: {len(passed)}")
    for each in passed:
        _say(f"  {each.name}\n      on top of {each.recipe.name}")
    _by_family(tried)
    _say(f"interop: {len(good)} good, {len(refused)} refused; {len(tried)} attacks, {len(passed)} passed")
    return 1 if refused or passed or any(each.made for each in judged) else 0


def _by_family(tried: list[Attacked]) -> None:
    _say(f"\n{'attacks on top':<20} {'attacks':>8} {'passed':>7}")
    for family in families():
        of = [each for each in tried if each.name.startswith(f"{family}: ")]
        _say(f"{family:<20} {len(of):>8} {sum(each.passed for each in of):>7}")


def _tell(title: str, found: list[Judged]) -> None:
    _say(f"\n{title}: {len(found)}")
    for each in found:
        _say(f"  {each.recipe.name}")
        said = each.made or f"{each.said}, right is {each.recipe.right} {'; '.join(each.reasons)}"
        _say(f"      {said}")
        for opinion in (*each.opinion.broken, *each.opinion.doubts):
            _say(f"      {opinion}")


def _by_producer(judged: list[Judged]) -> None:
    _say(f"\n{'producer':<20} {'signatures':>10} {'files':>7} {'refused':>8}")
    for name in PRODUCERS:
        having = [each for each in judged if each.is_good and _uses(each.recipe, name)]
        count = sum(Counter(each.producer for each in one.recipe.signatures)[name] for one in having)
        _say(f"{name:<20} {count:>10} {len(having):>7} {sum(each.is_refused for each in having):>8}")


def _uses(recipe: Recipe, producer: str) -> bool:
    return any(each.producer == producer for each in recipe.signatures)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m tests.interop")
    parser.add_argument("cache", type=Path)
    parser.add_argument("--draw", type=int, default=1)
    parser.add_argument("--everything", action="store_true")
    given = parser.parse_args()
    sys.exit(main(given.cache.resolve(), draw=given.draw, everything=given.everything))
