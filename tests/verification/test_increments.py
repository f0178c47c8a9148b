"""A new revision of a file that has passed: only that revision is judged, and the report is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from appliance.confinement.pool import Confinement
from appliance.pdf.page_comparison import PageComparison
from appliance.verification import Indication, Verifier, confined_verification
from appliance.verification.trust import ValidationContext
from tests.attacks import incremental
from tests.attacks.victims import GOOD, approved, certified, next_signature
from tests.verification.authorities import NOW
from tests.verification.documents import change

_GIVEN = ValidationContext(NOW + timedelta(days=1), (GOOD.root.certificate,))


@pytest.fixture(scope="module")
def verifier(confinement: Confinement) -> Verifier:
    return Verifier(confinement, [GOOD.root.certificate], clock=lambda: NOW + timedelta(days=1))


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every comparison of rendered pages."""
    looks: list[object] = []
    compare = PageComparison.differences
    monkeypatch.setattr(
        PageComparison, "differences", lambda *given, **more: looks.append(given) or compare(*given, **more)
    )
    return looks


@pytest.mark.parametrize("made", [certified, approved])
def test_a_further_signature_is_judged_without_rendering(
    made: Callable[[], bytes], looked_at: list[object]
) -> None:
    base = made()
    new = next_signature(base)
    report = confined_verification.verify_pdf(new, _GIVEN, verified=len(base))
    assert not looked_at
    assert report == confined_verification.verify_pdf(new, _GIVEN)
    assert looked_at
    assert report.indication is Indication.PASSED


def test_what_is_more_than_a_signature_is_verified_in_full(looked_at: list[object]) -> None:
    new = change(certified(), incremental.draw_over_page)
    report = confined_verification.verify_pdf(new, _GIVEN, verified=len(certified()))
    assert looked_at
    assert report.indication is Indication.FAILED


LENGTHS: dict[str, Callable[[int], int]] = {
    "one byte": lambda _whole: 1,
    "a little less": lambda whole: whole - 2,
    "one more": lambda whole: whole + 1,
}


@pytest.mark.parametrize("name", LENGTHS)
def test_a_length_that_ends_no_revision_counts_for_nothing(name: str, looked_at: list[object]) -> None:
    length = LENGTHS[name](len(certified()))
    assert (
        confined_verification.verify_pdf(next_signature(certified()), _GIVEN, verified=length).indication
        is Indication.PASSED
    )
    assert looked_at


def test_a_base_before_the_first_signature_changes_nothing(looked_at: list[object]) -> None:
    new = next_signature(certified())
    unsigned = new.index(b"%%EOF") + len(b"%%EOF\n")
    assert confined_verification.verify_pdf(new, _GIVEN, verified=unsigned) == confined_verification.verify_pdf(
        new, _GIVEN
    )


@pytest.mark.parametrize("known", [True, False], ids=["known", "other"])
def test_the_report_is_that_of_the_full_verification(verifier: Verifier, *, known: bool) -> None:
    digest = hashlib.sha256(certified()).hexdigest() if known else "0" * 64
    new = next_signature(certified())
    assert verifier.verify_increment(digest, certified(), new) == verifier.verify_pdf(new)


def test_a_file_that_does_not_begin_with_its_base_is_verified_in_full(verifier: Verifier) -> None:
    base, other = certified(), next_signature(approved())
    digest = hashlib.sha256(base).hexdigest()
    assert verifier.verify_increment(digest, base, other) == verifier.verify_pdf(other)
