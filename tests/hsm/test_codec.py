"""The codec of the authority: requests and answers come back as they were, and nothing else comes in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest

from hsm.client import OPERATIONS
from hsm.codec import decode_answer, decode_request, encode
from hsm.errors import BadRequest
from hsm.intents import OfficerIntent, PinTotpActivation, SigningIntent, WebAuthnActivation
from hsm.operation_types import (
    Appointment,
    ApprovalRequest,
    Approvals,
    BackupPiece,
    CodeUse,
    DocumentSigning,
    HeldCeremony,
    IntentQuery,
    KnownCompanySeal,
    KnownCredential,
    NoArguments,
    OfficerRequest,
    PinCustodianEndRequest,
    SubjectQuery,
    Unlocking,
)

MOMENT = datetime(2026, 11, 25, 8, tzinfo=UTC)
INTENT = SigningIntent("c", "p", "f", "person-a", bytes(32), MOMENT, bytes(16))
OFFICERS = OfficerIntent("unlock", {"subject": "person-a"}, MOMENT, bytes(16))
PASSKEY = WebAuthnActivation("person-a", b"id", b"{}", b"data", b"signature")
CODES = PinTotpActivation("person-a", "471100", "815000")
KEY: dict[str, Any] = encode(ApprovalRequest(INTENT, PASSKEY))["activation"]

REQUESTS = [
    DocumentSigning(INTENT, [PASSKEY, CODES]),
    ApprovalRequest(OFFICERS, CODES),
    IntentQuery(INTENT),
    OfficerRequest(OFFICERS, []),
    Unlocking(OFFICERS, [PASSKEY], ["4711", "00"]),
    CodeUse("4711-00", {"subject": "officer-a"}),
    PinCustodianEndRequest("keeper-a"),
    PinCustodianEndRequest("keeper-a", b"id"),
    NoArguments(),
]
ANSWERS = [
    (Approvals, Approvals(("a", "b"), 2)),
    (list[KnownCredential], [KnownCredential("pin-totp", None, MOMENT)]),
    (KnownCompanySeal, KnownCompanySeal("seal-a", "公章", ("a",), 1, None, None, MOMENT, 1)),
    (Appointment, Appointment(1, MOMENT, ("officer-a",))),
    (list[HeldCeremony], [HeldCeremony(1, "first", bytes(32), MOMENT, True)]),
]
WRONG: list[tuple[type, dict[str, Any]]] = [
    (DocumentSigning, {"intent": INTENT.fields(), "activations": [{**KEY, "more": 1}]}),
    (DocumentSigning, {"intent": INTENT.fields(), "activations": [{**KEY, "kind": "other"}]}),
    (DocumentSigning, {"intent": INTENT.fields(), "activations": [{**KEY, "subject": b"person-a"}]}),
    (DocumentSigning, {"intent": INTENT.fields(), "activations": [KEY] * 5}),
    (DocumentSigning, {"intent": INTENT.fields(), "activations": KEY}),
    (DocumentSigning, {"intent": INTENT.fields(), "activations": "ab"}),
    (DocumentSigning, {"intent": OFFICERS.fields(), "activations": []}),
    (IntentQuery, {"intent": {**INTENT.fields(), "more": 1}}),
    (Unlocking, {"intent": OFFICERS.fields(), "activations": [], "pins": "4711"}),
    (Unlocking, {"intent": OFFICERS.fields(), "activations": [], "pins": [4711]}),
    (BackupPiece, {"name": "x", "at": True}),
    (BackupPiece, {"name": "x", "at": 1.0}),
    (BackupPiece, {"name": "x"}),
    (SubjectQuery, {"subject": b"x"}),
    (SubjectQuery, {"subject": ["x"]}),
    (CodeUse, {"code": "x", "details": [["a", 1]]}),
    (NoArguments, {"more": 1}),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: type(each).__name__)
def test_a_request_comes_back_as_it_was(request_: object) -> None:
    assert decode_request(type(request_), cbor2.loads(cbor2.dumps(encode(request_)))) == request_
    assert "4711" not in repr(request_), "secrets are in no repr"


@pytest.mark.parametrize(("kind", "answer"), ANSWERS, ids=str)
def test_an_answer_comes_back_as_it_was(kind: object, answer: object) -> None:
    assert decode_answer(kind, cbor2.loads(cbor2.dumps(encode(answer)))) == answer


@pytest.mark.parametrize(("kind", "values"), WRONG)
def test_what_is_no_such_request_is_refused_without_its_values(kind: type, values: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as refused:
        decode_request(kind, values)
    assert "4711" not in str(refused.value)


def test_officers_intents_are_of_the_operation_that_is_asked_for() -> None:
    values = encode(OfficerRequest(OFFICERS, []))
    with pytest.raises(BadRequest, match="another kind"):
        OPERATIONS["retire"].decode(values)
    with pytest.raises(BadRequest):
        OPERATIONS["retire"].decode(encode(DocumentSigning(INTENT, [])))
