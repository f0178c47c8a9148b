"""The verifier tests term, second person and scope of the power of attorney on which a signature rests."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from appliance.evidence.package import build
from appliance.verification import Indication
from hsm.intents import instant
from tests.evidence import contract
from tests.evidence.authority import START, TestAuthority
from tests.evidence.real_contract import SignedPdf
from tests.evidence.test_forged_packages import Readers, readers
from tests.sweeps import first_of, one_in

__all__ = ["readers"]
pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")

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
    "over": (lambda record, at: power(record).update(until=instant(at)), "term"),
    "not begun": (lambda record, at: power(record).update(since=instant(at + HOUR)), "term"),
    "amount": (lambda record, _: power(record).update(limit=99_999_999), "limit"),
    "type": (lambda record, _: power(record).update(kinds=["租赁", "租"]), "type of contract"),
    "other side": (lambda record, _: power(record).update(counterparties=["丙公司"]), "counterparties"),
    "seal": (lambda record, _: record["matter"].update(seal="seal-b"), "seal"),
    "currency": (lambda record, _: power(record).update(currency="USD"), "limit"),
    "no amount": (lambda record, _: record["matter"].update(amount=None), "limit"),
    "identity": (lambda record, at: record["identity"].update(until=instant(at)), "identity check"),
    "one person": (lambda record, _: power(record)["registered"].update(by="officer-qian"), "another power"),
    "own power": (lambda record, _: power(record)["verified"].update(by="person-zhang"), "second person"),
}


@pytest.mark.parametrize(("change", "said"), one_in(4, BEYOND.values()), ids=BEYOND)
def test_a_signature_beyond_the_power_is_refused(
    readers: Readers,
    authority: TestAuthority,
    pdf: SignedPdf,
    monkeypatch: pytest.MonkeyPatch,
    change: Change,
    said: str,
) -> None:
    report = readers.verifier.verify(made(change, authority, pdf, monkeypatch))
    assert report.indication is Indication.FAILED
    assert said in str(report.reasons[0])


WITHIN: list[Change] = [
    lambda record, _: (
        power(record).update(kinds=[], counterparties=[], limit=10**30, seals=["seal-a", "seal-b"])
        or record["matter"].update(amount=10**30)
    ),
    lambda record, _: power(record).update(limit=None),
    lambda record, _: record["matter"].update(amount=None, amount_needed=False),
    lambda record, _: (
        power(record).update(basis="legal-representative", kinds=["租赁"], limit=1)
        or record.update(outcome="legal-representative")
    ),
    lambda record, at: power(record).update(since=instant(at), until=instant(at + timedelta(seconds=1))),
]


@pytest.mark.parametrize("change", first_of(WITHIN))
def test_a_signature_within_the_power_passes(
    readers: Readers, authority: TestAuthority, pdf: SignedPdf, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    """Nothing is limited, or all is at its very limit; the bounds of a legal representative do not count."""
    report = readers.verifier.verify(made(change, authority, pdf, monkeypatch))
    assert report.indication is Indication.PASSED, report.reasons
