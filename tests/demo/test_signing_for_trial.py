"""``vermilion demo --sign`` and ``--code``: the demonstration's people sign what waits for them, nobody else does,
and codes are told of their contracts alone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.accounts.sessions import ClientInfo
from appliance.cli.founding import give_accounts_for_trying
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.accounts import ROLES, give_accounts
from appliance.demonstration.participants import LI, ZHANG, ZONE, DemonstrationAuthenticators
from appliance.model.accounts import AccountState
from appliance.model.contract import Contract, ContractState, Deadline, GuestDetails, Placement
from appliance.model.mail_merge import BatchOrder, MergeStage, RowState, TypedParty, TypedRow
from appliance.store import accounts, mail_merges
from appliance.wiring import Appliance
from tests.command import called
from tests.portal.estate import drafted
from tests.world import World, contract_now, copy_home, sample_document, shared_world


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


def sent_outside(appliance: Appliance) -> Contract:
    """A contract of Zhang, somebody from a third company, with which nobody has agreed yet, and Li; in turn."""
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("采购", "采购", "示例", ZHANG.subject, deadline)
    draft, by = appliance.drafting.draft(sample_document(2), terms), ZHANG.subject
    appliance.drafting.add_person(draft.id, subject=by, by=by)
    details = GuestDetails("陈外部", "丙公司示例有限公司", "chen@gamma.example", "+86 138 0000 0001")
    party = appliance.drafting.add_guest(draft.id, details, by=by)
    appliance.drafting.place(draft.id, party.id, [Placement(0, 10, 10, 30, 10)], by=by)
    appliance.drafting.add_person(draft.id, subject=LI.subject, by=by)
    return appliance.sending.send(draft.id, by=by)


def test_signing_stops_at_whoever_is_not_of_the_demonstration(world: World, appliance: Appliance) -> None:
    contract = sent_outside(appliance)
    early = called(world.home.root, "demo", "--code", contract.id)
    assert early.exit_code == 1 and "as soon as it is their turn" in early.output
    done = called(world.home.root, "demo", "--sign", contract.id)
    assert done.exit_code == 0 and "not signed  陈外部 is not of the demonstration" in done.output, done.output
    assert [each.signed_at is not None for each in contract_now(appliance, contract.id).parties] == [1, 0, 0]
    again = called(world.home.root, "demo", "--sign", contract.id)
    assert again.exit_code == 1 and "陈外部 is not of the demonstration" in again.output


def test_the_code_that_is_printed_lets_the_outside_signer_in(world: World, appliance: Appliance) -> None:
    contract = sent_outside(appliance)
    called(world.home.root, "demo", "--sign", contract.id)
    done = called(world.home.root, "demo", "--code", contract.id)
    found = re.search(r"陈外部: (\d{8})\n", done.output)
    assert done.exit_code == 0 and found, done.output
    link = appliance.addresses.invitation_url(appliance.guests.of_party(contract.parties[1].id))
    assert appliance.entering.admit(link.rpartition("/")[2], found[1], ClientInfo("192.0.2.7"))


@pytest.mark.parametrize("option", ["--sign", "--code"])
def test_no_home_but_a_trial_one_signs_or_tells_codes(
    world: World, appliance: Appliance, tmp_path: Path, option: str
) -> None:
    """An appliance's settings are linked; a home of an organisation's own has no fictional people."""
    contract = sent_outside(appliance)
    for managed in (True, False):
        home = copy_home(world.home, tmp_path / str(managed))
        if managed:
            home.settings.parent.rename(tmp_path / "laid down")
            (home.root / "config").symlink_to(tmp_path / "laid down")
        else:
            shutil.rmtree(home.people)
        done = called(home.root, "demo", option, contract.id)
        assert done.exit_code == 1 and "was not made for trying" in done.output, done.output


def test_codes_of_other_initiators_are_not_told(world: World, appliance: Appliance, tmp_path: Path) -> None:
    contract = drafted(appliance, LI.subject)
    home = copy_home(world.home, tmp_path / "home")
    (home.people / f"{LI.subject}.json").unlink()
    done = called(home.root, "demo", "--code", contract.id)
    assert done.exit_code == 1 and "contracts of the demonstration's people" in done.output, done.output


def test_what_waits_for_nobody_is_refused(world: World, appliance: Appliance) -> None:
    done = called(world.home.root, "demo", "--sign", drafted(appliance).id)
    assert done.exit_code == 1 and "waits for no signature" in done.output


@pytest.mark.parametrize("option", ["--sign", "--code"])
@pytest.mark.parametrize("more", [("--out", "out"), ("--contract", "/etc/hostname")])
def test_it_does_nothing_else(tmp_path: Path, option: str, more: tuple[str, str]) -> None:
    done = called(tmp_path, "demo", option, "contract-1", *more)
    assert done.exit_code == 2 and f"{option} takes no other option" in done.stderr


def test_each_initiator_is_offered_one_template(world: World, appliance: Appliance) -> None:
    for _ in range(2):
        give_accounts_for_trying(world.home)
    for each in (ZHANG, LI):
        [template] = appliance.writing.templates.all(each.subject)
        assert [role.name for role in template.current.parties.open_roles] == ["卖方"]
    [template] = appliance.writing.templates.all(ZHANG.subject)
    values = {
        "货物": "设备",
        "数量": 2,
        "总价": "5.00",
        "交货日期": "2090-12-31",
        "运输": "买方自提",
        "培训": True,
    }
    row = TypedRow({"卖方": TypedParty("钱一号", "丙公司", "q@c.example")}, values)
    batch = appliance.mail_merges.create(
        BatchOrder(template.id, [row], stage=MergeStage.SENDING), by=ZHANG.subject
    )
    while appliance.merge_rounds.run_round(lanes=1):
        pass
    with appliance.database.reading() as tx:
        [made] = mail_merges.rows_of(tx, batch.id)
    assert made.state is RowState.SENT, made
    assert contract_now(appliance, made.contract).state is ContractState.SENT


def test_who_has_an_authenticator_gets_an_account_once(world: World, appliance: Appliance) -> None:
    known = DemonstrationAuthenticators(world.home)
    for _ in range(2):
        give_accounts(appliance, known)
    with appliance.database.transaction() as tx:
        for subject, roles in ROLES.items():
            found = accounts.account(tx, subject)
            assert (found.state, found.roles) == (AccountState.ACTIVE, roles)
