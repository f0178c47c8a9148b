"""Both checkers test term, second person and scope of the power of attorney on which a signature rests."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.evidence.package import build
from hsm.intents import instant
from tests.evidence import contract
from tests.evidence.authority import START, TestAuthority
from tests.evidence.real_contract import SignedPdf
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import unpack
from tests.sweeps import first_of

Change = Callable[[dict[str, Any], datetime], object]


def power(record: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = record["considered"][0]["power"]
    return found


def made(change: Change, authority: TestAuthority, pdf: SignedPdf, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A package whose record is *change*d, with a log and a statement of the authority that say the same."""
    grounds, statement = contract.grounds, contract.statement

    def changed(at: datetime) -> dict[str, Any]:
        record = grounds(at)
        change(record, at)
        return record

    def stated(at: datetime) -> dict[str, Any]:
        said, own = statement(at), power(changed(at))
        said["power"] |= {name: own[name] for name in said["power"].keys() & own.keys()}
        return said

    matter = changed(START)["matter"]
    amount = {} if matter["amount"] is None else {"amount": f"{matter['currency']} {matter['amount']}"}
    drafted = {name: said for name, said in contract._DRAFTED.items() if name != "amount"} | amount
    with monkeypatch.context() as patched:
        patched.setattr(contract, "_DRAFTED", drafted)
        patched.setattr(contract, "grounds", changed)
        patched.setattr(contract, "statement", stated)
        return build(contract.make(copy.copy(authority), pdf), contract.seals(authority))


HOUR = timedelta(hours=1)
BEYOND: dict[str, tuple[Change, str]] = {
    "over": (lambda record, at: power(record).update(until=instant(at)), "不在授权期限内"),
    "not begun": (lambda record, at: power(record).update(since=instant(at + HOUR)), "不在授权期限内"),
    "amount": (lambda record, _: power(record).update(limit=99_999_999), "金额超出授权"),
    "type": (lambda record, _: power(record).update(kinds=["租赁", "租"]), "合同类型超出授权"),
    "other side": (lambda record, _: power(record).update(counterparties=["丙公司"]), "相对方超出授权"),
    "seal": (lambda record, _: record["matter"].update(seal="seal-b"), "印章超出授权"),
    "fewer digits": (lambda record, _: power(record).update(limit=9), "金额超出授权"),
    "currency": (lambda record, _: power(record).update(currency="USD"), "金额超出授权"),
    "no amount": (lambda record, _: record["matter"].update(amount=None), "金额超出授权"),
    "identity": (lambda record, at: record["identity"].update(until=instant(at)), "身份核验不在有效期内"),
    "one person": (lambda record, _: power(record)["registered"].update(by="officer-qian"), "未经第二人核验"),
    "own power": (lambda record, _: power(record)["verified"].update(by="person-zhang"), "未经第二人核验"),
    "agent": (lambda record, _: record["matter"].update(agent="person-li"), "授权主体不符"),
}


@pytest.mark.parametrize(("change", "said"), first_of(list(BEYOND.values())))
def test_a_signature_beyond_the_power_is_refused(
    authority: TestAuthority,
    pdf: SignedPdf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Change,
    said: str,
) -> None:
    folder = unpack(made(change, authority, pdf, monkeypatch), tmp_path / "package")
    for checker in CHECKERS:
        status, words = check(checker, folder)
        assert status == 1 and f"{said}" in words, words


WITHIN: list[Change] = [
    lambda record, _: (
        power(record).update(kinds=[], counterparties=[], limit=10**30, seals=["seal-a", "seal-b"])
        or record["matter"].update(amount=10**30)
    ),
    lambda record, _: power(record).update(limit=None),
    lambda record, _: record["matter"].update(amount=None, amount_needed=False),
    lambda record, _: power(record).update(basis="legal-representative", kinds=["租赁"], limit=1),
    lambda record, at: power(record).update(since=instant(at), until=instant(at + timedelta(seconds=1))),
]


@pytest.mark.parametrize("change", first_of(WITHIN))
def test_a_signature_within_the_power_passes(
    authority: TestAuthority, pdf: SignedPdf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    """Nothing is limited, or all is at its very limit; the bounds of a legal representative do not count."""
    folder = unpack(made(change, authority, pdf, monkeypatch), tmp_path / "package")
    for checker in CHECKERS:
        status, words = check(checker, folder)
        assert status == 0, words
