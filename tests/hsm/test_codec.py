"""The codec of the authority: requests and answers come back as they were, and nothing else comes in."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from inspect import signature
from typing import Any

import cbor2
import pytest

from hsm.activation.authoriser import IntentAuthoriser
from hsm.client import OPERATIONS
from hsm.codec import decode_answer, decode_request, encode
from hsm.errors import BadRequest
from hsm.intents import OfficerIntent, PasskeyRegistration, PinTotpActivation, SigningIntent, WebAuthnActivation
from hsm.operation_types import (
    Appointment,
    Approvals,
    BegunRegistration,
    HeldCeremony,
    KnownCompanySeal,
    KnownCredential,
    PendingCredential,
)
from hsm.operations.context import Handlers

MOMENT = datetime(2026, 11, 25, 8, tzinfo=UTC)
INTENT = SigningIntent("c", "p", "f", "person-a", bytes(32), MOMENT, bytes(16))
NAMED = replace(INTENT, title="示例 合同", parties=("甲", "Alpha Ltd"))
WORDED = replace(NAMED, custodians=2, reason="two copies", passkey_only=True)
OFFICERS = OfficerIntent("unlock", {"subject": "person-a"}, MOMENT, bytes(16))
PASSKEY = WebAuthnActivation("person-a", b"id", b"{}", b"data", b"signature")
MADE = PasskeyRegistration(bytes(32), b"{}", b"attestation")
CODES = PinTotpActivation("person-a", "471100", "815000")
REQUEST = {name: each.request for name, each in OPERATIONS.items()}
KEY: dict[str, Any] = encode(REQUEST["approve"](INTENT, PASSKEY))["activation"]

REQUESTS = [
    REQUEST["sign_document"](INTENT),
    REQUEST["sign_document"](WORDED),
    REQUEST["approve"](INTENT, PASSKEY),
    REQUEST["approve"](OFFICERS, CODES),
    REQUEST["approve_unlock"](OFFICERS, PASSKEY),
    REQUEST["approvals"](INTENT),
    REQUEST["retire"](OFFICERS),
    REQUEST["unlock"](OFFICERS, [PASSKEY, CODES], ["4711", "00"]),
    REQUEST["begin_registration"]("person-a"),
    REQUEST["register_passkey"]("person-a", MADE),
    REQUEST["register_known_passkey"]("person-a", bytes(32), b"key", PASSKEY),
    REQUEST["register_pin"]("person-a", "$4711", b"sealed 4711", "471100"),
    REQUEST["appoint_officer"]("4711-00", "officer-a", "name", "organisation", MADE, "reference"),
    REQUEST["restore_officer"]("4711-00", "officer-a", MADE, "reference"),
    REQUEST["end_keeper"]("keeper-a"),
    REQUEST["end_keeper"]("keeper-a", b"id"),
    REQUEST["status"](),
]
ANSWERS = [
    (Approvals, Approvals(("a", "b"), 2)),
    (list[KnownCredential], [KnownCredential("pin-totp", None, MOMENT)]),
    (list[PendingCredential], [PendingCredential("aaaa bbbb", "webauthn", b"id", b"key", MOMENT)]),
    (BegunRegistration, BegunRegistration(bytes(32), True, False)),
    (KnownCompanySeal, KnownCompanySeal("seal-a", "公章", ("a",), 1, None, None, MOMENT, 1)),
    (Appointment, Appointment(1, MOMENT, ("officer-a",))),
    (list[HeldCeremony], [HeldCeremony(1, "first", bytes(32), MOMENT, True)]),
]
ANSWERED: dict[str, Any] = encode(MADE)
APPOINTING: dict[str, Any] = encode(REQUEST["appoint_officer"]("x", "officer-a", "n", "o", MADE, "r"))
KNOWN: dict[str, Any] = encode(REQUEST["register_known_passkey"]("person-a", bytes(32), b"key", PASSKEY))
UNLOCKING: dict[str, Any] = {"intent": OFFICERS.fields(), "activations": [], "pins": []}
WRONG: list[tuple[type, dict[str, Any]]] = [
    (REQUEST["unlock"], {**UNLOCKING, "activations": [{**KEY, "more": 1}]}),
    (REQUEST["unlock"], {**UNLOCKING, "activations": [{**KEY, "kind": "other"}]}),
    (REQUEST["unlock"], {**UNLOCKING, "activations": [{**KEY, "subject": b"person-a"}]}),
    (REQUEST["unlock"], {**UNLOCKING, "activations": [KEY] * 5}),
    (REQUEST["unlock"], {**UNLOCKING, "activations": KEY}),
    (REQUEST["unlock"], {**UNLOCKING, "activations": "ab"}),
    (REQUEST["unlock"], {**UNLOCKING, "intent": INTENT.fields()}),
    (REQUEST["sign_document"], {"intent": OFFICERS.fields()}),
    (REQUEST["sign_document"], {"intent": INTENT.fields(), "activations": []}),
    (REQUEST["sign_document"], {"intent": INTENT.fields(), "activations": [KEY]}),
    *(
        (REQUEST["sign_document"], {"intent": {**INTENT.fields(), name: value}})
        for name, values in {
            "title": ["", "a\nb", "a\u200bb", " a", "e\u0301", "a\u3164", "x" * 201, ["a"]],
            "reason": ["", "a\r\nb", "a\u2028b", "x" * 501, None],
            "parties": [[], [""], ["a", "a"], ["a\n"], ["x" * 201], [str(n) for n in range(51)], "ab", [["a"]]],
            "custodians": [1, 3, True, "2"],
            "passkey_only": [False, 1, "yes", None],
        }.items()
        for value in values
    ),
    (REQUEST["approve"], {"intent": INTENT.fields(), "activation": {**KEY, "more": 1}}),
    (REQUEST["approve"], {"intent": INTENT.fields(), "activation": {**KEY, "kind": "other"}}),
    (REQUEST["approve"], {"intent": INTENT.fields(), "activation": {**KEY, "subject": b"person-a"}}),
    (REQUEST["approve"], {"intent": INTENT.fields(), "activation": [KEY]}),
    (REQUEST["approve"], {"intent": INTENT.fields(), "activation": "ab"}),
    (REQUEST["approve"], {"intent": INTENT.fields()}),
    (REQUEST["approvals"], {"intent": {**INTENT.fields(), "more": 1}}),
    (REQUEST["unlock"], {"intent": OFFICERS.fields(), "activations": [], "pins": "4711"}),
    (REQUEST["unlock"], {"intent": OFFICERS.fields(), "activations": [], "pins": [4711]}),
    (REQUEST["backup_piece"], {"name": "x", "at": True}),
    (REQUEST["backup_piece"], {"name": "x", "at": 1.0}),
    (REQUEST["backup_piece"], {"name": "x"}),
    (REQUEST["certificate"], {"subject": b"x"}),
    (REQUEST["certificate"], {"subject": ["x"]}),
    (REQUEST["appoint_officer"], {"code": "x", "details": [["a", 1]]}),
    (REQUEST["appoint_officer"], {**APPOINTING, "registration": [["challenge", b""]]}),
    (REQUEST["appoint_officer"], {**APPOINTING, "registration": {**ANSWERED, "more": 1}}),
    (REQUEST["appoint_officer"], {**APPOINTING, "code": 4711}),
    (REQUEST["restore_officer"], APPOINTING),
    (REQUEST["register_passkey"], {"subject": "x", "registration": {**ANSWERED, "challenge": "4711"}}),
    (REQUEST["register_passkey"], {"subject": "x", "registration": {"challenge": bytes(32)}}),
    (REQUEST["register_passkey"], {"subject": "x", "registration": KEY}),
    (REQUEST["register_passkey"], {"subject": "x"}),
    (REQUEST["register_known_passkey"], {**KNOWN, "assertion": {**KEY, "more": 1}}),
    (REQUEST["register_known_passkey"], {**KNOWN, "assertion": encode(CODES)}),
    (REQUEST["register_known_passkey"], {**KNOWN, "public_key": "4711"}),
    (REQUEST["register_pin"], {"subject": "x", "pin_hash": b"4711", "sealed": b"", "code": "4711"}),
    (REQUEST["register_pin"], {"subject": "x", "pin_hash": "x", "sealed": b"", "code": 4711}),
    (REQUEST["begin_registration"], {"subject": None}),
    (REQUEST["status"], {"more": 1}),
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


def test_an_intent_without_words_is_hashed_as_before_there_were_any() -> None:
    """A seal's approvals are days old when the authority is upgraded."""
    assert INTENT.challenge().hex() == "d467e1c8ac611930e873f28ccbd04f2a3fd8082a19e6aaf2e9fd16a9c55703cf"


def test_every_word_of_an_intent_is_hashed() -> None:
    others: list[dict[str, Any]] = [
        {"title": "x"},
        {"parties": ("甲",)},
        {"parties": ("Alpha Ltd", "甲")},
        {"reason": "x"},
        {"passkey_only": False},
    ]
    challenges = {replace(WORDED, **other).challenge() for other in others} | {WORDED.challenge()}
    assert len(challenges) == 1 + len(others)


def test_officers_intents_are_of_the_operation_that_is_asked_for() -> None:
    values = encode(REQUEST["retire"](OFFICERS))
    with pytest.raises(BadRequest, match="another kind"):
        OPERATIONS["retire"].decode(values)
    with pytest.raises(BadRequest):
        OPERATIONS["retire"].decode(encode(REQUEST["sign_document"](INTENT)))


def test_every_handler_takes_what_is_declared() -> None:
    for operation in OPERATIONS.values():
        [handler] = [
            getattr(group, operation.method)
            for group in (*Handlers.__subclasses__(), IntentAuthoriser)
            if hasattr(group, operation.method)
        ]
        assert list(signature(handler).parameters)[1:] == [each.name for each in fields(operation.request)]
