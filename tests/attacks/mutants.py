"""``make mutants``: mutated signed PDFs through the confined verifier; counts last. Wrong ones are kept as files.

``python -m tests.attacks.mutants COUNT DIRECTORY``: DIRECTORY gets each mutant that was wrongly passed, or that
brought its reader down, beside the file it was made from.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from os import cpu_count
from pathlib import Path
from random import Random

from appliance.confinement.pool import Confinement
from appliance.verification import Indication, VerificationReport, Verifier, verifier
from tests.attacks.judging import confined
from tests.attacks.mutating import Seed, mutated
from tests.attacks.oracle import explained
from tests.attacks.recipes import Recipe, timestamped
from tests.attacks.registry import Attempt
from tests.attacks.timestamps import token
from tests.attacks.victims import GOOD, by_hand, filled, next_signature, signing
from tests.attacks.writing import contract, signed_by_hand, written
from tests.pdf.documents import compressed
from tests.verification.documents import add_document_timestamp, add_validation_data, sign, stamper

_CHUNK = 50
_BROUGHT_DOWN = {str(reason): cause for cause, reason in verifier._CONFINED.items()}
Verify = Callable[[Attempt], VerificationReport]


@dataclass(frozen=True)
class Outcome:
    """What became of the mutants: ``counts`` by word, and those to look at (what is wrong, original, mutant)."""

    counts: Counter[str]
    wrong: tuple[tuple[str, bytes, bytes], ...] = ()


@cache
def seeds() -> tuple[Seed, ...]:
    """Small signed files of different make, each a few kilobytes."""
    dated = signed_by_hand(Recipe(unsigned=timestamped(token)), room=8000)
    small = sign(written(contract()), signing("one"))
    stored = add_validation_data(small, [GOOD.signer, GOOD.tsa, GOOD.issuing], GOOD.revocations)
    documents = (
        signed_by_hand(Recipe()),
        dated,
        small,
        add_document_timestamp(stored, stamper(GOOD)),
        next_signature(by_hand()),
        next_signature(filled()),
        sign(compressed(), signing("one")),
    )
    return tuple(Seed(each, documents) for each in documents)


def judged(numbers: Iterable[int], verify: Verify, given: tuple[Seed, ...]) -> Outcome:
    """The mutants *numbers* of the files *given*, each made from its number alone, judged."""
    counts, wrong = Counter[str](), []
    for number in numbers:
        random = Random(number)  # noqa: S311 - to be repeatable
        seed = given[number % len(given)]
        name, document = mutated(random, seed)
        word = _word(seed, document, verify(Attempt(document)))
        counts[word] += 1
        if word.startswith(("wrong", "crash", "hang")):
            wrong.append((f"{word}: mutant {number}, {name}", seed.document, document))
    return Outcome(counts, tuple(wrong))


def _word(seed: Seed, mutant: bytes, report: VerificationReport) -> str:
    if report.indication is Indication.PASSED:
        good = (seed.document, *seed.others)  # a splice may make another of them whole again
        return "rightly passed" if any(explained(each, mutant) for each in good) else "wrongly passed"
    if not report.reasons:
        return "wrong: without a reason"
    cause = next((_BROUGHT_DOWN[each] for each in report.reasons if each in _BROUGHT_DOWN), None)
    if cause in ("memory", "recursion"):
        return "stopped by limits"
    if cause is not None:
        return "hang" if cause == "timeout" else f"crash ({cause})"
    return report.indication.value


def main(count: str, directory: str) -> int:
    """0: nothing passed wrongly, crashed or hung."""
    total, started = Counter[str](), time.monotonic()
    numbers = iter(range(int(count)))
    chunks = list(iter(lambda: tuple(islice(numbers, _CHUNK)), ()))
    with ProcessPoolExecutor(cpu_count(), initializer=_start, initargs=(seeds(),)) as pool:
        for done, outcome in enumerate(pool.map(_work, chunks), 1):
            total += outcome.counts
            _keep(outcome, Path(directory))
            sys.stderr.write(f"mutants     {done / len(chunks):.0%}  {dict(total)}\r")
    seconds = time.monotonic() - started
    sys.stderr.write("\n")
    for word, number in sorted(total.items()):
        sys.stdout.write(f"{word:<24} {number:>8}\n")
    bad = sum(number for word, number in total.items() if word.startswith(("wrong", "crash", "hang")))
    rate = total.total() / max(seconds, 0.001)
    sys.stdout.write(
        f"{total.total()} mutants, {total['wrongly passed']} wrongly passed, {_of(total, 'crash')} crashes, "
        f"{total['hang']} hangs, {rate:.0f} a second\n"
    )
    return 1 if bad else 0


def _of(total: Counter[str], start: str) -> int:
    return sum(number for word, number in total.items() if word.startswith(start))


def _keep(outcome: Outcome, directory: Path) -> None:
    for said, original, mutant in outcome.wrong:
        directory.mkdir(parents=True, exist_ok=True)
        name = "".join(each if each.isalnum() else "-" for each in said)
        (directory / f"{name}.pdf").write_bytes(mutant)
        (directory / f"{name}.original.pdf").write_bytes(original)
        sys.stdout.write(f"{said}\n")


_working: list[Callable[[tuple[int, ...]], Outcome]] = []


def _start(given: tuple[Seed, ...]) -> None:
    """Each process has its own confined children, for all its mutants."""
    cache_folder = tempfile.mkdtemp()
    confinement = Confinement(Path(cache_folder))
    verify = confined(Verifier(confinement, [GOOD.root.certificate]))
    _working.append(partial(_judge, verify, given))


def _judge(verify: Verify, given: tuple[Seed, ...], numbers: tuple[int, ...]) -> Outcome:
    return judged(numbers, verify, given)


def _work(numbers: tuple[int, ...]) -> Outcome:
    return _working[0](numbers)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
