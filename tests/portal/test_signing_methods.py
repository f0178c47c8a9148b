"""How an outside signer signs is chosen in the draft, as policy allows for the type, and told everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import resources

import pytest
from flask import Flask

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ZHANG
from appliance.errors import PreconditionRefused
from appliance.model.contract import Contract, GuestDetails
from appliance.signing_methods import AVAILABLE, NOT_ALLOWED, NOT_AVAILABLE, SigningMethod
from appliance.wiring import Appliance
from tests.portal.conftest import portal_of
from tests.portal.drafts import Wizard
from tests.portal.visitors import SIGNER, signed_in
from tests.world import World, contract_now, sample_document, shared_world

POLICY = """
[types."保密协议".outside_signers]
methods = ["vouched"]
[types."采购合同".outside_signers]
methods = ["verified"]
"""
GUEST = GuestDetails("郑示例", "丙公司示例有限公司", "zheng@gamma.example", "+86 138 0000 0000")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as world:
        world.home.policy.write_text(POLICY, encoding="utf-8")
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


@pytest.fixture(scope="module")
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


def drafted(appliance: Appliance, kind: str) -> Contract:
    return appliance.drafting.draft(sample_document(1), DraftTerms("方式示例", kind, "示例", ZHANG.subject))


def test_who_is_added_without_a_choice_gets_the_first_that_policy_allows(appliance: Appliance) -> None:
    draft = drafted(appliance, "服务")
    party = appliance.drafting.add_guest(draft.id, GUEST, by=ZHANG.subject)
    assert party.method is SigningMethod.VERIFIED
    own = appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    assert own.method is None, "whoever has an account is no outside signer"
    [kept, guest] = contract_now(appliance, draft.id).parties
    assert (kept.method, guest.method) == (None, SigningMethod.VERIFIED)


def test_what_policy_does_not_allow_is_refused_while_drafting_and_at_sending(appliance: Appliance) -> None:
    draft = drafted(appliance, "采购合同")
    for method in set(SigningMethod) - {SigningMethod.VERIFIED}:
        with pytest.raises(PreconditionRefused) as refused:
            appliance.drafting.add_guest(draft.id, replace(GUEST, method=method), by=ZHANG.subject)
        assert refused.value.template == NOT_ALLOWED[method]
    party = appliance.drafting.add_guest(draft.id, GUEST, by=ZHANG.subject)
    terms = DraftTerms("方式示例", "保密协议", "示例", ZHANG.subject)
    changed = appliance.drafting.revise(draft.id, terms, by=ZHANG.subject)
    found = [problem for problem in appliance.sending.problems(changed) if problem.party == party.id]
    assert NOT_ALLOWED[SigningMethod.VERIFIED] in [problem.template for problem in found]


@pytest.mark.skipif(SigningMethod.VOUCHED in AVAILABLE, reason="this release has all methods")
def test_a_method_that_this_release_lacks_is_refused_in_a_sentence(appliance: Appliance) -> None:
    draft = drafted(appliance, "保密协议")
    with pytest.raises(PreconditionRefused) as refused:
        appliance.drafting.add_guest(draft.id, GUEST, by=ZHANG.subject)
    assert refused.value.template == NOT_AVAILABLE


def test_the_page_says_how_an_outside_signer_signs(appliance: Appliance, portal: Flask) -> None:
    draft = drafted(appliance, "服务")
    zhang = signed_in(portal, appliance, ZHANG.subject, SIGNER)
    wizard = Wizard(zhang, draft.id)
    form = wizard.form("parties")
    typed = {"guest_name": GUEST.name, "guest_organisation": GUEST.organisation, "guest_email": GUEST.email}
    sent = wizard.send("parties", form, act="guest", guest_phone=GUEST.phone, guest_method="verified", **typed)
    assert sent.status_code == 303, sent.text
    assert "登记员已核验" in wizard.step("parties")
    assert "外部签署人 · 登记员已核验" in zhang.get(f"/contracts/{draft.id}").text
    assert "登记员已核验" in zhang.get(f"/contracts/{draft.id}/history").text


def test_outside_signers_of_before_were_verified(appliance: Appliance) -> None:
    """The migration's own statement, over a party as an earlier release wrote it."""
    draft = drafted(appliance, "服务")
    party = appliance.drafting.add_guest(draft.id, GUEST, by=ZHANG.subject)
    files = resources.files("appliance.store").joinpath("migrations").iterdir()
    [script] = [each.read_text(encoding="utf-8") for each in files if each.name.endswith("signing_methods.sql")]
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE parties SET method = NULL WHERE id = ?", (party.id,))
        tx.execute(script[script.index("UPDATE") :])
    assert contract_now(appliance, draft.id).require_party(party.id).method is SigningMethod.VERIFIED
