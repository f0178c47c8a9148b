"""Departments, managers and directories on pages: people of one name, what officers see and change, who left."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ALPHA, OFFICER, ZHANG, ZONE
from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.contract import Contract, Deadline
from appliance.model.directories import DirectorySource, DirectoryUser, KnownUser
from appliance.model.people import Person
from appliance.store import accounts, directories, people
from appliance.wiring import Appliance
from tests.office.conftest import enter
from tests.portal.conftest import form_token
from tests.portal.office_visits import posted
from tests.portal.visitors import signed_in
from tests.world import contract_now, sample_document, send

ROLES = (AccountRole.INITIATOR, AccountRole.SIGNER)
BUYER, SELLER, THIRD = "person-ouyang-buys", "person-ouyang-sells", "person-ouyang-too"
CHIEF = "person-ouyang-chief"
NAME = "欧阳示例"
DEPARTMENTS = {BUYER: "采购部", SELLER: "销售部", THIRD: "销售部"}


@pytest.fixture(autouse=True)
def _namesakes(appliance: Appliance, cast_here: None) -> None:
    """Three of one name, two of them in one department; one of these has a manager."""
    for subject in (*DEPARTMENTS, CHIEF):
        try:
            appliance.registry.person(subject)
        except NotFound:
            name = "司马主管" if subject == CHIEF else NAME
            new = Person(subject, name, ALPHA, f"{subject}@example.test", Language.CHINESE, ZONE)
            appliance.registry.add_person(new, None, by=OFFICER)
        enter(appliance, subject, *ROLES)
    with appliance.database.transaction() as tx:
        for subject, department in DEPARTMENTS.items():
            people.set_department(tx, subject, department)
        directories.set_manager(tx, SELLER, CHIEF)


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject, ROLES)


def follows(appliance: Appliance, subject: str, *, departed: bool = False, other_name: str | None = None) -> None:
    """The account of *subject* is one of a directory, which has disabled it where it has *departed*."""
    with appliance.database.transaction() as tx:
        key, login = f"key-{subject}", subject.removeprefix("person-")
        user = DirectoryUser(key, login, other_name or NAME, f"{subject}@example.test", DEPARTMENTS[subject])
        stored = directories.stored_user(tx, DirectorySource.LDAP, key)
        known = stored.known.id if stored else secrets.token_hex(16)
        directories.save_user(
            tx, KnownUser(known, DirectorySource.LDAP, user, subject), at=appliance.now() - timedelta(days=9)
        )
        directories.set_directory_name(tx, subject, other_name)
        if departed:
            directories.insert_departure(
                tx, subject, DirectorySource.LDAP, was=AccountState.ACTIVE, at=appliance.now(), offered=True
            )
            accounts.set_state(tx, subject, AccountState.SUSPENDED)


@pytest.fixture
def directory(appliance: Appliance) -> Iterator[None]:
    """Undoes afterwards what a directory has said."""
    yield
    with appliance.database.transaction() as tx:
        for table in ("departures", "directory_users"):
            tx.execute(f"DELETE FROM {table}")  # noqa: S608 -- literals above
        for subject in DEPARTMENTS:
            directories.set_directory_name(tx, subject, None)
            if accounts.account(tx, subject).state is AccountState.SUSPENDED:
                accounts.set_state(tx, subject, AccountState.ACTIVE)


def drafted(appliance: Appliance, *, by: str = ZHANG.subject) -> Contract:
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms(title="部门示例合同", kind="采购", purpose="示例", initiator=by, deadline=deadline)
    return appliance.drafting.draft(sample_document(1), terms)


def in_parties(zhang: FlaskClient, draft: Contract, words: str) -> str:
    return zhang.get(f"/contracts/{draft.id}/draft/parties?query={quote(words)}").text


def test_people_of_one_name_differ_where_parties_are_chosen(zhang: FlaskClient, appliance: Appliance) -> None:
    draft = drafted(appliance)
    page = in_parties(zhang, draft, NAME)
    for subject, department in DEPARTMENTS.items():
        assert f"{department} · {subject}@example.test" in page
    assert page.count("直属上级：司马主管") == 1, "said beside the one of two in a department who has one"
    found = in_parties(zhang, draft, "采购部")
    assert BUYER in found and SELLER not in found and "直属上级" not in found


def test_people_of_one_name_differ_once_they_are_parties(zhang: FlaskClient, appliance: Appliance) -> None:
    draft = drafted(appliance)
    for subject in (BUYER, THIRD):
        appliance.drafting.add_person(draft.id, subject=subject, by=ZHANG.subject)
    page = zhang.get(f"/contracts/{draft.id}/draft/parties").text
    assert f"{NAME}（采购部）" in page
    assert f"{NAME}（{THIRD}@example.test）" in page, "the department has another one of the name"


def test_copies_comments_and_deputies_are_found_by_department(zhang: FlaskClient, appliance: Appliance) -> None:
    contract = send(appliance, sample_document(1))
    for address in (f"/contracts/{contract.id}/copies", f"/contracts/{drafted(appliance).id}/discussion"):
        page = zhang.get(f"{address}?find={quote('采购部')}").text
        assert f"采购部 · {BUYER}@example.test" in page and SELLER not in page
    assert f"{NAME} · 销售部 · {SELLER}@example.test" in zhang.get("/settings/absence").text
    found, _ = appliance.accounts.absences.possible_deputies(ZHANG.subject, "销售部")
    assert {each.subject for each in found} == {SELLER, THIRD}


def test_who_is_gone_is_chosen_nowhere(zhang: FlaskClient, appliance: Appliance, directory: None) -> None:
    draft = drafted(appliance)
    follows(appliance, SELLER, departed=True)
    assert SELLER not in in_parties(zhang, draft, NAME)
    assert SELLER not in zhang.get("/settings/absence").text


def test_officers_enter_departments_and_managers_of_people_without_a_directory(
    officer: FlaskClient, appliance: Appliance
) -> None:
    page, form = f"/office/people/{BUYER}", f"/office/people/{BUYER}/department"
    for wrong, said in (("nobody@example.test", "Nobody here"), (f"{BUYER}@example.test", "their own manager")):
        answer = posted(officer, page, form, department="采购部", manager=wrong)
        assert answer.status_code == 422 and said in answer.text
    assert posted(officer, page, form, department="采购一部", manager=f"{CHIEF}@example.test").status_code == 303
    assert "司马主管" in officer.get(page).text and "采购一部" in officer.get(page).text
    assert posted(officer, page, form, department="采购部", manager="").status_code == 303
    assert "司马主管" not in officer.get(page).text


def test_officers_do_not_change_what_a_directory_sets(
    officer: FlaskClient, appliance: Appliance, directory: None
) -> None:
    follows(appliance, BUYER, other_name="欧阳新名")
    shown = officer.get(f"/office/people/{BUYER}").text
    assert "LDAP, as ouyang-buys" in shown and "The directory sets roles" in shown
    assert 'name="department"' not in shown and 'name="role"' not in shown
    assert "The directory has another name: 欧阳新名" in shown
    assert "Suspend" in shown and "recovery link" in shown, "that stays with officers"
    form = {"form_token": form_token(officer), "department": "别处", "manager": "", "role": "reviewer"}
    for what in ("department", "roles"):
        answer = officer.post(f"/office/people/{BUYER}/{what}", data=form)
        assert answer.status_code in (409, 422) and "The directory sets" in answer.text
    assert appliance.accounts.administration.account(BUYER).roles == set(ROLES)
    for change in (
        lambda: appliance.accounts.administration.set_department(BUYER, "别处", by=OFFICER),
        lambda: appliance.accounts.administration.set_manager(BUYER, "", by=OFFICER),
    ):
        with pytest.raises(StateRefused):
            change()


def test_officers_see_who_left_and_what_waits(officer: FlaskClient, appliance: Appliance, directory: None) -> None:
    assert "according to the directory" not in officer.get("/office").text
    terms = drafted(appliance, by=SELLER)
    follows(appliance, BUYER)
    follows(appliance, SELLER, departed=True)
    assert "People who have left, according to the directory: 1" in officer.get("/office").text
    page = officer.get("/office/departed").text
    assert f"{SELLER}@example.test" in page and BUYER not in page
    assert f"/office/people/{SELLER}/contracts" in page
    person = officer.get(f"/office/people/{SELLER}").text
    assert "Left since" in person and "End the suspension" not in person
    assert "Record the departure" in person
    work = officer.get(f"/office/people/{SELLER}/contracts").text
    assert terms.title in work and f"{NAME} · 采购部" in work
    found = officer.get(f"/office/people/{SELLER}/contracts?find={quote('采购部')}").text
    assert BUYER in found and THIRD not in found
    chosen = {
        "contract": terms.id,
        "party": "",
        "to": BUYER,
        "reason": "前任离职",
        "form_token": form_token(officer),
    }
    assert officer.post(f"/office/people/{SELLER}/contracts", data=chosen).status_code == 303
    assert contract_now(appliance, terms.id).initiator == BUYER


def test_who_came_back_is_listed_for_a_while(officer: FlaskClient, appliance: Appliance, directory: None) -> None:
    follows(appliance, SELLER)
    with appliance.database.transaction() as tx:
        known = directories.user_of(tx, SELLER)
        assert known is not None
        directories.set_departed(tx, known.id, appliance.now() - timedelta(days=2))
    page = officer.get("/office/departed").text
    assert "Back again" in page and f"{SELLER}@example.test" in page


def test_the_own_profile_says_what_the_directory_sets(
    portal: Flask, appliance: Appliance, directory: None
) -> None:
    follows(appliance, SELLER)
    own = signed_in(portal, appliance, SELLER, ROLES)
    page = own.get("/settings").text
    assert "销售部" in page and "司马主管" in page and "目录" in page
    answer = own.post(
        "/settings/profile",
        data={"form_token": form_token(own), "name": "自取之名", "language": "zh", "zone": ZONE},
    )
    assert answer.status_code == 422
    assert appliance.registry.person(SELLER).name == NAME
