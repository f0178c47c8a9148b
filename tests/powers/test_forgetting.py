"""Disposal and erasure take what is personal of identity checks along; a letter that still counts is kept."""

from __future__ import annotations

from appliance.demonstration.participants import CUSTODIAN
from appliance.identity import IdentityCheck
from appliance.model.people import Against, IdentityDocument
from appliance.store import intents, people, retention
from appliance.wiring import Appliance
from tests.powers.conftest import Office


def test_grounds_go_with_the_contract_and_the_letter_stays(office: Office, appliance: Appliance) -> None:
    power = office.verified()
    contract = office.signed(office.sent())
    with appliance.database.transaction() as tx:
        assert intents.bases_of(tx, contract.id)
        retention.forget_contract(tx, contract.id)
        assert not intents.bases_of(tx, contract.id)
        assert retention.is_needed(tx, power.document)


def test_identity_checks_go_with_the_person(appliance: Appliance) -> None:
    check = IdentityCheck(IdentityDocument.PASSPORT, "E11112222", Against.COPY, answers=CUSTODIAN.subject)
    with appliance.database.transaction() as tx:
        tx.execute(
            "INSERT INTO people (subject, name, organisation, email, language, zone, guest)"
            " VALUES ('person-leaver', '孙待删', 'x', 'leaver@example.test', 'zh', 'Asia/Shanghai', 0)"
        )
    for _ in range(2):
        appliance.identity.record("person-leaver", check, by=CUSTODIAN.subject)
    with appliance.database.transaction() as tx:
        retention.forget_person(tx, "person-leaver", name_too=True)
        assert people.identities_of(tx, "person-leaver") == []
