"""Keys of services: an administrator prepares, officers activate, old and new overlap; the revoked is listed."""

from __future__ import annotations

import pytest
from cryptography import x509

from appliance.demonstration.participants import CUSTODIAN, OFFICER
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.accounts import AccountRole
from appliance.model.office import OfficerDecision, OfficerDecisionKind, OfficerDecisionState
from appliance.office import Office, describe_decision
from appliance.store import members
from appliance.wiring import Appliance
from tests.office.conftest import enter, perform
from tests.world import know_officer

ADMINISTRATOR = "administrator-sun"


def current(appliance: Appliance) -> x509.Certificate:
    return x509.load_der_x509_certificate(appliance.authority.certificate("evidence"))


def revoked(appliance: Appliance) -> set[int]:
    lists = (x509.load_der_x509_crl(each) for each in appliance.authority.crls())
    return {entry.serial_number for each in lists for entry in each}


def activated(appliance: Appliance, act: OfficerDecision) -> OfficerDecision:
    return perform(appliance, act)


def test_a_new_key_overlaps_with_the_one_before_which_is_then_revoked(
    appliance: Appliance, office: Office
) -> None:
    before, number = current(appliance), len(revoked(appliance))
    act = office.drafts.services.draft_rotation("evidence", by=ADMINISTRATOR)
    assert (act.kind, act.state) == (OfficerDecisionKind.ROTATE, OfficerDecisionState.OPEN)
    assert "the service evidence a new key" in str(describe_decision(act, {}))
    assert act.notes["serial"] == f"{before.serial_number:x}", "which the page shows, too"
    assert current(appliance) == before, "nothing is done before an officer has activated it"

    assert activated(appliance, act).state is OfficerDecisionState.DONE

    after = current(appliance)
    assert after.public_key() != before.public_key()
    assert after.subject == before.subject
    assert before.not_valid_after_utc > appliance.now()
    assert before.serial_number not in revoked(appliance)

    old = f"{before.serial_number:X}"
    ending = office.drafts.services.draft_revocation("evidence", old, reason="superseded", by=ADMINISTRATOR)
    assert old.lower() in str(describe_decision(ending, {}))
    assert activated(appliance, ending).state is OfficerDecisionState.DONE
    assert before.serial_number in revoked(appliance)
    assert len(revoked(appliance)) == number + 1
    with pytest.raises(StateRefused, match="already"):
        office.drafts.services.draft_revocation("evidence", old, reason="superseded", by=ADMINISTRATOR)


def test_officers_are_told_of_what_administrators_asked_for_and_not_of_their_own(
    appliance: Appliance, office: Office
) -> None:
    know_officer(appliance)
    enter(appliance, OFFICER, AccountRole.OFFICER)
    before = told(appliance)
    act = office.drafts.services.draft_rotation("tsa", by=ADMINISTRATOR)
    with appliance.database.reading() as tx:
        everybody = members.officers(tx)
    assert everybody
    assert told(appliance) - before == {(officer, "act-waiting", act.id) for officer in everybody}
    office.drafts.draft_leaving(CUSTODIAN.subject, by=everybody[0])
    assert told(appliance) - before == {(officer, "act-waiting", act.id) for officer in everybody}


def told(appliance: Appliance) -> set[tuple[str, str, str]]:
    """To whom mail goes, of which kind, about what."""
    with appliance.database.reading() as tx:
        return set(tx.execute("SELECT recipient, kind, about FROM outbox"))


def test_the_certificate_in_use_is_not_revoked(appliance: Appliance, office: Office) -> None:
    serial = f"{current(appliance).serial_number:x}"
    with pytest.raises(StateRefused, match="new key first"):
        office.drafts.services.draft_revocation("evidence", serial, reason="superseded", by=ADMINISTRATOR)


@pytest.mark.parametrize(
    ("service", "serial", "reason"),
    [
        ("log", "1", "superseded"),
        ("root", "1", "superseded"),
        ("evidence", "xyz", "superseded"),
        ("evidence", "1", "x"),
    ],
)
def test_what_cannot_be_is_refused(office: Office, service: str, serial: str, reason: str) -> None:
    with pytest.raises(PreconditionRefused):
        office.drafts.services.draft_revocation(service, serial, reason=reason, by=ADMINISTRATOR)
