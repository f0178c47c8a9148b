"""Each precondition refuses by itself, whatever the user interface allowed."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from appliance.contracts.agreement_text import VERSION
from appliance.contracts.preconditions import (
    AgreementAccepted,
    Enrolled,
    SealConditions,
    SigningContext,
    SigningPermitted,
    require_preconditions,
    standard_preconditions,
)
from appliance.errors import PreconditionRefused
from appliance.model.contract import Contract, ContractState, Party, SigningOrder
from appliance.model.intent import AgreementRecord
from appliance.policy import Policy
from appliance.review.review_status import open_review_statuses
from appliance.store import intents
from appliance.store.database import Database, Transaction
from hsm import canonical
from hsm.intents import SigningIntent
from tests.appliance.contracts.samples import NOON, contract
from tests.appliance.store.seeds import seeded
from tests.evidence.authority import ALPHA, BETA, TestAuthority


@cache
def seals() -> SealConditions:
    return SealConditions(Policy(), open_review_statuses(Path("no rules of the home"), Policy()))


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Transaction]:
    database: Database = seeded(tmp_path / "vermilion.db")
    with database.transaction() as opened:
        yield opened
    database.close()


def signing(sample: Contract, position: int = 1) -> SigningContext:
    return SigningContext(sample, sample.parties[position - 1], NOON)


OWN = "organisation:甲公司示例有限公司"
COUNT = itertools.count(1)


@cache
def authority() -> TestAuthority:
    return TestAuthority()


def accept(
    tx: Transaction, side: str = OWN, *others: str, version: str = VERSION, by: str = "person-1", of: str = ALPHA
) -> None:
    """*by* accepts, who is certified under *of*."""
    name = side.removeprefix("organisation:")
    party = {"name": name} if name != side else {"name": name, "subject": side}
    number, record = next(COUNT), canonical.encode({"party": party, "person": by})
    cms = authority().sign(authority().person("张示例" if of == ALPHA else "李样本"), record)
    act = SigningIntent("agreement", "x", "agreement", "x", hashlib.sha256(record).digest(), NOON, bytes(16))
    proposal = AgreementRecord(f"agreement-{number}", by, version, side, frozenset(others), record, act, NOON)
    intents.insert_agreement(tx, proposal)
    intents.accept_agreement(tx, proposal, at=NOON, cms=cms, entry=number)


def among(*organisations: str) -> Contract:
    """The parties are of these organisations; a person who signs for none where that is empty."""
    sample = contract()
    each = zip(sample.parties, organisations, strict=True)
    parties = [replace(party, organisation=name) for party, name in each]
    return replace(sample, parties=tuple(parties))


@pytest.mark.parametrize("state", [state for state in ContractState if state is not ContractState.SENT])
def test_only_what_is_sent(tx: Transaction, state: ContractState) -> None:
    with pytest.raises(PreconditionRefused, match=state.value):
        SigningPermitted().require(tx, signing(replace(contract(), state=state)))


def test_only_in_turn(tx: Transaction) -> None:
    with pytest.raises(PreconditionRefused, match="turn of 签约方 1"):
        SigningPermitted().require(tx, signing(contract(), 2))
    SigningPermitted().require(tx, signing(contract(SigningOrder.PARALLEL), 2))


def test_not_from_the_deadline_on(tx: Transaction) -> None:
    due = contract().deadline.at
    SigningPermitted().require(tx, replace(signing(contract()), now=due - timedelta(microseconds=1)))
    with pytest.raises(PreconditionRefused, match="deadline"):
        SigningPermitted().require(tx, replace(signing(contract()), now=due))


def test_nobody_signs_without_a_certificate(tx: Transaction) -> None:
    tx.execute("DELETE FROM certificates WHERE subject = 'person-1'")
    with pytest.raises(PreconditionRefused, match="签约方 1 cannot sign yet"):
        Enrolled().require(tx, signing(contract()))
    Enrolled().require(tx, signing(contract(), 2))


def test_not_without_the_agreement_or_with_an_older_text(tx: Transaction) -> None:
    accept(tx, version="1")
    with pytest.raises(PreconditionRefused, match="甲公司示例有限公司 has not accepted"):
        AgreementAccepted().require(tx, signing(contract()))
    accept(tx)
    AgreementAccepted().require(tx, signing(contract()))
    with pytest.raises(PreconditionRefused, match="version own-1"):
        AgreementAccepted("own-1").require(tx, signing(contract()))


def test_every_other_side_must_be_named(tx: Transaction) -> None:
    sample = among("甲公司示例有限公司", "乙公司示例有限公司", "丙公司示例有限公司")
    accept(tx, OWN, "organisation:乙公司示例有限公司")
    with pytest.raises(PreconditionRefused, match="with 丙公司示例有限公司"):
        AgreementAccepted().require(tx, signing(sample))
    accept(tx, OWN, "organisation:丙公司示例有限公司")
    AgreementAccepted().require(tx, signing(sample))
    AgreementAccepted().require(
        tx, signing(among("甲公司示例有限公司", "乙公司示例有限公司", "乙公司示例有限公司"))
    )


def test_what_the_others_accepted_is_not_ones_own(tx: Transaction) -> None:
    sample = among("甲公司示例有限公司", "乙公司示例有限公司", "乙公司示例有限公司")
    accept(tx, "organisation:乙公司示例有限公司", OWN, of=BETA)
    with pytest.raises(PreconditionRefused, match="甲公司示例有限公司 has not accepted"):
        AgreementAccepted().require(tx, signing(sample))
    AgreementAccepted().require(tx, signing(sample, 2))
    AgreementAccepted().require(tx, signing(sample, 3))


def test_who_signs_for_no_organisation_is_a_side_by_themselves(tx: Transaction) -> None:
    """Two people may have the same name: they are told apart by what the authority knows them as."""
    sample = among("甲公司示例有限公司", "", "甲公司示例有限公司")
    accept(tx, OWN, "organisation:签约方 2")
    with pytest.raises(PreconditionRefused, match="with 签约方 2"):
        AgreementAccepted().require(tx, signing(sample))
    accept(tx, OWN, "person-2")
    AgreementAccepted().require(tx, signing(sample))
    with pytest.raises(PreconditionRefused, match="签约方 2 has not accepted"):
        AgreementAccepted().require(tx, signing(sample, 2))


def test_who_is_certified_elsewhere_accepts_for_the_own_signatures_alone(tx: Transaction) -> None:
    sample = among("甲公司示例有限公司", "乙公司示例有限公司", "甲公司示例有限公司")
    accept(tx, OWN, "organisation:乙公司示例有限公司", of=BETA)
    AgreementAccepted().require(tx, signing(sample))
    with pytest.raises(PreconditionRefused, match="甲公司示例有限公司 has not accepted"):
        AgreementAccepted().require(tx, signing(sample, 3))
    accept(tx, OWN, "organisation:乙公司示例有限公司")
    AgreementAccepted().require(tx, signing(sample, 3))


def seal_party(requester: str) -> Party:
    return replace(contract().parties[2], requester=requester)


def test_a_seal_needs_a_custodian_who_does_not_ask_for_it_himself(tx: Transaction) -> None:
    seals().require(tx, replace(signing(contract(), 3), party=seal_party("person-1")))
    with pytest.raises(PreconditionRefused, match="custodian"):
        seals().require(tx, replace(signing(contract(), 3), party=seal_party("person-2")))


def test_a_suspended_seal_stays_in_its_box(tx: Transaction) -> None:
    tx.execute("UPDATE seals SET suspended = '2026-11-25T03:00:00Z'")
    with pytest.raises(PreconditionRefused, match="suspended"):
        seals().require(tx, signing(contract(), 3))


def test_all_together(tx: Transaction) -> None:
    with pytest.raises(PreconditionRefused, match="agreement"):
        require_preconditions(standard_preconditions(), tx, signing(contract()))
    accept(tx)
    require_preconditions(standard_preconditions(), tx, signing(contract()))
