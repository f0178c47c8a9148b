"""The amount of a draft, in figures or in capitals; what is none is said at its field."""

from __future__ import annotations

import pytest
from flask import Flask

from appliance.demonstration.participants import ZHANG
from appliance.model.contract import Money
from appliance.wiring import Appliance
from tests.portal.drafts import Wizard, begun
from tests.portal.visitors import signed_in
from tests.world import contract_now


@pytest.fixture
def wizard(portal: Flask, appliance: Appliance) -> Wizard:
    return begun(signed_in(portal, appliance, ZHANG.subject))


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [("1,000,000.00", "CNY", 100_000_000), ("壹佰万元整", "CNY", 100_000_000), ("99", "JPY", 99)],
)
def test_an_amount_is_typed_in_figures_or_in_capitals(
    wizard: Wizard, appliance: Appliance, typed: str, currency: str, minor: int
) -> None:
    assert wizard.save("document", amount=typed, currency=currency).status_code == 303
    assert contract_now(appliance, wizard.contract).amount == Money(minor, currency)
    assert wizard.save("document").status_code == 303, "what the form shows can be sent back"
    assert contract_now(appliance, wizard.contract).amount == Money(minor, currency)
    assert wizard.save("document", amount="").status_code == 303
    assert contract_now(appliance, wizard.contract).amount is None


@pytest.mark.parametrize(
    ("typed", "currency", "said"),
    [
        ("much", "CNY", "壹佰万元整"),
        ("1.5", "JPY", "壹佰万元整"),
        ("100（大写：壹佰万元整）", "CNY", "不一致"),
        ("1" * 200, "CNY", "100"),
        ("1", "XXX", "币种"),
    ],
)
def test_what_is_no_amount_is_said_at_the_field(
    wizard: Wizard, appliance: Appliance, typed: str, currency: str, said: str
) -> None:
    answer = wizard.save("document", amount=typed, currency=currency)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert contract_now(appliance, wizard.contract).amount is None
