"""One's own profile: what can be changed, and that nobody signs under another name than the verified one."""

from __future__ import annotations

import pytest

from appliance.errors import PreconditionRefused
from appliance.language import Language
from appliance.model.office import EnrolmentRequest, EnrolmentRequestState, ProposedCredential
from appliance.store import enrolment, people
from tests.accounts.conftest import Site


def renamed(site: Site, subject: str, name: str) -> None:
    site.service.own.change_profile(subject, name=name, language=Language.ENGLISH, zone="Asia/Tokyo")


@pytest.mark.parametrize("stage", ["enrolled", "asking"])
def test_a_name_that_an_officer_verifies_stays(site: Site, stage: str) -> None:
    subject = site.set_up("zhao").session.subject
    with site.context.database.transaction() as tx:
        if stage == "enrolled":
            people.set_certificate(tx, subject, b"certificate")
        else:
            asked = ProposedCredential("webauthn", "aaaa bbbb cccc dddd eeee")
            request = EnrolmentRequest("ab", subject, ("webauthn",), (asked,), EnrolmentRequestState.OPEN, site.at)
            enrolment.insert(tx, request)

    with pytest.raises(PreconditionRefused, match="cannot be changed"):
        renamed(site, subject, "别人的名字")

    renamed(site, subject, site.context.registry.person(subject).name)
    assert site.context.registry.person(subject).zone == "Asia/Tokyo"
    assert site.service.own.name_stays(subject)


def test_before_that_it_is_changed_and_in_the_log(site: Site) -> None:
    subject = site.set_up("zhao").session.subject
    renamed(site, subject, " 赵 <b>𠮷野 ")
    assert site.context.registry.person(subject).name == "赵 <b>𠮷野"
    assert site.told()[-1] == "profile-changed"
    assert not site.service.own.name_stays(subject)
