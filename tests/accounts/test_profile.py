"""One's own profile: what can be changed, and that nobody signs under another name than the verified one."""

from __future__ import annotations

import pytest

from appliance.errors import PreconditionRefused
from appliance.language import Language
from appliance.model.office import EnrolmentRequest, EnrolmentRequestState, ProposedPasskey
from appliance.store import enrolment, people
from tests.accounts.conftest import House


def renamed(house: House, subject: str, name: str) -> None:
    house.desk.own.change_profile(subject, name=name, language=Language.ENGLISH, zone="Asia/Tokyo")


@pytest.mark.parametrize("stage", ["enrolled", "asking"])
def test_a_name_that_an_officer_verifies_stays(house: House, stage: str) -> None:
    subject = house.set_up("zhao").session.subject
    with house.room.database.transaction() as tx:
        if stage == "enrolled":
            people.set_certificate(tx, subject, b"certificate")
        else:
            asked = ProposedPasskey(b"id", b"key", "localhost")
            request = EnrolmentRequest(
                "ab", subject, ("webauthn",), (asked,), EnrolmentRequestState.OPEN, house.at
            )
            enrolment.insert(tx, request)

    with pytest.raises(PreconditionRefused, match="cannot be changed"):
        renamed(house, subject, "别人的名字")

    renamed(house, subject, house.room.registry.person(subject).name)
    assert house.room.registry.person(subject).zone == "Asia/Tokyo"
    assert house.desk.own.name_stays(subject)


def test_before_that_it_is_changed_and_in_the_log(house: House) -> None:
    subject = house.set_up("zhao").session.subject
    renamed(house, subject, " 赵 <b>𠮷野 ")
    assert house.room.registry.person(subject).name == "赵 <b>𠮷野"
    assert house.told()[-1] == "profile-changed"
    assert not house.desk.own.name_stays(subject)
