"""``/setup/recovery``: an officer who lost the passkey comes in again, after a ceremony on the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from appliance.archive_renewal import CeremonyRecords
from appliance.demonstration.participants import OFFICER
from appliance.health.authority_checks import recovery
from appliance.health.check_context import open_check_context
from appliance.health.findings import Condition, RunbookPage
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.notice import NoticeKind
from appliance.office.appointing import Appointing
from appliance.store import accounts
from appliance.store.database import Transaction
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.store.ceremonies import new_code
from tests.portal.conftest import portal_of
from tests.portal.office_visits import account_of, options_in, registration_by, signed_in, token_in
from tests.portal.test_office_setup import PASSWORD, DyingAuthority, visiting
from tests.world import World, authority, copy_home, load, template_home, with_parts

LOGIN = "o-wang"


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


def filled(appliance: Appliance, page: str, code: str, **changes: str) -> dict[str, str]:
    """The form, answered by a new authenticator."""
    web = appliance.settings.web
    device = SoftwareAuthenticator.create(web.relying_party, web.origin)
    answer = registration_by(device, str(options_in(page)["challenge"]))
    hidden = {name: token_in(page, name) for name in ("form_token", "ticket", "login")}
    return {**hidden, "credential": answer, "code": code, "password": PASSWORD, **changes}


def page_of(browser: FlaskClient, login: str = LOGIN) -> str:
    return browser.get(f"/setup/recovery?login={login}").text


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
            (LOGIN, "", 422, "Enter the code"),
        ):
            answer = browser.post("/setup/recovery", data=filled(appliance, page_of(browser, login), given))
            assert (answer.status_code, said in answer.text) == (status, True), answer.text
            assert PASSWORD not in answer.text and OFFICER not in answer.text
        weak = filled(appliance, page_of(browser), code, password="short")
        assert browser.post("/setup/recovery", data=weak).status_code == 422
        stolen = filled(appliance, page_of(browser), code, ticket=token_in(page_of(browser, "nobody"), "ticket"))
        assert browser.post("/setup/recovery", data=stolen).status_code == 409

        answer = browser.post("/setup/recovery", data=filled(appliance, page_of(browser), code))
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


def test_a_recovery_that_was_broken_off_is_completed_and_none_opens_a_closed_account(
    recovered: tuple[World, str],
) -> None:
    world, code = recovered[0], recover(recovered[0])
    with authority(world.home), world.opened() as appliance:
        dying = Appointing.__new__(Appointing)
        for name, value in vars(appliance.appointing).items():
            setattr(dying, name, value)
        dying._authority = DyingAuthority(appliance.authority, "restore_officer")  # type: ignore[assignment]
        broken = portal_of(with_parts(appliance, appointing=dying), appliance.authority)
        browser = visiting(broken)
        assert browser.post("/setup/recovery", data=filled(appliance, page_of(browser), code)).status_code == 503
        [known] = appliance.authority.credentials(OFFICER)
        appliance.appointing.state()
        with appliance.database.reading() as tx:
            row = tx.execute("SELECT credential FROM passkeys WHERE subject = ?", (OFFICER,)).fetchone()
        assert bytes(row[0]) == known.credential_id
    code = recover(world)
    with authority(world.home), world.opened() as appliance:
        with appliance.database.transaction() as tx:
            accounts.set_state(tx, OFFICER, AccountState.LEFT)
        browser = visiting(portal_of(appliance, appliance.authority))
        assert browser.post("/setup/recovery", data=filled(appliance, page_of(browser), code)).status_code == 403
        assert appliance.authority.credentials(OFFICER) == []
