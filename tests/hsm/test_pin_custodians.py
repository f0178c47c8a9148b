"""PIN custodians: officers enrol them, two of them unlock, from the console, and that is all that they do."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from hsm.authenticator import SoftwareAuthenticator
from hsm.errors import ActivationRefused, AuthorityLocked, BadRequest, CertificateRefused, NotPermitted
from hsm.intents import OfficerIntent
from hsm.operation_types import AuthorityState
from hsm.timestamp import order_for
from tests.authority import (
    OFFICER,
    ORGANISATION,
    ORIGIN,
    RP_ID,
    RunningAuthority,
    intent_for,
    running_authority,
    soon,
)

CONSOLE = "http://localhost:8082"
FIRST, SECOND, THIRD = "keeper-sun", "keeper-zhou.wei", "keeper-wu"
PERSON = "person-zhang"


@dataclass
class Vault:
    authority: RunningAuthority
    devices: dict[str, SoftwareAuthenticator]

    @property
    def pin(self) -> str:
        return (self.authority.root / "secrets/user.pin").read_text().strip()

    def unlocking(self) -> OfficerIntent:
        return self.authority.officer_act("unlock")

    def answer(self, act: OfficerIntent, custodian: str) -> None:
        self.authority.client("console").approve_unlock(act, self.devices[custodian].activate(custodian, act))

    def state(self) -> AuthorityState:
        return self.authority.client("console").status().state


def enrolment(custodian: str, device: SoftwareAuthenticator, authority: RunningAuthority) -> OfficerIntent:
    return authority.officer_act(
        "enrol_keeper",
        subject=custodian,
        name="孙示例",
        organisation=ORGANISATION,
        credentials=[device.credential()],
    )


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    with running_authority(workers=1) as authority:
        devices = {}
        for custodian in (FIRST, SECOND, THIRD):
            devices[custodian] = SoftwareAuthenticator.create(RP_ID, CONSOLE)
            act = enrolment(custodian, devices[custodian], authority)
            authority.officer_does(authority.client("web").enrol_pin_custodian, act)
        yield Vault(authority, devices)


@pytest.fixture
def locked(vault: Vault) -> Vault:
    vault.authority.client("console").lock()
    assert vault.state() is AuthorityState.LOCKED
    return vault


def test_two_keepers_unlock_each_with_a_part_of_the_pin(locked: Vault) -> None:
    console, act = locked.authority.client("console"), locked.unlocking()

    locked.answer(act, FIRST)
    with pytest.raises(ActivationRefused, match="2 different keepers"):
        console.unlock(act, [], pins=[locked.pin])
    locked.answer(act, SECOND)
    console.unlock(act, [], pins=[locked.pin[:5], locked.pin[5:]])

    assert locked.state() is AuthorityState.OPERATIONAL
    assert locked.authority.client("tsa").timestamp([order_for(bytes(32))])
    assert locked.pin not in locked.authority.log


def test_one_keeper_does_not_stand_for_two(locked: Vault) -> None:
    act = locked.unlocking()
    locked.answer(act, FIRST)

    with pytest.raises(ActivationRefused, match="already"):
        locked.answer(act, FIRST)
    with pytest.raises(ActivationRefused, match="once"):
        locked.authority.client("console").unlock(
            act, [locked.devices[FIRST].activate(FIRST, act)], pins=[locked.pin]
        )
    assert locked.state() is AuthorityState.LOCKED


def test_a_keeper_and_an_officer_are_no_pair(locked: Vault) -> None:
    act = locked.unlocking()
    locked.answer(act, FIRST)

    with pytest.raises(ActivationRefused, match="are no pair"):
        locked.authority.client("operator").unlock(act, locked.authority.by_officer(act), pins=[locked.pin])


def test_what_was_activated_counts_once(locked: Vault) -> None:
    act = locked.unlocking()
    locked.answer(act, FIRST)
    locked.answer(act, THIRD)
    with pytest.raises(AuthorityLocked, match="refused the PIN"):
        locked.authority.client("console").unlock(act, [], pins=["not", "the one"])

    with pytest.raises(ActivationRefused, match="used before"):
        locked.authority.client("console").unlock(act, [], pins=[locked.pin])
    anew = locked.unlocking()
    locked.answer(anew, FIRST)
    locked.answer(anew, SECOND)
    locked.authority.client("console").unlock(anew, [], pins=[locked.pin])
    assert locked.state() is AuthorityState.OPERATIONAL


def test_a_page_of_the_portal_gets_no_answer_of_a_keeper(locked: Vault) -> None:
    own = locked.devices[SECOND]
    elsewhere = SoftwareAuthenticator(RP_ID, ORIGIN, own.credential_id, own.key, own.counter + 10)
    act = locked.unlocking()

    with pytest.raises(ActivationRefused, match="does not verify"):
        locked.authority.client("console").approve_unlock(act, elsewhere.activate(SECOND, act))


@pytest.mark.parametrize("kind", ["enrol_keeper", "rotate", "retire", "revoke_certificate", "enrol_officer"])
def test_keepers_do_nothing_but_unlock(vault: Vault, kind: str) -> None:
    act = vault.authority.officer_act(kind, subject="tsa", reason="superseded")

    with pytest.raises(NotPermitted, match="unlock alone"):
        vault.answer(act, FIRST)
    with pytest.raises(ActivationRefused, match="unlock the HSM and do nothing else"):
        vault.authority.confirm(vault.devices[FIRST], FIRST, act)
    assert vault.authority.client("console").approvals(act).given == ()


def test_keepers_sign_nothing(vault: Vault) -> None:
    intent = intent_for(FIRST)
    with pytest.raises(ActivationRefused, match="signs no documents"):
        vault.authority.confirm(vault.devices[FIRST], FIRST, intent)
    with pytest.raises(NotPermitted):
        vault.authority.client("console").approve_unlock(intent, vault.devices[FIRST].activate(FIRST, intent))


def test_only_officers_make_one_and_only_with_a_passkey_of_the_console(vault: Vault) -> None:
    device = SoftwareAuthenticator.create(RP_ID, CONSOLE)
    web, authority = vault.authority.client("web"), vault.authority
    act = enrolment("keeper-zheng", device, authority)
    said = authority.refuses(web.enrol_pin_custodian, act, vault.devices[FIRST].activate(FIRST, act))
    assert "do nothing else" in said
    with pytest.raises(NotPermitted):
        authority.officer_does(authority.client("console").enrol_pin_custodian, act)

    for name in ("officer-zheng", "keeper-9", f"keeper-{'x' * 65}"):
        wrong = enrolment(name, device, authority)
        with pytest.raises(BadRequest, match="keeper- and an administrator's login, of 2 to 64"):
            authority.officer_does(web.enrol_pin_custodian, wrong)
    foreign = SoftwareAuthenticator.create("elsewhere.example", CONSOLE)
    other = enrolment("keeper-zheng", foreign, authority)
    with pytest.raises(BadRequest, match="relying party"):
        authority.officer_does(web.enrol_pin_custodian, other)
    taken = enrolment("keeper-zheng", vault.devices[FIRST], authority)
    with pytest.raises(CertificateRefused, match="already"):
        authority.officer_does(web.enrol_pin_custodian, taken)
    assert "keeper-zheng" not in authority.client("console").pin_custodians()
    with pytest.raises(NotPermitted):
        web.pin_custodians()


def test_what_administrators_ask_for_waits_a_day_for_officers(vault: Vault) -> None:
    device = SoftwareAuthenticator.create(RP_ID, CONSOLE)
    tomorrow = enrolment("keeper-later", device, vault.authority)
    act = OfficerIntent(tomorrow.kind, tomorrow.details, soon(24 * 60 - 1), secrets.token_bytes(16))
    vault.authority.confirm(vault.authority.officer, OFFICER, act)
    vault.authority.client("web").enrol_pin_custodian(act)

    for kind, details, hours in (
        ("rotate", {"subject": "tsa"}, 25),
        ("rotate", {"subject": "person-zhang"}, 1),
        ("enrol_person", {"subject": "person-new"}, 1),
        ("unlock", {}, 1),
    ):
        late = OfficerIntent(kind, details, soon(60 * hours), secrets.token_bytes(16))
        with pytest.raises(ActivationRefused, match="at most"):
            vault.authority.confirm(vault.authority.officer, OFFICER, late)


def test_a_keeper_who_was_retired_unlocks_no_more(locked: Vault) -> None:
    """By an act that takes the HSM: so it was unlocked before, by the two who are left."""
    act = locked.unlocking()
    locked.answer(act, FIRST)
    locked.answer(act, SECOND)
    locked.authority.client("console").unlock(act, [], pins=[locked.pin])
    leaving = locked.authority.officer_act("retire", subject=THIRD, reason="affiliation_changed")
    locked.authority.officer_does(locked.authority.client("web").retire, leaving)
    locked.authority.client("console").lock()

    with pytest.raises(ActivationRefused, match="no such credential"):
        locked.answer(locked.unlocking(), THIRD)


@pytest.fixture
def own() -> Iterator[Vault]:
    """A locked authority of its own, with two PIN custodians."""
    with running_authority(workers=1) as authority:
        vault = Vault(authority, {})
        for custodian in (FIRST, SECOND):
            vault.devices[custodian] = SoftwareAuthenticator.create(RP_ID, CONSOLE)
            enrol(vault, custodian)
        vault.devices[PERSON] = authority.enrol_person(PERSON)
        authority.client("console").lock()
        yield vault


def enrol(vault: Vault, custodian: str, *more: SoftwareAuthenticator) -> None:
    """By officers: *custodian* answers with the device of that name, and with *more*, and with no other."""
    credentials = [device.credential() for device in (vault.devices[custodian], *more)]
    act = vault.authority.officer_act(
        "enrol_keeper", subject=custodian, name="孙示例", organisation=ORGANISATION, credentials=credentials
    )
    vault.authority.officer_does(vault.authority.client("web").enrol_pin_custodian, act)


def test_who_signs_does_not_unlock(own: Vault) -> None:
    act = own.unlocking()
    with pytest.raises(ActivationRefused, match="nobody else"):
        own.answer(act, PERSON)


def test_root_ends_a_keeper_at_once_and_also_while_the_hsm_is_locked(own: Vault) -> None:
    root, act = own.authority.client("operator"), own.unlocking()
    assert root.pin_custodians() == [FIRST, SECOND]
    own.answer(act, FIRST)

    assert root.end_pin_custodian(FIRST) == 1

    assert root.pin_custodians() == [SECOND] and root.end_pin_custodian(FIRST) == 0
    own.answer(act, SECOND)
    with pytest.raises(ActivationRefused, match="2 different keepers"):  # what was answered before counts no more
        own.authority.client("console").unlock(act, [], pins=[own.pin])
    with pytest.raises(ActivationRefused, match="no such credential"):
        own.answer(own.unlocking(), FIRST)


def test_only_roots_socket_ends_a_keeper_and_nobody_else_by_it(own: Vault) -> None:
    for role in ("web", "console", "scheduler", "tsa"):
        with pytest.raises(NotPermitted):
            own.authority.client(role).end_pin_custodian(FIRST)
    root = own.authority.client("operator")
    for other in (OFFICER, PERSON, "keeper-", "tsa"):
        with pytest.raises(BadRequest, match="A keeper is named"):
            root.end_pin_custodian(other)
    assert root.end_pin_custodian("keeper-nobody") == 0
    assert root.credentials(OFFICER) and root.pin_custodians() == [FIRST, SECOND]


def test_a_lost_passkey_is_replaced_and_the_other_one_goes_on(own: Vault) -> None:
    lost, other = own.devices[FIRST], SoftwareAuthenticator.create(RP_ID, CONSOLE)
    enrol(own, FIRST, other)
    for device in (lost, other):
        answers(own, device)
    new = own.devices[FIRST] = SoftwareAuthenticator.create(RP_ID, CONSOLE)

    enrol(own, FIRST, other)

    for device in (new, other):
        answers(own, device)
    with pytest.raises(ActivationRefused, match="no such credential"):
        answers(own, lost)
    act = own.unlocking()
    for custodian in (FIRST, SECOND):
        own.answer(act, custodian)
    own.authority.client("console").unlock(act, [], pins=[own.pin])
    assert own.state() is AuthorityState.OPERATIONAL


def test_who_was_ended_begins_again_and_an_old_copy_of_the_passkey_is_noticed(own: Vault) -> None:
    device = own.devices[FIRST]
    copy = SoftwareAuthenticator(device.rp_id, device.origin, device.credential_id, device.key, device.counter)
    for _ in range(3):
        answers(own, device)
    own.authority.client("operator").end_pin_custodian(FIRST)

    enrol(own, FIRST)

    assert own.authority.client("console").pin_custodians() == [FIRST, SECOND]
    with pytest.raises(ActivationRefused, match="sign count"):
        answers(own, copy)
    answers(own, device)


def test_a_keeper_is_not_given_one_more_passkey_by_another_way(own: Vault) -> None:
    device = SoftwareAuthenticator.create(RP_ID, ORIGIN)
    with pytest.raises(BadRequest, match="no credentials of its own"):
        own.authority.register(FIRST, device)
    for credential in (device.credential(), own.authority.register("person-of-keeper", device)):
        act = own.authority.officer_act("add_credential", subject=FIRST, credential=credential)
        with pytest.raises(BadRequest, match="enrol the keeper anew"):
            own.authority.officer_does(own.authority.client("web").add_credential, act)


def answers(vault: Vault, device: SoftwareAuthenticator) -> None:
    """The first PIN custodian's *device* answers for a new act."""
    act = vault.unlocking()
    vault.authority.client("console").approve_unlock(act, device.activate(FIRST, act))
