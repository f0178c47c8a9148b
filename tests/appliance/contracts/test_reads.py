"""One signature reads its contract, and decides on its authorisation, once in a transaction."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.contracts import authorisation_basis
from appliance.model.contract import Contract, PartyState
from appliance.model.intent import SigningOrigin
from appliance.store import contracts
from appliance.wiring import Appliance
from tests.world import confirm, sample_document, send

MOST_LOADS = 5
"""Opened: before the revision is made, and when the intent is put on disk. Signed: when it is claimed, when the
result is committed, and as it is then."""

MOST_DECISIONS = 4
"""The same, but for the contract as it is then."""


class Counted:
    """A function that counts its calls."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function
        self.calls = 0

    def __call__(self, *given: object, **named: object) -> object:
        self.calls += 1
        return self._function(*given, **named)


def signed(appliance: Appliance, contract: Contract, position: int) -> Contract:
    opened = appliance.signing.open(contract.id, contract.parties[position].id, SigningOrigin())
    confirm(appliance, opened.intent.intent)
    return appliance.signing.sign(opened.intent.id, SigningOrigin())


def test_a_signature_reads_little(appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = send(appliance, sample_document())
    loads, decisions = Counted(contracts.load_contract), Counted(authorisation_basis.decide_coverage)
    monkeypatch.setattr(contracts, "load_contract", loads)
    monkeypatch.setattr(authorisation_basis, "decide_coverage", decisions)
    for position in (0, 1):
        loads.calls = decisions.calls = 0
        contract = signed(appliance, contract, position)
        assert contract.parties[position].state is PartyState.SIGNED
        assert 0 < loads.calls <= MOST_LOADS
        assert 0 < decisions.calls <= MOST_DECISIONS


def test_what_is_opened_says_on_what_it_rests(appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = send(appliance, sample_document())
    anew = appliance.signing.open(contract.id, contract.parties[0].id, SigningOrigin())
    again = appliance.signing.open(contract.id, contract.parties[0].id, SigningOrigin())
    looked_up = appliance.signing.opened(contract, anew.intent.id)
    decisions = Counted(authorisation_basis.decide_coverage)
    monkeypatch.setattr(authorisation_basis, "decide_coverage", decisions)
    bases = [appliance.signing.authorisation_basis(each) for each in (anew, again, looked_up)]
    assert [basis.decision for basis in bases] == [bases[0].decision] * 3
    assert decisions.calls == 1
