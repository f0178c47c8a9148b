"""The register of seal uses: every request with who, what and where, for those who may see it."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest

from appliance.demonstration.participants import CUSTODIAN, LI
from appliance.model.people import Person, SealRequestState, UseFilter
from appliance.seal_requests.register import COLUMNS, as_csv
from tests.seals.conftest import Site
from tests.world import contract_now


@pytest.fixture(scope="module")
def seal(site: Site, custodians: tuple[Person, ...]) -> str:
    """A seal that was used once by two custodians, and refused once."""
    seal = site.seal(*custodians[:2], needed=2)
    used = site.asked(site.sent(seal), reason="=HYPERLINK(1)")
    site.approve(used, custodians[0])
    site.approve(used, custodians[1])
    refused = site.asked(site.sent(seal), reason="补盖")
    site.appliance.seal_requests.refuse(refused.id, by=custodians[0].subject, reason="材料不全")
    return seal


def test_a_line_says_who_when_and_exactly_what(site: Site, seal: str, custodians: tuple[Person, ...]) -> None:
    newest, oldest = site.appliance.seal_uses.page(UseFilter(seals=(seal,))).uses
    assert (newest.state, newest.custodians) == (SealRequestState.REFUSED, ())
    assert (oldest.state, oldest.needed, oldest.requester) == (SealRequestState.USED, 2, "张示例")
    assert set(oldest.custodians) == {each.name for each in custodians[:2]}
    contract = contract_now(site.appliance, oldest.contract)
    assert (oldest.title, oldest.pages, oldest.places) == (contract.title, 2, 1)
    act = site.appliance.seal_requests.act(site.appliance.seal_requests.get(oldest.request))
    assert oldest.digest == act.digest.hex()


def test_filters_are_about_seal_state_day_and_contract(site: Site, seal: str) -> None:
    page, today = site.appliance.seal_uses.page, site.appliance.now().date()
    every = page(UseFilter(seals=(seal,))).uses
    assert len(page(UseFilter(seals=(seal,), state=SealRequestState.USED)).uses) == 1
    assert len(page(UseFilter(seals=(seal,), since=today - timedelta(days=1), until=today)).uses) == 2
    assert not page(UseFilter(seals=(seal,), until=date(2020, 1, 1))).uses
    assert page(UseFilter(words=every[0].contract)).uses == (every[0],)
    assert not page(UseFilter(seals=(seal,), words="没有这份合同")).uses
    assert page(UseFilter(seals=(seal,)), before=every[0].number).uses == every[1:]


def test_custodians_see_their_own_seals_alone(site: Site, seal: str) -> None:
    register = site.appliance.seal_uses
    assert register.of_custodian(CUSTODIAN.subject, UseFilter(seals=(seal,))).seals == (seal,)
    assert register.of_custodian(LI.subject, UseFilter(seals=(seal,))).seals == ()
    assert not register.page(register.of_custodian(LI.subject, UseFilter())).uses


def test_the_table_opens_in_a_spreadsheet_and_runs_nothing(site: Site, seal: str) -> None:
    uses = site.appliance.seal_uses.every(UseFilter(seals=(seal,)))
    table = as_csv(uses, lambda words: words, lambda at: at.isoformat())
    assert table.startswith(b"\xef\xbb\xbf")
    header, newest, oldest = csv.reader(io.StringIO(table.decode("utf-8-sig")))
    assert tuple(header) == COLUMNS
    assert newest[2] == "refused" and oldest[5] == "'=HYPERLINK(1)"
