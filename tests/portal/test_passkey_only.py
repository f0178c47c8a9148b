"""Policy asks for a passkey for one type of contract: whoever has PIN and code only reads so before anything is
confirmed, and confirms contracts of other types as before."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ALPHA, OFFICER, ZHANG, ZONE
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, Deadline, PartyState
from appliance.model.intent import IntentRecord, SigningOrigin
from appliance.model.people import Person, SealKind, SealRequest
from appliance.office import SealDraft
from appliance.wiring import Appliance
from hsm.activation.credentials import code_at, step_of
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused
from hsm.intents import PinTotpActivation, SigningIntent
from tests.hsm.test_activation import register_pin
from tests.office.conftest import VERIFIED, newcomer, perform
from tests.portal.conftest import portal_of
from tests.portal.test_signing_together import choose, confirm_all, states
from tests.portal.visitors import SIGNER, signed_in
from tests.world import World, confirm_by, contract_now, sample_document, shared_world

POLICY = """
[types."采购合同"]
aliases = ["采购"]
[types."采购合同".signing]
passkey_only = true
"""
HERE = SigningOrigin("192.0.2.9")
NEEDED = "本合同须使用通行密钥确认，而您只有 PIN 码和动态验证码"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world(pins=True) as world:
        world.home.policy.write_text(POLICY, encoding="utf-8")
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


@pytest.fixture(scope="module")
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


@dataclass
class PinOnly:
    """Somebody who has a PIN and an authenticator app, and no passkey."""

    person: Person
    secret: bytes
    last: int = 0

    def code(self, *, taken: bool = True) -> str:
        """One that was not taken yet, whatever the order of tests; the next one is good already."""
        step = max(step_of(datetime.now(UTC)), self.last + 1)
        self.last = step if taken else self.last
        return code_at(self.secret, step)


@pytest.fixture(scope="module")
def zhao(appliance: Appliance) -> PinOnly:
    person, secret = newcomer(appliance), secrets.token_bytes(20)
    with AuthorityClient(appliance.settings.home.authority_socket("activation")) as authority:
        register_pin(authority, person.subject, secret)
    asked = appliance.office.requests.submit_request(person.subject, by=person.subject)
    perform(appliance, appliance.office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=OFFICER))
    return PinOnly(person, secret)


@pytest.fixture
def browser(portal: Flask, appliance: Appliance, zhao: PinOnly) -> FlaskClient:
    return signed_in(portal, appliance, zhao.person.subject, (*SIGNER, AccountRole.CUSTODIAN))


def sent(appliance: Appliance, kind: str, *subjects: str, seal: str = "") -> Contract:
    """A contract of this *kind* for *subjects*, or for the *seal* that Zhang asks for."""
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms(f"合同 {kind}", kind, "示例", ZHANG.subject, deadline)
    draft = appliance.drafting.draft(sample_document(1), terms)
    for subject in subjects:
        appliance.drafting.add_person(draft.id, subject=subject, by=ZHANG.subject)
    if seal:
        appliance.drafting.add_seal(draft.id, seal=seal, requester=ZHANG.subject, by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


def approve_by_pin(appliance: Appliance, zhao: PinOnly, intent: SigningIntent, code: str) -> None:
    """What the activation service does with a PIN and a code, whether or not its page offers them."""
    with AuthorityClient(appliance.settings.home.authority_socket("activation")) as authority:
        authority.approve(intent, PinTotpActivation(zhao.person.subject, "246810", code))


def opened(appliance: Appliance, contract: Contract) -> IntentRecord:
    """The intent of the contract's last party."""
    return appliance.signing.open(contract.id, contract.parties[-1].id, HERE).intent


@pytest.fixture(scope="module")
def plain(appliance: Appliance, zhao: PinOnly) -> Contract:
    """Of another type, which Zhao signs."""
    contract = sent(appliance, "服务", zhao.person.subject)
    record = opened(appliance, contract)
    assert "passkey_only" not in record.intent.fields()
    approve_by_pin(appliance, zhao, record.intent, zhao.code())
    return appliance.signing.finish(record.id)


def test_who_has_pin_and_code_only_is_told_before_and_signs_other_types(
    appliance: Appliance, browser: FlaskClient, zhao: PinOnly, plain: Contract
) -> None:
    demanding, other = (sent(appliance, kind, zhao.person.subject) for kind in ("采购", "服务"))
    page = browser.get(f"/contracts/{demanding.id}/sign").text
    assert NEEDED in page and 'href="/settings/signing"' in page
    assert f'action="/contracts/{demanding.id}/sign"' not in page
    page = browser.get(f"/contracts/{other.id}/sign").text
    assert NEEDED not in page and f'action="/contracts/{other.id}/sign"' in page

    with pytest.raises(ActivationRefused, match="with a passkey only"):
        approve_by_pin(appliance, zhao, opened(appliance, demanding).intent, zhao.code(taken=False))
    assert states(appliance, [demanding, plain]) == [PartyState.WAITING, PartyState.SIGNED]
    assert "以 PIN 码和动态验证码确认" in browser.get(f"/contracts/{plain.id}").text


def test_a_passkey_confirms_both_types_together(portal: Flask, appliance: Appliance) -> None:
    contracts = [sent(appliance, kind, ZHANG.subject) for kind in ("采购", "服务")]
    client = signed_in(portal, appliance, ZHANG.subject)
    assert NEEDED not in client.get(f"/contracts/{contracts[0].id}/sign").text
    page = client.get(confirm_all(appliance, choose(client, contracts)))
    assert page.status_code == 200 and states(appliance, contracts) == [PartyState.SIGNED] * 2


@pytest.mark.long
def test_a_custodian_with_pin_and_code_only_is_told_before(
    world: World, appliance: Appliance, browser: FlaskClient, zhao: PinOnly
) -> None:
    """Of what was asked for before policy wanted that, the custodian confirms what was asked for."""
    subject = zhao.person.subject
    drafted = appliance.office.drafts.draft_seal(SealDraft(ALPHA, SealKind.CONTRACT, (subject,), 40.0), by=OFFICER)
    seal = perform(appliance, drafted).subject
    with policy_of(world, ""), world.opened() as before:
        old = sent(before, "采购", seal=seal)
        asked_before = ask_for_seal(before, opened(before, old))
        own = sent(before, "采购", ZHANG.subject)
        prepared = opened(before, own)
    asked = ask_for_seal(appliance, opened(appliance, sent(appliance, "采购", seal=seal)))
    page = browser.get(f"/seals/requests/{asked.id}").text
    assert NEEDED in page and f'action="/seals/requests/{asked.id}/approve"' not in page
    with pytest.raises(ActivationRefused, match="with a passkey only"):
        approve_by_pin(appliance, zhao, appliance.seal_requests.act(asked), zhao.code(taken=False))

    assert NEEDED not in browser.get(f"/seals/requests/{asked_before.id}").text
    approve_by_pin(appliance, zhao, appliance.seal_requests.act(asked_before), zhao.code())
    appliance.seal_requests.approve(asked_before.id, by=subject)
    assert contract_now(appliance, old.id).parties[0].state is PartyState.SIGNED
    anew = opened(appliance, own)
    assert anew.id != prepared.id and anew.intent.passkey_only, "what nobody has asked for is prepared anew"


def ask_for_seal(appliance: Appliance, record: IntentRecord) -> SealRequest:
    """Zhang asks for it, with a passkey."""
    proposed = appliance.seal_requests.propose(record.id, by=ZHANG.subject, reason="年度采购")
    confirm_by(appliance, ZHANG.subject, proposed.intent)
    return appliance.seal_requests.ask(record.id, by=ZHANG.subject)


@pytest.mark.long
def test_who_signed_by_pin_and_code_declares_void_as_policy_asks_now(
    world: World, zhao: PinOnly, plain: Contract
) -> None:
    with policy_of(world, "[signing]\npasskey_only = true\n"), world.opened() as strict:
        strict.finalisation.finalise(plain.id)
        strict.voiding.propose(plain.id, reason="双方协商一致", by=zhao.person.subject)
        client = signed_in(portal_of(strict, strict.authority), strict, zhao.person.subject)
        page = client.get(f"/contracts/{plain.id}/void/answer").text
        assert NEEDED in page and f'action="/contracts/{plain.id}/void/declare"' not in page
        assert strict.voiding.prepare(plain.id, by=zhao.person.subject).intent.passkey_only


@contextmanager
def policy_of(world: World, text: str) -> Iterator[None]:
    """What opens the appliance meanwhile reads *text* as its policy."""
    world.home.policy.write_text(text, encoding="utf-8")
    yield
    world.home.policy.write_text(POLICY, encoding="utf-8")
