"""A small round of ``make fuzz``: all that it does but the guidance, on its seeds and a few thousand requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority import running_authority
from tests.conformance.endpoint import RunningTsa, running_tsa
from tests.conformance.oracle import judge
from tests.fuzz import corpus
from tests.fuzz.mutations import Mutator, tree
from tests.fuzz.sweep import Figures, edge, sweep
from tests.fuzz.targets import TARGETS


@pytest.fixture(scope="module")
def tsa() -> Iterator[RunningTsa]:
    with running_authority() as authority, running_tsa(authority.root) as running:
        yield running


def test_the_corpus_is_what_its_generator_makes(tmp_path: Path) -> None:
    corpus.write(tmp_path)
    made, kept = (
        {
            path.relative_to(folder): path.read_bytes()
            for folder in [root]
            for path in folder.rglob("*")
            if path.is_file()
        }
        for root in (tmp_path, corpus.FOLDER)
    )
    assert made == kept


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_stands_its_seeds(target: str) -> None:
    seeds = corpus.seeds()[target]
    assert seeds
    for seed in seeds:
        TARGETS[target](seed)


def test_the_good_requests_are_good_and_the_others_of_every_kind() -> None:
    mutator = Mutator(1)
    assert not any(judge(mutator.good()).faults for _ in range(500))
    found = [judge(mutator.request()).faults for _ in range(3000)]
    assert {fault for faults in found for fault in faults} == {0, 2, 5, 15, 16}
    assert 500 < sum(not faults for faults in found) < 1500


def test_trees_are_read_and_written_alike() -> None:
    mutator = Mutator(2)
    for good in (mutator.good() for _ in range(200)):
        assert tree(good).encode() == good


def test_a_sweep_finds_nothing(tsa: RunningTsa) -> None:
    figures = sweep(tsa, 2000, seed=20261125)
    assert figures.good, figures.lines()
    assert figures.sent == 2000
    assert figures.answers["granted"] == figures.recorded > 400


def test_broken_http_finds_nothing(tsa: RunningTsa) -> None:
    figures = edge(tsa, 100, seed=20261125)
    assert figures.good, figures.lines()


def test_a_sweep_tells_what_is_wrong() -> None:
    """The figures fail when anything does."""
    figures = Figures()
    figures.blame(b"\x30", "status 500")
    assert not figures.good
    assert figures.lines()[0] == "status 500: 30"
    assert figures.lines()[-1].endswith("FAILED")
    assert not Figures(restarts=1).good
    assert not Figures(recorded=1).good
