"""Making and judging every file, on two cores: files and the opinions of others are kept in a cache folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from appliance.confinement.pool import Confinement
from appliance.verification import Indication, Verifier
from tests.interop.bench import HERE, Bench, compiled
from tests.interop.outside import Opinion, opinion
from tests.interop.people import gathered
from tests.interop.recipes import Recipe, make

CORES = 2
_SOURCES = ("java/Produce.java", "node/sign.mjs", "office.py", "producers.py", "originals.py", "between.py")


@dataclass(frozen=True)
class Judged:
    """What came of a recipe: not ``made`` and why; or what the others and we said."""

    recipe: Recipe
    made: str = ""
    opinion: Opinion = field(default_factory=Opinion)
    said: Indication | None = None
    reasons: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Made, and not called broken by anybody else."""
        return not self.made and not self.opinion.broken

    @property
    def is_refused(self) -> bool:
        """A good file of which we say anything but what is right."""
        return self.is_good and self.said is not self.recipe.right


@dataclass
class Worker:
    """What one process has open: a bench, and a confined verifier that believes the root of the matrix alone."""

    cache: Path
    bench: Bench
    verifier: Verifier

    @classmethod
    def opened(cls, cache: Path) -> Worker:
        bench = Bench(gathered(cache / "people"), compiled(cache / "classes"))
        confinement = Confinement(bench.folder / "confined").__enter__()
        return cls(cache, bench, Verifier(confinement, [bench.people.world.root.certificate]))

    def document(self, recipe: Recipe) -> bytes:
        """The file of *recipe*, made once. Raises NotMade."""
        place = path_of(self.cache, recipe)
        if not place.exists():
            made = make(recipe, self.bench)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.with_suffix(".part").write_bytes(made)
            place.with_suffix(".part").replace(place)
        return place.read_bytes()

    def opinion(self, recipe: Recipe) -> Opinion:
        """What the others say, asked once."""
        place = path_of(self.cache, recipe).with_suffix(".json")
        if not place.exists():
            place.write_text(json.dumps(asdict(opinion(self.document(recipe), self.bench.people))))
        kept = json.loads(place.read_text())
        return Opinion(tuple(kept["broken"]), tuple(kept["doubts"]))

    def judge(self, recipe: Recipe) -> Judged:
        """Made, and judged by everybody."""
        try:
            document = self.document(recipe)
        except Exception as error:
            return Judged(recipe, f"{type(error).__name__}: {error}"[:300])
        report = self.verifier.verify_pdf(document)
        return Judged(recipe, "", self.opinion(recipe), report.indication, tuple(report.reasons))


def path_of(cache: Path, recipe: Recipe) -> Path:
    """Where the file lies: its name has the digest of the recipe and of what makes it."""
    digest = hashlib.sha256(_digest_of_sources().encode() + recipe.name.encode()).hexdigest()
    return cache / "files" / f"{digest[:24]}.pdf"


def _digest_of_sources() -> str:
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _SOURCES)).hexdigest()


_WORKER: list[Worker] = []


def _begin(cache: Path) -> None:
    _WORKER.append(Worker.opened(cache))


Given = TypeVar("Given")
Done = TypeVar("Done")


def _perform(task: Callable[[Worker, Given], Done], given: Given) -> Done:
    return task(_WORKER[0], given)


def on_both_cores(cache: Path, task: Callable[[Worker, Given], Done], given: Sequence[Given]) -> Iterator[Done]:
    """*task* for each of *given*, in their order, by workers of their own."""
    gathered(cache / "people")
    compiled(cache / "classes")
    cores = min(CORES, os.cpu_count() or 1)
    with ProcessPoolExecutor(cores, get_context("spawn"), _begin, (cache,)) as pool:
        yield from pool.map(partial(_perform, task), given, chunksize=1)


__all__ = ["Judged", "Worker", "on_both_cores", "path_of"]
