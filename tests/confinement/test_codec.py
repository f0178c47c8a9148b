"""What crosses into a confined child and out of it: the same values on both sides, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import cbor2
import pytest

from appliance.confinement.frames import decode, encode, typed
from appliance.confinement.jobs import load
from appliance.language.sizes import ByteSize
from appliance.model.contract import Placement
from appliance.pdf.values import (
    CrossPageSeal,
    FieldKind,
    FieldPlacement,
    LockScope,
    PagePair,
    PersonAppearance,
    PrepareOrder,
    SealAppearance,
)
from appliance.verification.model import (
    Changes,
    FileKind,
    Indication,
    ReportRow,
    RowAnswer,
    SignatureReport,
    StampReport,
    SubIndication,
    Verdict,
    VerificationReport,
)
from hsm.errors import Sentence
from tests.bench import measured_jobs
from tests.world import sample_document

_WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=8)))
_FAILED = Verdict(Indication.FAILED, SubIndication.REVOKED, (Sentence("{count} of them.", {"count": 3}),))
_REPORT = VerificationReport(
    "contract.pdf",
    FileKind.PDF,
    _FAILED,
    datetime(2026, 1, 1, tzinfo=UTC),
    signatures=(
        SignatureReport(
            "one",
            _FAILED,
            signing_time=_WHEN,
            changes=Changes.CHANGED,
            rows=(ReportRow("trust", RowAnswer.NO, Sentence("No.")),),
            stamps=(StampReport(None, None, _FAILED),),
        ),
    ),
    pages=(PagePair(1, b"before", b"after"),),
    signed_revision=12,
)
_PLACEMENT = FieldPlacement("a", 0, 1, 2.5, 3, 4, FieldKind.SEAL, (Placement(0, 1, 2, 3, 4),), CrossPageSeal(3))
_VALUES = (
    _REPORT,
    _PLACEMENT,
    PrepareOrder("a", PersonAppearance("张", _WHEN, "Asia/Shanghai", image=b"png"), _WHEN, lock=LockScope.ALL),
    PrepareOrder("a", SealAppearance("甲公司", "公章"), _WHEN),
)


@pytest.mark.parametrize("value", _VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_by_way_of_cbor(value: Any) -> None:
    assert decode(type(value), cbor2.loads(cbor2.dumps(encode(value)))) == value


def test_values_in_a_sentence_become_text_unless_they_are_numbers() -> None:
    values = {"limit": ByteSize(2048), "when": _WHEN, "count": 1}
    assert encode(Sentence("", values))["values"] == {"limit": 2048, "when": str(_WHEN), "count": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"digest": b"bytes"},
        {"signed_revision": "12"},
        {"signed_revision": True},
        {"kind": "no such kind"},
        {"at": 3},
        {"verdict": None},
        {"signatures": {}},
        {"remarks": "text"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_an_answer_of_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="VerificationReport"):
        decode(VerificationReport, {**encode(_REPORT), **change})


@pytest.mark.parametrize("plain", [None, [], "text", {}])
def test_what_is_no_map_of_fields_is_refused(plain: Any) -> None:
    with pytest.raises(ValueError, match="VerificationReport"):
        decode(VerificationReport, plain)


@pytest.mark.parametrize("name", ["pdf.inspect", "twice/pdf.inspect"])
def test_the_bench_measures_the_job_that_the_product_runs(name: str) -> None:
    arguments = {"document": sample_document(2), "most_pages": 10}
    measured = typed(getattr(measured_jobs, name))(**arguments)
    assert measured["result"] == typed(load()["pdf.inspect"])(**arguments)
    assert measured["used"] > 0
