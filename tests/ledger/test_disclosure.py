"""What of a contract each organisation sees: every kind of event is classified, and what is not is internal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.ledger.audit_trail import SYSTEM, EventKind
from appliance.ledger.disclosure import Audience, Disclosing, Disclosure
from appliance.store import people
from appliance.store.database import Database
from tests.appliance.contracts.samples import contract
from tests.appliance.store.seeds import SEAL, person, seeded

K = EventKind
RULES = {kind: kind.meaning.rule for kind in EventKind if kind.meaning and kind.meaning.rule is not None}
OF_NO_CONTRACT = {
    K.WEBHOOK_CREATED, K.WEBHOOK_SECRET_MADE, K.WEBHOOK_CHANGED, K.WEBHOOK_ENABLED, K.WEBHOOK_DISABLED,
    K.WEBHOOK_REMOVED, K.WEBHOOK_REPLAYED,
    K.ABSENCE_ENTERED, K.ABSENCE_ENDED, K.ANCHOR_REGISTERED, K.ANCHOR_APPROVED, K.ANCHOR_ENDED,
    K.PERSON_REGISTERED, K.SEAL_REGISTERED, K.OWNERSHIP_DEPOSITED, K.OFFICER_APPOINTED, K.ENROLMENT_REQUESTED,
    K.OWNERSHIP_CERTIFIED,
    K.ENROLMENT_WITHDRAWN, K.ENROLMENT_REFUSED, K.PERSON_ENROLLED, K.CREDENTIAL_ADDED, K.CREDENTIAL_REVOKED,
    K.PERSON_LEFT, K.SEAL_SUSPENDED, K.SEAL_RESUMED, K.CUSTODIAN_ADDED, K.CUSTODIAN_REMOVED,
    K.CUSTODIANS_NEEDED_CHANGED, K.SEAL_PICTURE_CHANGED, K.SEAL_DESTROYED, K.SEAL_RULES_CHANGED, K.SEAL_FILED,
    K.KEY_ROTATED, K.CERTIFICATE_REVOKED,
    K.PIN_CUSTODIAN_ENROLLED, K.PIN_CUSTODIAN_RETIRED, K.KEY_CEREMONY, K.OFFICE_ACT_APPROVED, K.OFFICE_ACT_REFUSED,
    K.OFFICE_ACT_WITHDRAWN,
    K.IDENTITY_CHECKED, K.IDENTITY_WITHDRAWN, K.POWER_REGISTERED, K.POWER_VERIFIED, K.POWER_REFUSED,
    K.POWER_REVOKED, K.PERSONAL_DATA_ERASED, K.ACCOUNT_INVITED, K.ACCOUNT_ACTIVATED, K.ACCOUNT_SUSPENDED,
    K.ACCOUNT_RESUMED, K.ROLES_CHANGED, K.PROFILE_CHANGED, K.SIGNED_IN, K.SIGN_IN_BLOCKED, K.PASSWORD_CHANGED,
    K.LOGIN_CODE_CHANGED, K.PASSKEY_ADDED, K.PASSKEY_REMOVED, K.SESSION_REVOKED, K.RECOVERY_STARTED,
    K.ACCOUNT_RECOVERED, K.ADMINISTRATION, K.DEPARTMENT_CHANGED, K.LEDGER_EXPORTED, K.MAIL_MERGE_MADE,
    K.MAIL_MERGE_SENT, K.PARTNER_REGISTERED, K.PARTNER_CHANGED, K.PARTNER_VOUCHED, K.PARTNER_DOCUMENT_ADDED,
    K.REPRESENTATIVE_INVITED, K.REPRESENTATIVE_LEFT, K.PARTNER_ADMINISTRATOR_NAMED,
    K.API_CLIENT_CREATED, K.API_CLIENT_SUSPENDED, K.API_CLIENT_RESUMED, K.API_CLIENT_SECRET_CHANGED,
    K.API_CLIENT_CERTIFICATE_CHANGED,
    K.API_CLIENT_ORIGINS_CHANGED,
    K.REMOTE_KEY_ADDED, K.REMOTE_REQUESTED, K.REMOTE_SIGNED, K.REMOTE_REFUSED, K.REMOTE_LAPSED, K.REMOTE_BLOCKED,
    K.REMOTE_ADMITTED, K.SIGN_ON_LINKED, K.SIGNED_OUT_BY_PROVIDER,
    K.MANAGER_CHANGED, K.DIRECTORY_LINKED, K.DIRECTORY_SYNCHRONISED, K.DIRECTORY_RELEASED, K.PERSON_DEPARTED,
    K.PERSON_RETURNED, K.PAGE_CAPTURED, K.CAPTURE_HELD, K.CAPTURE_RELEASED, K.CAPTURE_DISPOSED,
    K.CAPTURE_FAILED, K.CAPTURE_CHANGED, K.CAPTURE_PACKAGED, K.CAPTURE_SHARED, K.CAPTURE_UNSHARED,
    K.CAPTURE_HANDED_OVER,
}  # fmt: skip
"""Kinds that are never recorded with a contract."""

ALPHA, BETA = "甲公司示例有限公司", "乙公司示例有限公司"
CONTRACT = replace(contract(), initiator="person-9")
OURS, THEIRS = Audience.of("person-9", "示例", ALPHA), Audience.of("person-8", "示例", BETA)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = seeded(tmp_path / "vermilion.db")
    with found.transaction() as tx:
        people.insert_person(tx, replace(person(8), organisation=BETA), b"certificate")
        people.insert_person(tx, replace(person(7), subject="person-guest-7", guest=True), None)
    yield found
    found.close()


def leaf(kind: str, *committed: str, **public: str) -> dict[str, object]:
    return {"kind": kind, "public": {"actor": "person-9", **public}, "commitments": dict.fromkeys(committed, "0")}


def opening(*names: str) -> bytes:
    return json.dumps({name: {"salt": "0", "value": f"secret {name}"} for name in names}).encode()


def test_every_kind_of_event_is_classified() -> None:
    """A new kind is internal until somebody has said here, or in the rules, what others may read of it."""
    assert set(EventKind) - set(RULES) == OF_NO_CONTRACT


@pytest.mark.parametrize("kind", [*(kind for kind, rule in RULES.items() if rule.shared is None), "not-yet-known"])
def test_what_is_internal_is_shown_to_its_owner_alone(database: Database, kind: str) -> None:
    told = leaf(kind, "reason", seal=SEAL.subject), opening("reason")
    with database.reading() as tx:
        own, other = (Disclosure(tx, CONTRACT, audience).seen(*told) for audience in (OURS, THEIRS))
    assert (own.complete, set(own.opening)) == (True, {"reason"})
    assert (other.whole, dict(other.opening), other.withheld) == (False, {}, {"reason"})


def test_of_a_shared_event_the_named_fields_are_shown(database: Database) -> None:
    with database.reading() as tx:
        theirs = Disclosure(tx, CONTRACT, THEIRS)
        handed = theirs.seen(leaf(K.PARTY_HANDED_OVER, "reason", **{"from": "person-1"}), opening("reason"))
        signed = theirs.seen(leaf(K.PARTY_SIGNED, "name", "note"), opening("name", "note"))
        declined = theirs.seen(leaf(K.PARTY_DECLINED, "reason"), opening("reason"))
    assert (handed.whole, handed.withheld, dict(handed.opening)) == (True, {"reason"}, {})
    assert (signed.whole, signed.withheld, set(signed.opening)) == (True, {"note"}, {"name"})
    assert declined.complete


def test_what_belongs_to_the_other_side_is_not_ours_either(database: Database) -> None:
    with database.reading() as tx:
        given = leaf(K.PARTY_HANDED_OVER, "reason", **{"from": "person-8"}), opening("reason")
        prepared = leaf(K.SIGNATURE_PREPARED, "address", actor="person-8"), opening("address")
        for told in (given, prepared):
            assert not Disclosure(tx, CONTRACT, OURS).seen(*told).complete
            assert Disclosure(tx, CONTRACT, THEIRS).seen(*told).complete


def test_a_name_that_an_initiator_typed_makes_nobody_an_insider_of_a_partner(database: Database) -> None:
    """Until officers have certified a guest under it, whom the initiator alone called so."""
    partner = Audience.of("person-guest-1", "", ALPHA)
    with database.reading() as tx:
        typed = people.person(tx, "person-guest-7")
    assert Audience.of_person(typed) != partner
    assert Audience.of_person(typed).name == ALPHA
    assert not Disclosing(database).belongs("person-guest-7", partner)
    with database.transaction() as tx:
        people.set_certificate(tx, "person-guest-7", b"certificate")
    assert Disclosing(database).belongs("person-guest-7", partner)


def test_no_name_brings_anybody_from_outside_into_the_house(database: Database) -> None:
    with database.reading() as tx:
        guest = Audience.of_person(people.person(tx, "person-guest-7"))
    disclosing = Disclosing(database)
    assert guest != OURS
    assert disclosing.drafting(CONTRACT, OURS)
    assert not disclosing.drafting(CONTRACT, guest)
    assert disclosing.belongs("person-guest-7", guest)
    assert not disclosing.belongs("person-guest-7", OURS)
    assert not disclosing.belongs(SEAL.subject, guest)


def test_spellings_of_one_name_are_one_organisation_and_nobody_is_of_none(database: Database) -> None:
    assert Audience.of("person-1", "示例", "甲公司（北京）") == Audience.of("person-2", "示例", "甲公司(北京) ")
    assert Audience.of("person-1", "示例", "") != Audience.of("person-2", "示例", " ")
    nobody = Audience.of("person-nobody", "示例", ALPHA)
    assert not Disclosing(database).belongs("person-nobody", nobody)
    assert not Disclosing(database).belongs(SYSTEM, nobody)
