"""``vermilion demo --sign``: the demonstration's people sign what waits for them, and nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.demonstration.accounts import ROLES, give_accounts
from appliance.demonstration.participants import LI, ZHANG, DemonstrationAuthenticators
from appliance.model.accounts import AccountState
from appliance.model.contract import ContractState, GuestDetails
from appliance.store import accounts
from appliance.wiring import Appliance
from tests.command import called
from tests.portal.estate import drafted
from tests.world import World, contract_now, shared_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


def test_everybody_signs_in_turn(world: World, appliance: Appliance) -> None:
    draft = drafted(appliance)
    for each in (ZHANG, LI):
        appliance.drafting.add_person(draft.id, subject=each.subject, by=ZHANG.subject)
    appliance.sending.send(draft.id, by=ZHANG.subject)
    done = called(world.home.root, "demo", "--sign", draft.id)
    assert done.exit_code == 0, done.output
    assert contract_now(appliance, draft.id).state is ContractState.SIGNED


def test_nothing_is_signed_when_somebody_is_not_of_the_demonstration(world: World, appliance: Appliance) -> None:
    draft = drafted(appliance)
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    details = GuestDetails("陈外部", "丙公司示例有限公司", "chen@gamma.example", "+86 138 0000 0001")
    appliance.drafting.add_guest(draft.id, details, by=ZHANG.subject)
    done = called(world.home.root, "demo", "--sign", draft.id)
    assert done.exit_code == 1 and "陈外部 is not of the demonstration" in done.output
    assert all(each.signed_at is None for each in contract_now(appliance, draft.id).parties)


@pytest.mark.parametrize("more", [("--out", "out"), ("--contract", "/etc/hostname")])
def test_it_does_nothing_else(tmp_path: Path, more: tuple[str, str]) -> None:
    done = called(tmp_path, "demo", "--sign", "contract-1", *more)
    assert done.exit_code == 2 and "--sign takes no other option" in done.stderr


def test_who_has_an_authenticator_gets_an_account_once(world: World, appliance: Appliance) -> None:
    known = DemonstrationAuthenticators(world.home)
    for _ in range(2):
        give_accounts(appliance, known)
    with appliance.database.transaction() as tx:
        for subject, roles in ROLES.items():
            found = accounts.account(tx, subject)
            assert (found.state, found.roles) == (AccountState.ACTIVE, roles)
