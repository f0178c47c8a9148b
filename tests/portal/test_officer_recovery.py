"""``/setup/recovery``: an officer who lost the passkey comes in again, after a ceremony on the machine."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.accounts import passwords
from appliance.archive_renewal import CeremonyRecords
from appliance.demonstration.participants import OFFICER
from appliance.health.authority_checks import recovery
from appliance.health.check_context import open_check_context
from appliance.health.findings import Condition, RunbookPage
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.notice import NoticeKind
from appliance.store import accounts
from appliance.store.database import Transaction
from appliance.wiring import Appliance
from hsm.store.ceremonies import new_code
from tests.portal import signing_visits as visits
from tests.portal.conftest import portal_of
from tests.portal.office_visits import OFFICER_NAME, account_of, signed_in, token_in
from tests.portal.test_office_setup import PASSWORD, finished, leads_nowhere, visiting, way_back
from tests.world import World, authority, copy_home, load, template_home

LOGIN = "o-wang"
_networks = itertools.count(1)


@pytest.fixture(scope="module")
def recovered() -> Iterator[tuple[World, str]]:
    """A home whose only officer lost the passkey, and the code that the ceremony has left."""
    with tempfile.TemporaryDirectory(prefix="vermilion-") as directory:
        home = copy_home(template_home(), Path(directory))
        world = World(home, load(home))
        with authority(home), world.opened() as appliance:
            account_of(appliance, OFFICER, frozenset({AccountRole.OFFICER}))
        yield world, recover(world)


def recover(world: World) -> str:
    """What `vermilion-authority recover` shows last."""
    plan = world.home.root / "recovery.toml"
    plan.write_bytes(resources.files("hsm.ceremonies").joinpath("recovery.toml").read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "hsm.cli", "recover", str(plan)],
        env={**os.environ, "VERMILION_HOME": str(world.home.root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()[-1].strip()


def asked(browser: FlaskClient, login: str = LOGIN) -> TestResponse:
    """The portal's answer to the first form, each time from another network."""
    browser.environ_base["REMOTE_ADDR"] = f"192.0.2.{next(_networks)}"
    page = browser.get(f"/setup/recovery?login={login}").text
    assert f'name="login" type="text" value="{login}"' in page
    return browser.post("/setup/recovery", data={"form_token": token_in(page), "login": login})


def come_in(appliance: Appliance, browser: FlaskClient, leads: TestResponse, code: str) -> TestResponse:
    """What the officer sees last, who types *code*, makes a passkey, and fills in the last form."""
    device = visits.new_device(appliance)
    page = visits.set_up(browser, appliance, leads, device, setup_code=code)
    return finished(browser, appliance, page, device)


def told(tx: Transaction) -> set[tuple[str, str]]:
    kind = NoticeKind.OFFICER_RECOVERY
    return set(tx.execute("SELECT recipient, about FROM outbox WHERE kind = ?", (kind,)).fetchall())


def test_an_officer_comes_in_again(recovered: tuple[World, str]) -> None:
    world, code = recovered
    with authority(world.home), world.opened() as appliance:
        portal = portal_of(appliance, appliance.authority)
        before, browser = signed_in(portal, appliance, OFFICER), visiting(portal)
        assert before.get("/office").status_code == 200
        assert 'href="/setup/recovery"' in browser.get("/setup").text, "a first officer's code counts, too"
        assert 'name="login"' in browser.get("/setup/recovery").text
        seen_by_officers(world, appliance)

        for login, given, status, said in (
            (LOGIN, new_code(), 403, "code is wrong"),
            ("nobody", code, 403, "code is wrong"),
            (LOGIN, "", 409, "Enter the code"),
        ):
            leads = asked(browser, login)
            assert leads.status_code == 303 and "/register/" in leads.headers["Location"]
            answer = come_in(appliance, browser, leads, given)
            assert (answer.status_code, said in answer.text) == (status, True), answer.text
            assert PASSWORD not in answer.text and OFFICER not in answer.text
            assert OFFICER_NAME not in answer.text, "nor which logins there are"
            leads_nowhere(portal, way_back(appliance, leads))

        answer = come_in(appliance, browser, asked(browser), code)
        assert answer.status_code == 303 and answer.headers["Location"].endswith("/office")
        assert browser.get("/office").status_code == 200
        assert before.get("/office").status_code != 200, "whoever was signed in before is out"
        [known] = appliance.authority.credentials(OFFICER)
        account = appliance.accounts.administration.account(OFFICER)
        assert (account.state, account.passkeys) == (AccountState.ACTIVE, 1)
        again = visiting(portal)
        assert "No officer is being given a new way in" in again.get("/setup/recovery").text
        late = {"form_token": token_in(again.get("/verify").text), "login": LOGIN, "code": code}
        assert again.post("/setup/recovery", data={**late, "password": PASSWORD}).status_code in (403, 409)
        assert [each.credential_id for each in appliance.authority.credentials(OFFICER)] == [known.credential_id]
        with appliance.database.reading() as tx:
            assert (OFFICER, OFFICER) in told(tx)


def seen_by_officers(world: World, appliance: Appliance) -> None:
    """The ceremony is in the log, in every officer's mail, and for a week before the administrators."""
    records = CeremonyRecords(appliance.database, appliance.authority, appliance.now)
    with world.opened(role="scheduler") as scheduler:
        records = CeremonyRecords(appliance.database, scheduler.authority, appliance.now)
        records.record_ceremonies()
        records.record_ceremonies()
    with appliance.database.reading() as tx:
        assert told(tx) == {(OFFICER, "2")}
    with open_check_context(world.home, role="scheduler", now=appliance.now()) as opened:
        finding = recovery(opened)
    assert (finding.condition, finding.page) == (Condition.ATTENTION, RunbookPage.OFFICER_RECOVERY)


def test_a_form_of_somebody_else_leads_to_no_session(recovered: tuple[World, str]) -> None:
    """Anybody can send the form for any login; only one code is typed, on the page to which the officer's own form
    has led."""
    world, code = recovered[0], recover(recovered[0])
    with authority(world.home), world.opened() as appliance:
        portal, device = portal_of(appliance, appliance.authority), visits.new_device(appliance)
        early, officer, late = (visiting(portal) for _ in range(3))
        before, own, after = (asked(each) for each in (early, officer, late))
        page = visits.set_up(officer, appliance, own, device, setup_code=code)
        for leads in (before, after):
            leads_nowhere(portal, way_back(appliance, leads))
        theirs = early.get(page.request.path)
        words, other = "另一个 蜡 雨 四更 钟楼", visits.new_device(appliance)
        stolen = finished(early, appliance, theirs, other, password=words)
        assert stolen.status_code == 403 and early.get("/office").status_code == 303
        done = finished(officer, appliance, page, device)
        assert done.headers["Location"].endswith("/office") and officer.get("/office").status_code == 200
        for stranger, leads in ((early, before), (late, after)):
            assert come_in(appliance, stranger, leads, code).status_code == 403, "the code is used up"
            leads_nowhere(portal, way_back(appliance, leads))
        with appliance.database.reading() as tx:
            kept = accounts.password(tx, OFFICER)
        assert passwords.password_matches(PASSWORD, kept)


@pytest.mark.long
def test_a_recovery_that_was_broken_off_is_finished_later_and_none_opens_a_closed_account(
    recovered: tuple[World, str],
) -> None:
    world, code = recovered[0], recover(recovered[0])
    with authority(world.home), world.opened() as appliance:
        browser = visiting(portal_of(appliance, appliance.authority))
        leads, device = asked(browser), visits.new_device(appliance)
        given = visits.register(appliance, leads, device, setup_code=code)
        assert given.status_code == 303, "and the officer does not come back at once"
        [known] = appliance.authority.credentials(OFFICER)
        done = finished(browser, appliance, browser.get(way_back(appliance, leads)), device)
        assert done.headers["Location"].endswith("/office")
        with appliance.database.reading() as tx:
            row = tx.execute("SELECT credential FROM passkeys WHERE subject = ?", (OFFICER,)).fetchone()
        assert bytes(row[0]) == known.credential_id
    code = recover(world)
    with authority(world.home), world.opened() as appliance:
        with appliance.database.transaction() as tx:
            accounts.set_state(tx, OFFICER, AccountState.LEFT)
        browser = visiting(portal_of(appliance, appliance.authority))
        assert come_in(appliance, browser, asked(browser), code).status_code == 403
        assert appliance.authority.credentials(OFFICER) == []
