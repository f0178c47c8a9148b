"""Requests for enrolment: one at a time, by oneself, decided once."""

from __future__ import annotations

import pytest

from appliance.demonstration import participants
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.office import EnrolmentRequestState
from appliance.office import Office
from appliance.office.requests import MOST_CREDENTIALS
from appliance.wiring import Appliance
from hsm.errors import CertificateRefused
from tests.office.conftest import (
    VERIFIED,
    activation_service,
    ask,
    events_of,
    newcomer,
    notices_to,
    perform,
    register,
)


def test_a_request_waits_and_is_in_the_log(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    proposed, _ = register(appliance, person.subject)

    asked = office.requests.submit_request(person.subject, by=person.subject)

    assert asked in office.requests.waiting()
    assert office.requests.requests_of(person.subject) == [asked]
    assert office.requests.find_request(asked.id).credentials == (proposed,)
    assert events_of(appliance, person.subject) == ["person-registered", "enrolment-requested"]


def test_the_same_request_twice_is_one(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    register(appliance, person.subject)

    first = office.requests.submit_request(person.subject, by=person.subject)
    second = office.requests.submit_request(person.subject, by=person.subject)

    assert first == second
    assert events_of(appliance, person.subject).count("enrolment-requested") == 1


def test_another_request_waits_for_the_first(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    first = ask(appliance, person.subject)

    register(appliance, person.subject)
    with pytest.raises(StateRefused, match="waits already"):
        office.requests.submit_request(person.subject, by=person.subject)
    office.requests.withdraw_request(first.id, by=person.subject)
    second = ask(appliance, person.subject)

    assert [each.state for each in office.requests.requests_of(person.subject) if each.id == first.id] == [
        EnrolmentRequestState.WITHDRAWN
    ]
    assert office.requests.find_request(second.id).state is EnrolmentRequestState.OPEN


def test_what_no_request_can_be(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    for nobody in (person.subject, participants.ZHANG.subject, "person-nobody"):
        with pytest.raises(PreconditionRefused, match="Nothing was set up"):
            office.requests.submit_request(nobody, by=nobody)
    register(appliance, "person-nobody")
    with pytest.raises(StateRefused, match="not known"):
        office.requests.submit_request("person-nobody", by="person-nobody")
    with pytest.raises(NotFound):
        office.requests.find_request("ff")


def test_a_request_names_the_four_newest_and_one_more_credential_alone(
    appliance: Appliance, office: Office
) -> None:
    person = newcomer(appliance)
    proposed = [register(appliance, person.subject)[0] for _ in range(MOST_CREDENTIALS + 1)]
    asked = office.requests.submit_request(person.subject, by=person.subject)
    assert asked.credentials == tuple(proposed[1:])
    perform(appliance, office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER))

    proposed = [register(appliance, person.subject)[0] for _ in range(2)]
    asked = office.requests.submit_request(person.subject, by=person.subject)
    assert (asked.credentials, asked.kinds) == ((proposed[1],), ("webauthn",))


def test_nobody_withdraws_for_somebody_else(appliance: Appliance, office: Office) -> None:
    person, other = newcomer(appliance), newcomer(appliance)
    asked = ask(appliance, person.subject)

    with pytest.raises(NotFound):
        office.requests.withdraw_request(asked.id, by=other.subject)


def test_a_refusal_has_a_reason_and_is_final(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    asked = ask(appliance, person.subject)
    with pytest.raises(PreconditionRefused, match="why"):
        office.requests.refuse_request(asked.id, reason="  ", by=participants.OFFICER)

    office.requests.refuse_request(asked.id, reason="证件已过期", by=participants.OFFICER)

    decided = office.requests.find_request(asked.id)
    assert (decided.state, decided.reason, decided.credentials) == (
        EnrolmentRequestState.REFUSED,
        "证件已过期",
        (),
    )
    assert notices_to(appliance, person.subject) == ["enrolment-refused"]
    for again in (
        lambda: office.requests.refuse_request(asked.id, reason="again", by=participants.OFFICER),
        lambda: office.requests.withdraw_request(asked.id, by=person.subject),
        lambda: office.drafts.draft_enrolment(asked.id, verified="x", by=participants.OFFICER),
    ):
        with pytest.raises(StateRefused, match="decided"):
            again()


def test_nothing_is_asked_with_what_somebody_else_has_set_up(appliance: Appliance, office: Office) -> None:
    person, other = newcomer(appliance), newcomer(appliance)
    theirs, _ = register(appliance, other.subject)
    with pytest.raises(PreconditionRefused, match="Nothing was set up"):
        office.requests.submit_request(person.subject, by=person.subject)
    own = ask(appliance, person.subject)
    assert theirs not in own.credentials
    with appliance.database.transaction() as tx:  # as who controls the portal may
        tx.execute(
            "UPDATE proposed_credentials SET fingerprint = ? WHERE request = ?", (theirs.fingerprint, own.id)
        )
    with pytest.raises(CertificateRefused, match="no credential with the fingerprint"):
        perform(appliance, office.drafts.draft_enrolment(own.id, verified=VERIFIED, by=participants.OFFICER))
    assert appliance.authority.credentials(person.subject) == []


@pytest.mark.parametrize("ends", ["refused", "withdrawn"])
def test_what_was_refused_or_withdrawn_is_forgotten(appliance: Appliance, office: Office, ends: str) -> None:
    """What nobody asks for any more lets nobody in; the same passkey may be set up again."""
    person = newcomer(appliance)
    credential, device = register(appliance, person.subject)
    first = office.requests.submit_request(person.subject, by=person.subject)
    other, _ = register(appliance, person.subject)
    if ends == "refused":
        office.requests.refuse_request(first.id, reason="证件已过期", by=participants.OFFICER)
    else:
        office.requests.withdraw_request(first.id, by=person.subject)
    left = [each.fingerprint for each in appliance.authority.pending_credentials(person.subject)]
    assert left == [other.fingerprint], "nobody has asked for that one yet"
    with activation_service(appliance) as service:
        service.drop_pending(person.subject, other.fingerprint)
        challenge = service.begin_registration(person.subject).challenge
        again = service.register_passkey(person.subject, device.register(challenge))
    assert again.fingerprint == credential.fingerprint
    second = office.requests.submit_request(person.subject, by=person.subject)
    assert second.id != first.id and second.credentials == first.credentials
    perform(appliance, office.drafts.draft_enrolment(second.id, verified=VERIFIED, by=participants.OFFICER))
    assert len(appliance.authority.credentials(person.subject)) == 1


def test_what_was_decided_in_the_meantime_is_not_forgotten(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    first = ask(appliance, person.subject)
    office.requests.withdraw_request(first.id, by=person.subject)
    second = ask(appliance, person.subject)
    for end in (
        lambda: office.requests.withdraw_request(first.id, by=person.subject),
        lambda: office.requests.refuse_request(first.id, reason="证件已过期", by=participants.OFFICER),
    ):
        with pytest.raises(StateRefused):
            end()
    waits = [each.fingerprint for each in appliance.authority.pending_credentials(person.subject)]
    assert waits == [each.fingerprint for each in second.credentials]
