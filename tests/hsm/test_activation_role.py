"""Who may bring an activation to the authority, and from where it must come: an attacker who controls any process
but the activation service brings none, however it was obtained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from typing import get_type_hints

import pytest

from hsm.authenticator import SoftwareAuthenticator
from hsm.client import OPERATIONS
from hsm.codec import encode
from hsm.config import PeerRole
from hsm.errors import ActivationRefused, BadRequest, NotPermitted
from hsm.intents import Intent, OfficerIntent, WebAuthnActivation
from tests.authority import (
    OFFICER,
    ORGANISATION,
    ORIGIN,
    RP_ID,
    RunningAuthority,
    intent_for,
    running_authority,
)
from tests.hsm.test_activation import answer, enrol_pin

PERSON, CUSTODIAN, SEAL, PIN_CUSTODIAN = "person-role", "person-role-custodian", "seal-role", "keeper-role"
CONSOLE_ROLES = {"operator", "console"}
OTHERS = [each.value for each in PeerRole if each is not PeerRole.ACTIVATION]
PORTAL, CONSOLE = "http://localhost:8080", "http://localhost:8082"

OFFICERS_DO = sorted(
    name for name, each in OPERATIONS.items() if get_type_hints(each.request).get("intent") is OfficerIntent
)
"""What officers activate, by the names of the operations."""


@dataclass(frozen=True, slots=True)
class Cast:
    authority: RunningAuthority
    devices: dict[str, SoftwareAuthenticator]

    def activate(self, subject: str, act: Intent) -> WebAuthnActivation:
        return self.devices[subject].activate(subject, act)

    def require_nothing_remembered(self, *acts: Intent) -> None:
        for act in acts:
            assert self.authority.client("web").approvals(act).given == ()


@pytest.fixture(scope="module")
def cast(authority: RunningAuthority) -> Cast:
    devices = {subject: authority.enrol_person(subject) for subject in (PERSON, CUSTODIAN)}
    authority.enrol_seal(SEAL, [CUSTODIAN])
    devices |= {OFFICER: authority.officer, PIN_CUSTODIAN: SoftwareAuthenticator.create(RP_ID, CONSOLE)}
    named = {"subject": PIN_CUSTODIAN, "name": "孙示例", "organisation": ORGANISATION}
    act = authority.officer_act("enrol_keeper", **named, credentials=[devices[PIN_CUSTODIAN].credential()])
    authority.officer_does(authority.client("web").enrol_pin_custodian, act)
    return Cast(authority, devices)


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_but_the_activation_service_brings_approvals(cast: Cast, role: str) -> None:
    client, web, intent = cast.authority.client(role), cast.authority.client("web"), intent_for(PERSON)
    sealing, retiring = intent_for(SEAL), cast.authority.officer_act("retire", subject=PERSON, reason="superseded")
    activation = cast.activate(PERSON, intent)

    for act, given in (
        (intent, activation),
        (sealing, cast.activate(CUSTODIAN, sealing)),
        (retiring, cast.activate(OFFICER, retiring)),
    ):
        with pytest.raises(NotPermitted):
            client.approve(act, given)

    cast.require_nothing_remembered(intent, sealing, retiring)
    for signing in (intent, sealing):
        with pytest.raises(ActivationRefused):
            web.sign_document(signing)
    with pytest.raises(ActivationRefused):
        web.retire(retiring)
    cast.authority.approve(intent, activation)  # nothing of it was used up
    assert web.sign_document(intent)


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_but_the_activation_service_brings_a_pin_and_a_code(cast: Cast, role: str) -> None:
    client, web, subject = cast.authority.client(role), cast.authority.client("web"), f"person-role-{role}"
    secret, intent = enrol_pin(cast.authority, subject), intent_for(subject)
    activation, unlocking = answer(subject, secret), cast.authority.officer_act("unlock")

    with pytest.raises(NotPermitted):
        client.approve_batch([intent, intent_for(PERSON)], activation)
    for _ in range(6):  # more wrong ones than lock it
        with pytest.raises(NotPermitted):
            client.approve(intent, replace(activation, pin="999999"))
    with pytest.raises(NotPermitted):
        client.approve(intent, activation)
    with pytest.raises(NotPermitted):
        client.approve_unlock(intent, activation)
    with pytest.raises(ActivationRefused if role in CONSOLE_ROLES else NotPermitted):
        client.approve_unlock(unlocking, activation)

    cast.require_nothing_remembered(intent, unlocking)
    with pytest.raises(ActivationRefused):
        web.sign_document(intent)
    cast.authority.approve(intent, activation)  # neither locked nor used up
    assert web.sign_document(intent)


def test_no_operation_but_an_unlock_takes_activations_with_it(cast: Cast) -> None:
    takes = {
        name
        for name, each in OPERATIONS.items()
        if {"activation", "activations"} & {field.name for field in fields_of(each.request)}
    }
    assert takes == {"approve", "approve_batch", "approve_unlock", "unlock"}
    intent, retiring = (
        intent_for(PERSON),
        cast.authority.officer_act("retire", subject=PERSON, reason="superseded"),
    )
    for name, act, by in (("sign_document", intent, PERSON), ("retire", retiring, OFFICER)):
        request = {"intent": act.fields(), "activations": [encode(cast.activate(by, act))]}
        for role in ("web", "activation", "console"):
            with pytest.raises(BadRequest if role == "web" else NotPermitted):
                cast.authority.client(role).ask(name, request)
        cast.require_nothing_remembered(act)


def test_the_activation_service_asks_for_nothing_that_it_brought_activations_of(cast: Cast) -> None:
    service, intent = cast.authority.client("activation"), intent_for(PERSON)
    cast.authority.approve(intent, cast.activate(PERSON, intent))
    with pytest.raises(NotPermitted):
        service.sign_document(intent)
    with pytest.raises(NotPermitted):
        service.approve_unlock(cast.authority.officer_act("unlock"), cast.activate(PERSON, intent))
    allowed = {name for name, each in OPERATIONS.items() if PeerRole.ACTIVATION in each.roles}
    everybodys = {name for name, each in OPERATIONS.items() if each.roles == frozenset(PeerRole)}
    registering = {"begin_registration", "register_passkey", "register_known_passkey", "register_pin"}
    by_code = {"appointment", "appoint_officer", "restore_officer", "vouch", "register_vouched"}
    told = {"approvals", "credentials", "known_subject", "pending_credentials", "drop_pending"}
    told |= {"batch_limit", "vouching", "vouching_limit"}
    stopping = {"withdraw", "take_back_approval", "end_vouching"}
    activating = {"approve", "approve_batch", *registering, *by_code}
    assert allowed - everybodys == {*activating, *stopping, *told, "wrap_key", "unwrap_key"}


@pytest.mark.parametrize("role", [each.value for each in PeerRole if each.value not in CONSOLE_ROLES])
def test_only_console_and_root_bring_an_activation_of_an_unlock(cast: Cast, role: str) -> None:
    act = cast.authority.officer_act("unlock")
    for subject in (OFFICER, PIN_CUSTODIAN):
        with pytest.raises(NotPermitted):
            cast.authority.client(role).approve_unlock(act, cast.activate(subject, act))
    cast.require_nothing_remembered(act)


@pytest.mark.parametrize("role", sorted(CONSOLE_ROLES))
def test_the_console_brings_an_activation_of_an_unlock_and_of_nothing_else(cast: Cast, role: str) -> None:
    console = cast.authority.client(role)
    for kind in {*OFFICERS_DO, "unlocks", "Unlock", "approve_unlock", ""} - {"unlock"}:
        act = cast.authority.officer_act(kind, subject=PERSON)
        for subject in (OFFICER, PIN_CUSTODIAN):
            with pytest.raises(NotPermitted, match="unlock alone"):
                console.approve_unlock(act, cast.activate(subject, act))
        cast.require_nothing_remembered(act)
    for signer, subject in ((PERSON, PERSON), (SEAL, CUSTODIAN)):
        intent = intent_for(signer)
        with pytest.raises(NotPermitted, match="unlock alone"):
            console.approve_unlock(intent, cast.activate(subject, intent))
        cast.require_nothing_remembered(intent)

    for subject in (OFFICER, PIN_CUSTODIAN):
        act = cast.authority.officer_act("unlock")
        assert console.approve_unlock(act, cast.activate(subject, act)).given == (subject,)


def on(origin: str, device: SoftwareAuthenticator) -> SoftwareAuthenticator:
    """The same passkey on a page of *origin*."""
    device.counter += 1
    return replace(device, origin=origin)


@pytest.mark.parametrize("origin", [PORTAL, "http://localhost", "http://localhost:8081", CONSOLE, f"{ORIGIN}/"])
@pytest.mark.parametrize(("signer", "subject"), [(PERSON, PERSON), (SEAL, CUSTODIAN), (SEAL, PERSON)])
def test_what_was_asked_on_the_portals_pages_signs_nothing(
    cast: Cast, signer: str, subject: str, origin: str
) -> None:
    """As a page for signing in would ask that puts the challenge of a document where its own belongs."""
    sign, intent = cast.authority.client("web").sign_document, intent_for(signer)
    elsewhere = on(origin, cast.devices[subject])
    for challenged in (intent, intent_for(signer), cast.authority.officer_act("unlock")):
        said = cast.authority.refuses(sign, intent, elsewhere.activate(subject, challenged))
        assert "does not verify" in said
    cast.devices[subject].counter = elsewhere.counter
    assert cast.authority.confirm(cast.devices[subject], subject, intent).given == (subject,)


@pytest.mark.parametrize("kind", sorted({*OFFICERS_DO} - {"unlock", "vouch", "sign_remotely"}))
def test_what_an_officer_was_asked_on_the_portals_pages_does_nothing(cast: Cast, kind: str) -> None:
    act = cast.authority.officer_act(kind, subject=PERSON, reason="superseded")
    elsewhere = on(PORTAL, cast.devices[OFFICER])
    for challenged in (act, intent_for(OFFICER), cast.authority.officer_act(kind, subject=CUSTODIAN)):
        with pytest.raises(ActivationRefused, match="does not verify"):
            cast.authority.approve(act, elsewhere.activate(OFFICER, challenged))
        cast.require_nothing_remembered(act)
    cast.devices[OFFICER].counter = elsewhere.counter


@pytest.mark.parametrize("subject", [OFFICER, PIN_CUSTODIAN])
@pytest.mark.parametrize("origin", [PORTAL, "http://localhost"])
def test_what_was_asked_on_the_portals_pages_unlocks_nothing(cast: Cast, subject: str, origin: str) -> None:
    console, act = cast.authority.client("console"), cast.authority.officer_act("unlock")
    elsewhere = on(origin, cast.devices[subject])
    for challenged in (act, cast.authority.officer_act("unlock")):
        given = elsewhere.activate(subject, challenged)
        for approve in (console.approve_unlock, cast.authority.client("activation").approve):
            with pytest.raises(ActivationRefused, match="does not verify"):
                approve(act, given)
        with pytest.raises(ActivationRefused):
            console.unlock(act, [given], pins=["-"])
    cast.require_nothing_remembered(act)
    cast.devices[subject].counter = elsewhere.counter


def test_the_portals_origin_is_not_among_those_of_activations(cast: Cast) -> None:
    """Without a word of it in the settings either: what the running authority takes, it says itself."""
    for role in PeerRole:
        assert cast.authority.client(role.value).status().activation_origins == (ORIGIN,)


def test_what_the_settings_name_is_what_the_authority_takes_and_says() -> None:
    """As a home of before the activation service had it: this is what health has to find."""
    with running_authority(settings=f'\n[activation]\norigins = ["{PORTAL}"]\n', workers=1) as of_before:
        assert of_before.client("web").status().activation_origins == (PORTAL,)
        act = of_before.officer_act("retire", subject=PERSON, reason="superseded")
        with pytest.raises(ActivationRefused, match="does not verify"):
            of_before.approve(act, on(ORIGIN, of_before.officer).activate(OFFICER, act))
        assert of_before.approve(act, on(PORTAL, of_before.officer).activate(OFFICER, act)).given == (OFFICER,)
