"""A house with two partner organisations, whose representatives come in by their links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from appliance.accounts.sessions import ClientInfo
from appliance.demonstration.participants import OFFICER, ZHANG
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.partners import (
    CODE_SIGNS,
    Partner,
    PartnerDetails,
    RepresentativeDetails,
    VouchingMeans,
    credit_code_check,
)
from appliance.store import accounts
from appliance.wiring import Appliance
from tests.office.conftest import enter, perform
from tests.portal.conftest import portal_of
from tests.portal.office_visits import asked_for
from tests.world import World, know_officer, shared_world

HERE = ClientInfo("192.0.2.7", "test")


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="package")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        know_officer(appliance)
        enter(appliance, OFFICER, AccountRole.OFFICER)
        enter(appliance, ZHANG.subject, AccountRole.INITIATOR, AccountRole.SIGNER)
        yield appliance


@pytest.fixture(scope="package")
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


def code_of(number: int) -> str:
    """A unified social credit code that nobody else has."""
    first = f"91310000MA1{number:06d}"
    assert set(first) <= set(CODE_SIGNS)
    return first + credit_code_check(first)


@dataclass(frozen=True, slots=True)
class Company:
    """A partner with its administrator, enrolled, and a second representative, enrolled."""

    partner: Partner
    administrator: str
    second: str


_numbers = iter(range(1, 1000))


def registered(appliance: Appliance, name: str = "") -> Partner:
    number = next(_numbers)
    details = PartnerDetails(name or f"合作公司{number}有限公司", code_of(number), address="上海市示例路 1 号")
    return appliance.partners.register(details, VouchingMeans.LICENCE, "营业执照原件", by=ZHANG.subject)


def whom(number: int, name: str = "") -> RepresentativeDetails:
    return RepresentativeDetails(name or f"代表{number}", f"rep{number}@partner.example", "+86 138 0000 0000")


def invited(appliance: Appliance, partner: Partner, *, by: str = ZHANG.subject, name: str = "") -> str:
    """The subject of a new representative, who has not used the link yet."""
    return appliance.representatives.invite(partner.id, whom(next(_numbers), name), by=by).subject


def open_account(appliance: Appliance, subject: str) -> None:
    """As if *subject* had used the link of the invitation."""
    with appliance.database.transaction() as tx:
        accounts.end_links_of(tx, subject, now=appliance.now())
        accounts.set_password(tx, subject, "$argon2id$nobody-signs-in-with-this")
        accounts.set_state(tx, subject, AccountState.ACTIVE)
    appliance.accounts.own.prefer(subject, Language.ENGLISH)


def enrol(appliance: Appliance, subject: str) -> None:
    """*subject* sets up a passkey, and the officer confirms it."""
    request = asked_for(appliance, subject)
    perform(
        appliance, appliance.office.drafts.draft_enrolment(request.id, verified="营业执照与身份证", by=OFFICER)
    )


def company(appliance: Appliance, name: str = "") -> Company:
    partner = registered(appliance, name)
    administrator = invited(appliance, partner)
    open_account(appliance, administrator)
    enrol(appliance, administrator)
    second = invited(appliance, partner, by=administrator)
    open_account(appliance, second)
    enrol(appliance, second)
    return Company(partner, administrator, second)


@pytest.fixture(scope="module")
def gamma(appliance: Appliance) -> Company:
    return company(appliance)


@pytest.fixture(scope="module")
def other(appliance: Appliance) -> Company:
    return company(appliance)
