"""What follows when the organisation's directories and its identity provider are an attacker's: sessions of the
people whom they name, and no more. Authority, portal and the accounts that follow are the real ones."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from pysqlite3 import dbapi2 as sqlite

from appliance.config import load
from appliance.demonstration.participants import CUSTODIAN, OFFICER, ZHANG
from appliance.directories.single_sign_on import SignOnRefused
from appliance.directory_service.client import DirectoryUnavailable
from appliance.errors import ApplianceError, ConfigurationError, PreconditionRefused, StateRefused
from appliance.home import Home
from appliance.model.accounts import AccountRole, AccountState, LinkPurpose, OpenedSession, Strength
from appliance.model.contract import Contract
from appliance.model.directories import (
    DirectoryProblem,
    DirectorySource,
    HeldKind,
    ProviderIdentity,
    RoundOutcome,
)
from appliance.store import accounts, directories, intents, people, single_sign_on
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused, AuthorityError
from hsm.intents import OfficerIntent, SigningIntent, WebAuthnActivation
from tests.directories.authority import Authority
from tests.directories.people import GROUPS, PEOPLE, SUFFIX, entry
from tests.directories.relay import relay
from tests.directories.slapd import PASSWORD, READER, Slapd, needs_slapd, slapd
from tests.portal import signing_visits as visits
from tests.portal.estate import sent
from tests.portal.office_visits import signed_in, token_in
from tests.takeover.directory_attacker import (
    AUDITOR,
    EVERY_GROUP,
    ISSUER,
    WHERE,
    Attacker,
    attacked,
    linked,
)
from tests.world import World, contract_now, kept, shared_world

pytestmark = [pytest.mark.slow, pytest.mark.processes]

SOURCES = list(DirectorySource)
"""LDAP, SCIM, and a provider that says who there is."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture
def attacker(world: World, tmp_path: Path) -> Iterator[Attacker]:
    with kept(world.home.database, tmp_path), attacked(world) as attacker:
        yield attacker


def rows_of(appliance: Appliance, subject: str) -> dict[str, list[Any]]:
    """All that is kept about *subject*, in every table that names one, by the table; not what directories say."""
    found = {}
    with appliance.database.reading() as tx:
        tables = [row[0] for row in tx.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = [row[1] for row in tx.execute(f"PRAGMA table_info({table})")]
            if "subject" in columns and table != "directory_users":
                query = f"SELECT * FROM {table} WHERE subject = ? ORDER BY 1, 2"  # noqa: S608 -- the schema's names
                found[table] = [tuple(row) for row in tx.execute(query, (subject,))]
    return found


@contextmanager
def untouched(attacker: Attacker, *subjects: str) -> Iterator[None]:
    """Nothing that is kept about them has changed in the end."""
    before = [rows_of(attacker.appliance, each) for each in subjects]
    assert all(each["accounts"] for each in before)
    yield
    assert [rows_of(attacker.appliance, each) for each in subjects] == before


def roles_of(attacker: Attacker, subject: str) -> frozenset[AccountRole]:
    return frozenset(attacker.appliance.accounts.administration.account(subject).roles)


def state_of(attacker: Attacker, subject: str) -> AccountState:
    return attacker.appliance.accounts.administration.account(subject).state


# --- (a) an officer's address, login and name; (b) every group


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("subject", [OFFICER, AUDITOR])
def test_nobody_takes_the_account_of_a_duty(attacker: Attacker, source: DirectorySource, subject: str) -> None:
    """By mail address, login or name of an officer or an auditor."""
    person = attacker.appliance.registry.person(subject)
    login = attacker.appliance.accounts.administration.account(subject).login
    with untouched(attacker, OFFICER, AUDITOR):
        by_address = attacker.tells(source, login="first", email=person.email.upper(), name=person.name)
        assert (by_address.subject, by_address.problem) == (None, DirectoryProblem.ADDRESS_OF_DUTY)
        by_login = attacker.tells(source, login=login, email="second@alpha.example", name=person.name)
        assert by_login.subject is not None and by_login.subject.startswith("person-")
        assert attacker.appliance.accounts.administration.account(by_login.subject).login != login
        assert roles_of(attacker, by_login.subject) == {AccountRole.SIGNER}


def test_the_database_refuses_it_too(attacker: Attacker) -> None:
    """Whatever a workflow might do: no user of a directory, no identity and no such session is an officer's."""
    user, identity = attacker.tells(DirectorySource.LDAP), ProviderIdentity(ISSUER, "sub")
    appliance = attacker.appliance
    for statement, value in (
        ("UPDATE directory_users SET subject = ? WHERE id = ?", user.id),
        ("UPDATE accounts SET single_sign_on = (? <> '') WHERE subject = ?", OFFICER),
        ("UPDATE accounts SET single_sign_on = (? <> '') WHERE subject = ?", AUDITOR),
    ):
        with pytest.raises(sqlite.IntegrityError), appliance.database.transaction() as tx:
            tx.execute(statement, (OFFICER, value))
    for subject in (OFFICER, "person-guest-00000000cafe"):
        other = replace(user, id="0" * 32, user=replace(user.user, key="other"), subject=subject)
        with (
            pytest.raises(sqlite.IntegrityError, match="no directory has officers"),
            appliance.database.transaction() as tx,
        ):
            directories.save_user(tx, other, at=appliance.now())
    with pytest.raises(sqlite.IntegrityError, match="use single sign-on"), appliance.database.transaction() as tx:
        single_sign_on.link_identity(tx, identity, OFFICER, now=appliance.now())
    for subject in (OFFICER, AUDITOR, CUSTODIAN.subject):  # the last one has a local account alone
        with pytest.raises(sqlite.IntegrityError), appliance.database.transaction() as tx:
            appliance.sessions.open_session(tx, subject, Strength.SINGLE_SIGN_ON, WHERE)


@pytest.mark.parametrize("source", SOURCES)
def test_no_group_makes_an_officer_and_none_alone_an_auditor(attacker: Attacker, source: DirectorySource) -> None:
    every = attacker.tells(source, login="every", email="every@alpha.example", groups=EVERY_GROUP)
    assert every.problem == DirectoryProblem.FORBIDDEN_ROLES
    if source is DirectorySource.SCIM:  # which says who somebody is before it says in which groups
        assert every.subject == "person-every"
    else:
        assert every.subject is None
    signing = EVERY_GROUP - {"审计", "运维"}
    found = attacker.tells(source, login="signing", email="signing@alpha.example", groups=signing)
    assert found.subject is not None
    assert roles_of(attacker, found.subject) == {
        *(AccountRole.INITIATOR, AccountRole.SIGNER, AccountRole.REVIEWER, AccountRole.CUSTODIAN)
    }
    auditor = attacker.tells(source, login="auditing", email="a@alpha.example", groups=frozenset({"审计"}))
    if source is DirectorySource.SCIM:
        assert auditor.problem == DirectoryProblem.OTHER_DUTY
    else:
        assert auditor.subject is None
        assert [each.kind for each in attacker.appliance.directory_accounts.report().held] == [HeldKind.DUTY]
    duties = {AccountRole.OFFICER, AccountRole.AUDITOR, AccountRole.OPERATOR}
    everybody = attacker.appliance.database.query(accounts.everybody)
    assert {each.subject for each in everybody if duties & set(each.roles)} == {OFFICER, AUDITOR}


def test_who_signs_does_not_become_an_auditor(attacker: Attacker) -> None:
    key = linked(attacker, ZHANG)
    attacker.says(key, groups=frozenset({"审计"}))
    attacker.read()
    assert attacker.known(key).problem == DirectoryProblem.OTHER_DUTY
    assert AccountRole.AUDITOR not in roles_of(attacker, ZHANG.subject)


def test_an_auditor_who_was_agreed_to_gets_no_other_address(attacker: Attacker) -> None:
    """What leads into the account of an auditor goes where two administrators were told, and nowhere else."""
    told = attacker.says("audit", email="audit@alpha.example", groups=frozenset({"审计"}))
    attacker.read()
    attacker.released(HeldKind.DUTY)
    subject = attacker.known("audit").subject
    assert subject is not None
    attacker.says("audit", email="thief@evil.example")
    attacker.read()
    attacker.says("audit", enabled=False)
    attacker.read()
    attacker.says("audit", enabled=True)
    attacker.read()
    assert attacker.appliance.registry.person(subject).email == told.email


def test_the_settings_name_no_group_of_officers(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.settings.parent.mkdir()
    for line in ('officer = ["officers"]', 'everybody = ["officer"]', 'everybody = ["auditor"]'):
        home.settings.write_text(f"[directory]\n{line}\n", encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"directory\."):
            load(home)


# --- (c) a session of somebody who is enrolled


@pytest.fixture
def session(attacker: Attacker) -> OpenedSession:
    """The attacker is in, as Zhang, who is enrolled."""
    linked(attacker, ZHANG)
    return attacker.comes_in("sub-zhang", preferred_username="zhang").opened


@pytest.fixture
def contract(attacker: Attacker) -> Contract:
    """It waits for Zhang's signature."""
    return sent(attacker.appliance, ZHANG.subject)


def intent_of(appliance: Appliance, contract: Contract) -> SigningIntent:
    """What Zhang is asked to activate."""
    [record] = appliance.database.query(intents.of_contract, contract.id)
    assert isinstance(record.intent, SigningIntent)
    return record.intent


def is_refused(appliance: Appliance, act: SigningIntent | OfficerIntent, activation: WebAuthnActivation) -> None:
    """By the authority, at the socket of the activation service."""
    with (
        AuthorityClient(appliance.settings.home.authority_socket("activation")) as service,
        pytest.raises(ActivationRefused),
    ):
        service.approve(act, activation)


def refuses(appliance: Appliance, intent: SigningIntent, device: SoftwareAuthenticator) -> None:
    """The authority takes no activation by *device* in Zhang's name, and signs nothing."""
    is_refused(appliance, intent, device.activate(ZHANG.subject, intent))
    with pytest.raises(AuthorityError):
        appliance.authority.sign_document(intent)
    assert appliance.authority.approvals(intent).given == ()


def test_a_session_signs_nothing(attacker: Attacker, session: OpenedSession, contract: Contract) -> None:
    appliance, browser = attacker.appliance, attacker.browser(session.secret)
    asked = visits.ask(browser, f"/contracts/{contract.id}/sign")
    assert asked.status_code == 303, "whoever is in sees the contract, and gets as far as the confirmation"
    intent = intent_of(appliance, contract)
    refuses(appliance, intent, visits.new_device(appliance))
    visits.confirm(browser, appliance, ZHANG.subject, asked)
    assert appliance.authority.approvals(intent).given == (ZHANG.subject,), "Zhang's own passkey does it"


def test_a_passkey_of_ones_own_counts_when_officers_say_so(
    attacker: Attacker, session: OpenedSession, contract: Contract
) -> None:
    """In a session of Zhang's another passkey is registered. It signs nothing, and lets nobody in."""
    appliance, browser = attacker.appliance, attacker.browser(session.secret)
    visits.ask(browser, f"/contracts/{contract.id}/sign")
    intent, thief = intent_of(appliance, contract), visits.new_device(appliance)
    before = appliance.authority.credentials(ZHANG.subject)
    asked = browser.post("/settings/signing", data={"form_token": token_in(browser.get("/settings/signing").text)})
    assert visits.set_up(browser, appliance, asked, thief).status_code == 303
    [pending] = appliance.authority.pending_credentials(ZHANG.subject)
    assert pending.credential_id == thief.credential_id
    refuses(appliance, intent, thief)
    assert appliance.authority.credentials(ZHANG.subject) == before
    with appliance.database.reading() as tx:
        assert accounts.passkeys_of(tx, ZHANG.subject) == []
    [request] = appliance.office.requests.requests_of(ZHANG.subject)
    decision = appliance.office.drafts.draft_enrolment(request.id, verified="身份证原件", by=OFFICER)
    act = appliance.office.decisions.to_activate(decision)
    is_refused(appliance, act, thief.activate(OFFICER, act))
    with pytest.raises(ApplianceError):
        appliance.office.decisions.perform_decision(decision.id, by=OFFICER)
    refuses(appliance, intent, thief)


LOCAL = ("/settings/password", "/settings/code", "/settings/passkeys/new", "/settings/passkeys")
"""Where the local ways to sign in are changed."""


def test_nobody_stays_by_a_factor_of_their_own(attacker: Attacker, session: OpenedSession) -> None:
    appliance, browser = attacker.appliance, attacker.browser(session.secret)
    token = token_in(browser.get("/settings").text)
    before = rows_of(appliance, ZHANG.subject)
    for path in LOCAL:
        typed = {
            "form_token": token,
            "password": "x",
            "new": "朱砂 蜡 雨 四更 钟楼",
            "again": "朱砂 蜡 雨 四更 钟楼",
        }
        assert browser.post(path, data=typed).status_code == 403, path
    assert browser.get("/settings/passkeys/AAAA/remove").status_code == 403
    after = rows_of(appliance, ZHANG.subject)
    for table in ("accounts", "passkeys", "account_links"):
        assert after.get(table) == before.get(table), table
    # one's own passkey opens a session that may
    assert signed_in(attacker.portal, appliance, ZHANG.subject).get("/settings/code").status_code == 200


def test_a_calendar_that_was_made_in_a_session_ends_with_the_account(
    attacker: Attacker, session: OpenedSession
) -> None:
    """What remains until its owner makes a new address: dates and titles can be read without a sign-in."""
    browser, token = attacker.browser(session.secret), attacker.browser()
    typed = {"form_token": token_in(browser.get("/settings/reminders").text)}
    shown = browser.post("/settings/reminders/calendar", data=typed).text
    [path] = set(re.findall(r"/calendar/[\w-]+\.ics", shown))
    assert token.get(path).status_code == 200
    attacker.says("colleague")
    attacker.says("zhang", enabled=False)
    attacker.read()
    assert token.get(path).status_code == 404
    assert browser.get("/settings").status_code in (302, 303)


def test_no_office_no_console_and_no_recovery(attacker: Attacker, session: OpenedSession) -> None:
    """A session by the provider sees no page of officers; whoever has lost their factors asks one."""
    appliance, browser = attacker.appliance, attacker.browser(session.secret)
    paths = {
        re.sub("<[^>]*>", ZHANG.subject, rule.rule)
        for rule in attacker.portal.url_map.iter_rules()
        if rule.rule.startswith("/office") and "GET" in (rule.methods or ())
    }
    assert len(paths) > 12
    assert {path: status for path in paths if (status := browser.get(path).status_code) not in (403, 404)} == {}
    for what in ("suspend", "resume", "recover", "invite"):
        with untouched(attacker, ZHANG.subject, OFFICER):
            typed = {"form_token": token_in(browser.get("/settings").text)}
            assert browser.post(f"/office/people/{ZHANG.subject}/{what}", data=typed).status_code == 403
    assert "form_token" not in browser.get("/recover").text.partition("<main")[2].partition("</main")[0]
    with pytest.raises(PreconditionRefused):
        appliance.accounts.administration.recover(ZHANG.subject, by=ZHANG.subject)


def test_another_address_brings_no_link(attacker: Attacker) -> None:
    """Whoever has the mail address of somebody who is enrolled gets notices, and no way in."""
    key = linked(attacker, ZHANG)
    attacker.says(key, email="thief@evil.example")
    attacker.read()
    appliance = attacker.appliance
    assert appliance.registry.person(ZHANG.subject).email == "thief@evil.example"
    with appliance.database.reading() as tx:
        assert all(accounts.open_link(tx, ZHANG.subject, purpose) is None for purpose in LinkPurpose)
        assert tx.execute("SELECT count(*) FROM account_links WHERE subject = ?", (ZHANG.subject,)).fetchone() == (
            0,
        )


# --- (d) names


def certified_name(appliance: Appliance, subject: str) -> str:
    certificate = x509.load_der_x509_certificate(appliance.authority.certificate(subject))
    [name] = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(name.value)


@pytest.mark.parametrize("source", SOURCES)
def test_another_person_of_the_same_name_is_another_person(attacker: Attacker, source: DirectorySource) -> None:
    appliance = attacker.appliance
    with untouched(attacker, ZHANG.subject):
        twin = attacker.tells(source, login="zhang.shili", name=ZHANG.name, email="zhang2@alpha.example").subject
    assert twin is not None and twin != ZHANG.subject
    assert not appliance.registry.is_enrolled(twin) and appliance.authority.credentials(twin) == []


def test_a_verified_name_stays(attacker: Attacker, contract: Contract) -> None:
    """Renamed to the officer, or to anybody, people go on under the name that officers have verified."""
    key, appliance = linked(attacker, ZHANG), attacker.appliance
    for name in (CUSTODIAN.name, "王登记", "董事长"):
        attacker.says(key, name=name)
        attacker.read()
        assert appliance.registry.person(ZHANG.subject).name == ZHANG.name
        assert certified_name(appliance, ZHANG.subject).startswith(ZHANG.name)
    session = attacker.comes_in("sub-zhang", preferred_username="zhang", name="董事长").opened
    browser = attacker.browser(session.secret)
    typed = {
        "form_token": token_in(browser.get("/settings").text),
        "name": "董事长",
        "language": "en",
        "zone": "UTC",
    }
    assert browser.post("/settings/profile", data=typed).status_code == 422
    visits.ask(browser, f"/contracts/{contract.id}/sign")
    assert intent_of(appliance, contract).signer == ZHANG.subject
    assert appliance.registry.person(ZHANG.subject).name == ZHANG.name


# --- (e) many people at once, and their managers

STAFF = 40


def staff(attacker: Attacker, count: int = STAFF) -> list[str]:
    """The keys of people who are here by the directory."""
    keys = [attacker.says(f"staff-{number:03}").key for number in range(count)]
    attacker.read()
    return keys


def gone(attacker: Attacker) -> int:
    """How many people of the directory are shut out."""
    everybody = attacker.appliance.database.query(accounts.everybody)
    return sum(each.state is AccountState.SUSPENDED for each in everybody)


@pytest.mark.parametrize("spared", [0, 20])
def test_no_directory_shuts_many_out_at_once(attacker: Attacker, spared: int) -> None:
    for key in staff(attacker)[spared:]:
        attacker.says(key, enabled=False)
    assert attacker.read().outcome is RoundOutcome.HELD
    assert gone(attacker) == 0
    [held] = attacker.appliance.directory_accounts.report().held
    assert (held.kind, held.count) == (HeldKind.REMOVAL, STAFF - spared)
    with pytest.raises(StateRefused):
        attacker.appliance.directory_accounts.release(
            HeldKind.REMOVAL, count=held.count, digest="0" * 64, by="shi wei"
        )
    assert gone(attacker) == 0


@pytest.mark.parametrize("how", ["disabled", "removed", "pushed"])
def test_nor_one_after_another_within_a_day(attacker: Attacker, world: World, how: str) -> None:
    if how == "pushed":
        made = [
            attacker.appliance.provisioning.create_user(
                {"userName": f"p{n}", "displayName": f"员工{n}", "emails": [{"value": f"p{n}@alpha.example"}]}
            )
            for n in range(STAFF)
        ]
        for each in made:
            attacker.appliance.provisioning.change_user(
                each.id, {**each.content, "active": False}, version=each.version
            )
    for key in staff(attacker)[1:] if how != "pushed" else ():
        if how == "removed":
            del attacker.users[key]
        else:
            attacker.says(key, enabled=False)
        attacker.read()
    assert gone(attacker) == STAFF * 5 // 100
    assert [each.kind for each in attacker.appliance.directory_accounts.report().held] == [HeldKind.REMOVAL]


def test_invented_people_do_not_make_room(attacker: Attacker) -> None:
    """The share of five percent is of more people then; the number that two administrators decide about stays."""
    victims = staff(attacker)
    for number in range(600):
        attacker.says(f"invented-{number}")
    attacker.read()
    for key in victims:
        attacker.says(key, enabled=False)
        attacker.read()
    assert gone(attacker) == attacker.appliance.settings.directory.most_removed < len(victims)


@pytest.mark.parametrize("change", [{"email": "none"}, {"name": ""}, {"groups": EVERY_GROUP}])
def test_what_makes_no_sense_shuts_nobody_out(attacker: Attacker, change: dict[str, Any]) -> None:
    for key in staff(attacker):
        attacker.says(key, **change)
    attacker.read()
    assert gone(attacker) == 0
    assert attacker.appliance.directory_accounts.report().problem_count == STAFF


def test_the_same_people_under_other_keys_take_no_accounts(attacker: Attacker) -> None:
    """Everybody is removed, and somebody of the same login and address is there instead: nobody is linked."""
    keys = staff(attacker)
    subjects = {attacker.known(key).subject for key in keys}
    for key in keys:
        user = attacker.users.pop(key)
        attacker.says(f"new-{key}", login=user.login, name=user.name, email=user.email)
    attacker.read()
    assert gone(attacker) == 0
    assert {attacker.known(f"new-{key}").subject for key in keys} == {None}
    with pytest.raises(SignOnRefused):
        attacker.comes_in("sub-new", preferred_username=keys[0])
    assert {attacker.known(key).subject for key in keys} == subjects


def test_a_manager_of_the_attackers_takes_over_what_can_be_read_and_signs_nothing(
    attacker: Attacker, contract: Contract
) -> None:
    """What remains, as docs/architecture.md says: the open contracts of somebody who was disabled go to a manager
    whom the directory has invented, who reads them. What only Zhang can sign stays Zhang's."""
    key, appliance = linked(attacker, ZHANG), attacker.appliance
    attacker.says("mole", groups=frozenset({"发起人"}))
    attacker.says(key, manager="mole", groups=frozenset({"发起人"}))
    attacker.read()
    mole = attacker.known("mole").subject
    assert mole is not None
    before = attacker.browser(attacker.comes_in("sub-mole", preferred_username="mole").opened.secret)
    assert before.get(f"/contracts/{contract.id}").status_code in (403, 404)
    attacker.says(key, enabled=False)
    attacker.read()
    assert state_of(attacker, ZHANG.subject) is AccountState.SUSPENDED
    now = contract_now(appliance, contract.id)
    assert now.initiator == mole, "the mole goes on with what Zhang has started"
    assert [party.subject for party in now.parties] == [ZHANG.subject], "and has no part that Zhang is to sign"
    assert before.get(f"/contracts/{contract.id}").status_code == 200
    assert '<form class="form way"' not in before.get(f"/contracts/{contract.id}/sign").text
    assert appliance.database.query(intents.of_contract, contract.id) == []
    assert not appliance.registry.is_enrolled(mole)
    assert appliance.authority.certificate(ZHANG.subject), "only officers end it"


# --- (f) identities of the provider, keys, logins


def test_an_identity_is_one_persons_for_good(attacker: Attacker) -> None:
    appliance = attacker.appliance
    zhang, zhao = linked(attacker, ZHANG), linked(attacker, CUSTODIAN)
    attacker.comes_in("sub-zhang", preferred_username=zhang)
    with pytest.raises(SignOnRefused, match="belongs to somebody else"):
        attacker.comes_in("sub-other", preferred_username=zhang)
    assert attacker.known(zhang).problem == DirectoryProblem.OTHER_IDENTITY
    # whoever has Zhang's identity is Zhang, whatever else is claimed
    opened = attacker.comes_in(
        "sub-zhang", preferred_username=zhao, email=CUSTODIAN.email, name=CUSTODIAN.name
    ).opened
    assert opened.session.subject == ZHANG.subject
    for statement in (
        "UPDATE sign_on_identities SET subject = ?",
        "INSERT INTO sign_on_identities SELECT issuer, 'x' || ?, subject, first, last FROM sign_on_identities",
    ):
        with pytest.raises(sqlite.IntegrityError), appliance.database.transaction() as tx:
            tx.execute(statement, (CUSTODIAN.subject,))


def test_a_login_or_an_address_of_a_duty_opens_nothing_by_the_provider(attacker: Attacker) -> None:
    for subject in (OFFICER, AUDITOR):
        login = attacker.appliance.accounts.administration.account(subject).login
        email = attacker.appliance.registry.person(subject).email
        with untouched(attacker, OFFICER, AUDITOR), pytest.raises(SignOnRefused):
            attacker.comes_in(subject, preferred_username=login, email=email, email_verified=True, name="王登记")


def test_a_key_that_names_somebody_else_now_moves_nothing(attacker: Attacker) -> None:
    zhang, zhao = linked(attacker, ZHANG), linked(attacker, CUSTODIAN)
    mine, theirs = attacker.users[zhang], attacker.users[zhao]
    attacker.says(zhang, login=theirs.login, name=theirs.name, email=theirs.email)
    with untouched(attacker, ZHANG.subject, CUSTODIAN.subject):
        attacker.read()
    assert attacker.known(zhang).problem == DirectoryProblem.ADDRESS_TWICE
    attacker.says(zhao, login=mine.login, name=mine.name, email=mine.email)
    attacker.read()  # they exchange everything: addresses and logins move, the people do not
    registry = attacker.appliance.registry
    for person, key in ((ZHANG, zhang), (CUSTODIAN, zhao)):
        assert attacker.known(key).subject == person.subject
        assert registry.person(person.subject).name == person.name
        assert certified_name(attacker.appliance, person.subject).startswith(person.name)


def test_a_login_that_is_given_again_opens_nobodys_account(attacker: Attacker) -> None:
    key, appliance = linked(attacker, ZHANG), attacker.appliance
    attacker.comes_in("sub-zhang", preferred_username=key)
    old = attacker.users.pop(key)
    attacker.says("colleague")
    attacker.read()
    attacker.says("again", login=old.login, name=old.name, email=old.email)
    attacker.read()
    assert attacker.known("again").subject is None
    for sub in ("sub-zhang", "sub-again"):
        with pytest.raises(SignOnRefused):
            attacker.comes_in(sub, preferred_username=old.login)
    with appliance.database.transaction() as tx:  # officers have let Zhang go
        accounts.close_account(tx, ZHANG.subject)
    attacker.read()
    again = attacker.known("again").subject
    assert again is not None and again != ZHANG.subject and not appliance.registry.is_enrolled(again)
    with pytest.raises(SignOnRefused):
        attacker.comes_in("sub-zhang", preferred_username=old.login)
    assert attacker.comes_in("sub-again", preferred_username=old.login).opened.session.subject == again


# --- (g) what values hold

HOSTILE = {
    "long": "长" * 1000,  # no source lets more through
    "controls": "a\x00\x07\x1b[2J\x1b]0;owned\x07b",
    "lines": "员工\n2026-01-01 00:00:00 INFO somebody signed in\r\nx",
    "direction": "员\u202e工\u2066\u200f",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "filter": "*)(|(objectClass=*))(uid=\\2a",
    "format": "{subject} %(message)s %s ${7*7} {{7*7}}",
}


def is_plain(text: str) -> bool:
    """One line, without anything that makes it read otherwise than it is."""
    return text.isprintable() and not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("source", [DirectorySource.LDAP, DirectorySource.SCIM])
@pytest.mark.parametrize("value", HOSTILE)
def test_values_stay_values(
    attacker: Attacker, source: DirectorySource, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    appliance, text = attacker.appliance, HOSTILE[value]
    before = {each.subject for each in appliance.database.query(accounts.everybody)}
    for number, names in enumerate((("name",), ("login", "department"), ("email",), ("groups", "manager"))):
        given: dict[str, Any] = {"email": f"h{number}@alpha.example", "login": f"h{number}", "name": "员工"}
        given |= {name: frozenset({text}) if name == "groups" else text for name in names}
        with suppress(PreconditionRefused):
            attacker.tells(source, **given)
    if source is DirectorySource.LDAP:
        planned = appliance.directory_accounts.plan(
            source, [replace(each, name=f"新{text}", department=f"部{text}") for each in attacker.users.values()]
        )
        assert all(is_plain(str(sentence)) and len(str(sentence)) < 2000 for _, sentence in planned.sentences())
    assert all(is_plain(each.getMessage()) for each in caplog.records)
    officer = signed_in(attacker.portal, appliance, OFFICER)
    new = {each.subject for each in appliance.database.query(accounts.everybody)} - before
    assert new
    pages = [officer.get(path) for path in ("/office", *(f"/office/people/{subject}" for subject in sorted(new)))]
    for page in pages:
        assert page.status_code == 200 and len(page.text) < 1_000_000
        assert "<script>alert" not in page.text and "onerror=alert(1)>" not in page.text
    for subject in new:
        person, department = (
            appliance.registry.person(subject),
            appliance.database.query(people.department_of, subject),
        )
        assert is_plain(f"{person.name} {person.email} {department} {subject}")
        assert is_plain(appliance.accounts.administration.account(subject).login)
    for each in appliance.directory_accounts.report().problems:
        assert len(f"{each.login}{each.name}{each.email}") < 10_000


# --- (h) a directory that is empty, cut off, or slow


def test_a_directory_that_says_nothing_of_anybody_changes_nothing(attacker: Attacker) -> None:
    keys = staff(attacker)
    users = dict(attacker.users)
    attacker.users.clear()
    with pytest.raises(DirectoryUnavailable):
        attacker.read()
    attacker.users |= {key: replace(users[key], groups=frozenset({"发起人"})) for key in keys}
    attacker.read()
    attacker.users = users  # nobody is in any group any more
    with pytest.raises(DirectoryUnavailable):
        attacker.read()
    assert gone(attacker) == 0
    assert all(AccountRole.INITIATOR in roles_of(attacker, str(attacker.known(key).subject)) for key in keys)
    newest = attacker.appliance.directory_accounts.report().rounds[0]
    assert newest.outcome is RoundOutcome.FAILED and newest.problem


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Authority, Slapd]]:
    """A real directory with some people, and with what attackers write."""
    folder = tmp_path_factory.mktemp("directory")
    authority = Authority(folder)
    with slapd(folder / "slapd", _nonsense(), authority.issue("127.0.0.1")) as server:
        yield authority, server


@contextmanager
def reading(world: World, authority: Authority, port: int, place: str = PEOPLE) -> Iterator[Attacker]:
    """The house reads that directory at *port*, people below *place*, by the program that has the network."""
    home = world.home
    before = home.settings.read_text(encoding="utf-8")
    ldap = {"url": f"ldaps://127.0.0.1:{port}", "tls": authority.path, "bind_dn": READER, "people": place}
    lines = "".join(f'{name} = "{value}"\n' for name, value in {**ldap, "groups": GROUPS}.items())
    home.settings.write_text(f"{before}\n[ldap]\nseconds = 5\n{lines}", encoding="utf-8")
    secret = home.secrets / "ldap.password"
    secret.write_text(PASSWORD, encoding="utf-8")
    secret.chmod(0o600)
    try:
        with attacked(World(home, load(home))) as attacker:
            yield attacker
    finally:
        home.settings.write_text(before, encoding="utf-8")
        secret.unlink()


def unread(attacker: Attacker) -> str:
    """The directory is asked, and nothing follows from what it says; the sentence that is kept."""
    before = attacker.appliance.database.query(accounts.everybody)
    with pytest.raises(DirectoryUnavailable):
        attacker.appliance.directory_rounds.run_round()
    assert attacker.appliance.database.query(accounts.everybody) == before
    newest = attacker.appliance.directory_accounts.report().rounds[0]
    assert newest.outcome is RoundOutcome.FAILED and is_plain(newest.problem)
    return newest.problem


def _nonsense() -> Iterator[str]:
    """Two people as they should be, and others; groups that look like patterns."""
    for number, login in enumerate(("first", "second")):
        yield _entry(login, number, displayName=f"员工{login}")
    yield _entry("huge", 2, displayName="长" * 3_400_000, departmentNumber="部" * 3_400_000)
    yield _entry("pattern", 3, uid="*)(|(objectClass=*))(uid=*", displayName=HOSTILE["filter"])
    yield _entry("lines", 4, displayName=HOSTILE["lines"], departmentNumber=HOSTILE["lines"])
    yield _entry("direction", 5, displayName=HOSTILE["direction"], departmentNumber=HOSTILE["direction"])
    for name, member in {"发起人": "first", "*": "pattern", "审核人)(cn=*": "lines"}.items():
        members = {"objectClass": "groupOfNames", "cn": name, "member": f"cn={member},{PEOPLE}"}
        yield entry(f"cn={name},{GROUPS}", members)
    yield entry(f"ou=empty,{SUFFIX}", {"objectClass": "organizationalUnit", "ou": "empty"})


def _entry(name: str, number: int, **values: str) -> str:
    person = {"objectClass": "inetOrgPerson", "cn": name, "sn": name, "uid": name, "mail": f"{name}@alpha.example"}
    return entry(f"cn={name},{PEOPLE}", person | values, key=f"0f000000-0000-4000-8000-{number:012x}")


@needs_slapd
def test_what_a_real_directory_holds_stays_values(world: World, tmp_path: Path, organisation: Any) -> None:
    authority, server = organisation
    with kept(world.home.database, tmp_path), reading(world, authority, server.ldaps) as attacker:
        done = attacker.appliance.directory_rounds.run_round()
        assert done.counts["read"] == 6
        found = {each.subject: each for each in attacker.appliance.database.query(accounts.everybody)}
        starters = {name for name, each in found.items() if AccountRole.INITIATOR in each.roles}
        assert "person-first" in starters and "person-second" in found
        new = set(found) - {OFFICER, AUDITOR, ZHANG.subject, CUSTODIAN.subject}
        assert starters & new == {"person-first"}
        for subject in new:
            person = attacker.appliance.registry.person(subject)
            department = attacker.appliance.database.query(people.department_of, subject)
            assert is_plain(f"{person.name}{person.email}{department}{found[subject].login}")
            assert len(person.name) <= 100 and len(department) <= 40
        planned = attacker.appliance.directory_rounds.plan()
        assert all(is_plain(str(sentence)) for _, sentence in planned.sentences())


@needs_slapd
def test_a_real_directory_that_falls_silent_changes_nothing(
    world: World, tmp_path: Path, organisation: Any
) -> None:
    authority, server = organisation
    with kept(world.home.database, tmp_path), reading(world, authority, server.ldaps) as attacker:
        staff(attacker)
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            assert "did not answer in time" in unread(attacker)
        finally:
            os.kill(server.process.pid, signal.SIGCONT)


@needs_slapd
def test_a_real_directory_that_is_cut_off_changes_nothing(world: World, tmp_path: Path, organisation: Any) -> None:
    authority, server = organisation
    with (
        kept(world.home.database, tmp_path),
        relay(server.ldaps, after=20_000, cut=True) as port,
        reading(world, authority, port) as attacker,
    ):
        staff(attacker)
        unread(attacker)


@needs_slapd
def test_a_real_directory_without_people_changes_nothing(world: World, tmp_path: Path, organisation: Any) -> None:
    authority, server = organisation
    empty = f"ou=empty,{SUFFIX}"
    with kept(world.home.database, tmp_path), reading(world, authority, server.ldaps, empty) as attacker:
        staff(attacker)
        assert "nobody is found" in unread(attacker)
