"""An officers' intent has exactly the arguments of its kind: what nobody reads could make people believe in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from hsm.authenticator import SoftwareAuthenticator
from hsm.client import OPERATIONS
from hsm.errors import ActivationRefused, BadRequest
from hsm.intents import OfficerIntent, SigningIntent, require_own_arguments
from tests import powers_of_attorney as powers
from tests.authority import OFFICER, ORGANISATION, ORIGIN, RP_ID, RunningAuthority, running_authority, soon

PERSON, SEAL = "person-arguments", "seal-arguments"
WHO = {"subject": PERSON, "name": "张示例", "organisation": ORGANISATION}
KINDS: dict[str, dict[str, Any]] = {
    "enrol_person": {**WHO, "credentials": ["0000 0000 0000 0000 0000"]},
    "enrol_officer": {**WHO, "credentials": ["0000 0000 0000 0000 0000"]},
    "enrol_keeper": {**WHO, "credentials": []},
    "enrol_seal": {**WHO, "custodians": [PERSON], "kind": "合同专用章", "needed": 1},
    "add_credential": {"subject": PERSON, "credential": "0000 0000 0000 0000 0000"},
    "revoke_credential": {"subject": PERSON, "credential": "00"},
    "retire": {"subject": PERSON, "reason": "superseded"},
    "rotate": {"subject": "tsa"},
    "revoke_certificate": {"subject": PERSON, "reason": "superseded"},
    "resume_seal": {"subject": SEAL},
    "add_custodian": {"subject": SEAL, "custodian": PERSON},
    "remove_custodian": {"subject": SEAL, "custodian": PERSON},
    "set_custodians_needed": {"subject": SEAL, "needed": 1},
    "change_picture": {"subject": SEAL, "picture": ""},
    "destroy_seal": {"subject": SEAL},
    "confirm_power": powers.details(limit=None, currency=None),
    "approve_anchor": {"subject": "anchor-0123456789ab", "organisation": "丙公司", "certificate": "0" * 64},
    "unlock": {},
    "vouch": {"contract": "c1", "title": "采购合同", "signers": []},
    "add_remote_key": {"subject": PERSON, "use": "document"},
    "sign_remotely": {
        "subject": PERSON,
        "use": "document",
        "client": "Office",
        "documents": [{"digest": "0" * 64, "label": "a.pdf"}],
    },
}
"""Each officers' operation with the arguments that it takes."""

PEOPLES = frozenset({"vouch", "sign_remotely"})
"""Those that no officer activates, but a person."""

RENEWAL = {"renew": {"plan": "0" * 64}}
"""Of a ceremony, which no socket takes."""


@pytest.fixture(scope="module")
def authority() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as running:
        yield running


def of(kind: str, details: dict[str, Any]) -> OfficerIntent:
    return OfficerIntent(kind, details, soon(), secrets.token_bytes(16))


def test_every_officers_operation_has_its_arguments_listed() -> None:
    of_officers = {name for name, each in OPERATIONS.items() if each._hints.get("intent") is OfficerIntent}
    assert of_officers == set(KINDS)
    for kind, details in {**KINDS, **RENEWAL}.items():
        require_own_arguments(of(kind, details))
    require_own_arguments(of("revoke_certificate", {**KINDS["revoke_certificate"], "serial": "1f"}))
    require_own_arguments(of("confirm_power", powers.details()))
    signing = SigningIntent("c", "p", "Signature1", PERSON, bytes(32), soon(), bytes(16))
    require_own_arguments(signing)


@pytest.mark.parametrize("kind", [*KINDS, *RENEWAL])
def test_one_argument_more_or_less_is_refused(kind: str) -> None:
    details = {**KINDS, **RENEWAL}[kind]
    others = [details | {"note": "x"}, details | {"": None}, details | {"serials": "1f"}]
    others += [{name: value for name, value in details.items() if name != left_out} for left_out in details]
    for other in others:
        with pytest.raises(BadRequest, match="other arguments"):
            require_own_arguments(of(kind, other))


@pytest.mark.parametrize("kind", ["", "sign", "Unlock", "approve", "suspend_seal", "suspend", "x" * 10_000])
def test_another_kind_is_refused(kind: str) -> None:
    with pytest.raises(BadRequest, match="no act of officers"):
        require_own_arguments(of(kind, {}))


def test_the_authority_remembers_no_approval_of_anything_else(authority: RunningAuthority) -> None:
    for kind, details in KINDS.items():
        for act in (
            of(kind, details | {"note": "x"}),
            of(f"{kind}s", details),
            of("renew", {"plan": "0", "x": "1"}),
        ):
            with pytest.raises((BadRequest, ActivationRefused) if kind in PEOPLES else BadRequest):
                authority.confirm(authority.officer, OFFICER, act)
            assert authority.client("web").approvals(act).given == ()
        own = of(kind, details)
        if kind in PEOPLES:
            with pytest.raises(ActivationRefused):
                authority.confirm(authority.officer, OFFICER, own)
            continue
        assert authority.confirm(authority.officer, OFFICER, own).given == (OFFICER,), kind


def test_a_decoy_beside_the_fingerprint_enrols_nothing(authority: RunningAuthority) -> None:
    victim, web = "person-victim", authority.client("web")
    authority.enrol_person(victim)
    evil = SoftwareAuthenticator.create(RP_ID, ORIGIN)
    named = authority.register(victim, evil)
    for decoy in ([], [named], None):
        act = authority.officer_act("add_credential", subject=victim, credential=named, credentials=decoy)
        with pytest.raises(BadRequest, match="other arguments"):
            authority.officer_does(web.add_credential, act)
    assert evil.credential_id not in {each.credential_id for each in web.credentials(victim)}


def test_an_unlock_with_arguments_unlocks_nothing(authority: RunningAuthority) -> None:
    act = of("unlock", {"reason": "maintenance"})
    with pytest.raises(BadRequest, match="other arguments"):
        authority.client("console").approve_unlock(act, authority.officer.activate(OFFICER, act))
    with pytest.raises(BadRequest, match="other arguments"):
        authority.client("operator").unlock(act, authority.by_officer(act), ["1234"])
