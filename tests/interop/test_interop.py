"""A part of `make test-interop`: a file of each producer that `scripts/setup test` brings, and attacks on top."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from appliance.confinement.pool import Confinement
from appliance.verification import Indication, Verifier
from tests.attacks.on_top import families
from tests.interop.attacking import on_top
from tests.interop.bench import Bench, compiled
from tests.interop.covering import FACTORS, possible, rows
from tests.interop.matrix import Judged, Worker
from tests.interop.outside import opinion
from tests.interop.people import gathered
from tests.interop.producers import PRODUCERS
from tests.interop.recipes import Recipe, Signature
from tests.verification.flips import flipped

HERE = ("pdfsig", "itext", "pdfbox", "pyhanko-dated", "openssl", "openssl-linearised")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, confinement: Confinement) -> Iterator[Worker]:
    cache = tmp_path_factory.mktemp("interop")
    bench = Bench(gathered(cache / "people"), compiled(cache / "classes"))
    yield Worker(cache, bench, Verifier(confinement, [bench.people.world.root.certificate]))
    bench.close()


def recipe(producer: str) -> Recipe:
    return Recipe("plain", "as it is", (Signature(producer, PRODUCERS[producer].manners[0]),))


@pytest.mark.parametrize("producer", HERE)
def test_what_it_signs_is_good_to_everybody(worker: Worker, producer: str) -> None:
    judged = worker.judge(recipe(producer))
    assert judged.made == ""
    assert judged.opinion.broken == ()
    assert not judged.is_refused, judged.reasons


AFTER_OTHERS = (
    Recipe(
        "form", "object streams",
        (Signature("pyhanko", "new unseen"), Signature("pdfsig-etsi", "existing unseen")),
    ),
    Recipe(
        "plain", "as it is",
        (
            *((Signature("itext", "new unseen"), "validation data by iText") * 2),
            Signature("pdfsig", "existing shown"),
        ),
    ),
    Recipe("hybrid table", "as it is", (Signature("pyhanko", "new unseen"), Signature("itext", "new shown"))),
    Recipe("plain", "as it is", (Signature("pdfbox", "existing unseen"), Signature("pdfsig", "existing shown"))),
)  # fmt: skip


@pytest.mark.parametrize("given", AFTER_OTHERS, ids=lambda each: each.name)
def test_what_is_signed_after_others_is_good_to_us(worker: Worker, given: Recipe) -> None:
    judged = worker.judge(given)
    assert judged.made == ""
    assert not judged.is_refused, judged.reasons


@pytest.mark.parametrize("family", families())
def test_no_attack_on_top_passes(worker: Worker, family: str) -> None:
    producer = HERE[list(families()).index(family) % len(HERE)]
    tried = (on_top(worker, (family, name, recipe(producer))) for name in families()[family])
    done = list(islice((each for each in tried if each.possible), 2))
    assert done
    assert not [each.name for each in done if each.passed]


def test_the_others_notice_what_is_broken(worker: Worker) -> None:
    document = worker.document(recipe("pyhanko-dated"))
    altered = flipped(document, document.index(b"/MediaBox") + 1, 1)
    assert altered is not None
    assert len(opinion(altered, worker.bench.people).broken) == 3


def test_another_verdict_than_the_declared_one_is_a_refusal() -> None:
    passing = recipe("itext")
    assert Judged(passing, said=Indication.INDETERMINATE).is_refused
    assert not Judged(passing, said=Indication.PASSED).is_refused
    doubtful = Recipe("plain", "as it is", passing.steps, Indication.INDETERMINATE, "for a reason")
    assert Judged(doubtful, said=Indication.PASSED).is_refused


def test_every_producer_signs_first_and_after_others_where_it_can() -> None:
    listed = rows()
    assert all(possible(row) for row in listed)
    assert {row["first"] for row in listed} == set(PRODUCERS)
    assert {row["second"] for row in listed} == {name for name, each in PRODUCERS.items() if not each.first}
    assert {row["then"] for row in listed} == set(FACTORS["then"])


def test_another_draw_has_other_combinations_and_every_producer_too() -> None:
    first, second = rows(), rows(2)
    assert first == rows(1)
    assert len([row for row in second if row in first]) < len(second) / 4
    assert all(possible(row) for row in second)
    assert {row["first"] for row in second} == set(PRODUCERS)
