"""Seals of other companies: outside signers of that company keep and release them, nobody of the house does. They
gain nobody a power over a seal of the house.

What the web process, taken over, gets at the authority's socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from hsm.certificates import NOTICE, VOUCHED_NOTICE
from hsm.errors import ActivationRefused, CertificateRefused
from hsm.intents import SigningIntent
from tests.authority import OFFICER, ORGANISATION, intent_for, running_authority
from tests.hsm import test_seals

PARTNER, LOOKALIKE = "丁公司外部有限公司", "丁公司外部 有限公司"
DIRECTOR, DEPUTY, CLERK = "person-guest-dddddddddddd", "person-guest-eeeeeeeeeeee", "person-guest-cccccccccccc"
STRANGER = "person-guest-ffffffffffff"
"""Of another company, whose name differs from the partner's in a blank."""
OWN, CUSTODIAN = "person-own", "person-custodian"
HOUSE = "seal-house"


class Site(test_seals.Site):
    """An authority with people of the house, of a partner and of a third company; each test has its own seals."""

    def seal(self, *custodians: str, needed: int = 1, organisation: str = PARTNER) -> str:
        self.seals += 1
        subject = f"seal-guest-{self.seals:08x}"
        self.authority.enrol_seal(subject, custodians, needed=needed, organisation=organisation)
        return subject

    def refuses(self, intent: SigningIntent, subject: str) -> str:
        """The sentence with which *subject*'s activation is refused; the seal is not used either."""
        return self.authority.refuses(
            self.web.sign_document, intent, self.devices[subject].activate(subject, intent)
        )


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_authority(workers=1) as own:
        site = Site(own)
        for each in (OWN, CUSTODIAN):
            site.enrol(each, organisation=ORGANISATION)
        for each in (DIRECTOR, DEPUTY, CLERK):
            site.enrol(each, organisation=PARTNER)
        site.enrol(STRANGER, organisation=LOOKALIKE)
        own.enrol_seal(HOUSE, [CUSTODIAN])
        yield site


def test_the_certificate_names_the_company_and_who_vouched_for_it(site: Site) -> None:
    certificate = x509.load_der_x509_certificate(site.web.certificate(site.seal(DIRECTOR)))
    named = {each.oid: each.value for each in certificate.subject}
    assert named[NameOID.ORGANIZATION_NAME] == PARTNER
    assert named[NameOID.COMMON_NAME] == f"{PARTNER}合同专用章"
    assert ORGANISATION not in certificate.subject.rfc4514_string()
    assert _notice(certificate) == VOUCHED_NOTICE and len(VOUCHED_NOTICE) <= 200
    assert _notice(x509.load_der_x509_certificate(site.web.certificate(HOUSE))) == NOTICE
    known = site.authority.client("activation").known_subject(f"seal-guest-{site.seals:08x}")
    assert (known.kind, known.organisation) == ("outside-seal", PARTNER)
    assert PARTNER not in site.web.organisations()


def _notice(certificate: x509.Certificate) -> str:
    [policy] = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    [notice] = policy.policy_qualifiers or []
    assert isinstance(notice, x509.UserNotice) and notice.explicit_text is not None
    return notice.explicit_text


@pytest.mark.parametrize("organisation", [ORGANISATION, "甲公司　示例有限责任公司", "甲公司示例"])
def test_it_is_not_named_after_the_house(site: Site, organisation: str) -> None:
    with pytest.raises(CertificateRefused, match="no person of"):
        site.seal(DIRECTOR, organisation=organisation)
    with pytest.raises(CertificateRefused, match="no person of"):
        site.authority.enrol_seal("seal-named-so", [DIRECTOR], organisation=organisation)


@pytest.mark.parametrize(
    "name",
    [
        f"{ORGANISATION}合同专用章",
        f"{PARTNER} {ORGANISATION}合同专用章",
        "合同专用章",
        f"{PARTNER}采购部合同专用章",
        f"{PARTNER}部门章",
        f"{PARTNER} 部门章",
    ],
)
def test_it_is_called_by_its_company_and_kind_alone(site: Site, name: str) -> None:
    details = {"organisation": PARTNER, "custodians": [DIRECTOR], "needed": 1, "name": name}
    details["kind"] = "部门章" if name.endswith("部门章") else "合同专用章"
    with pytest.raises(CertificateRefused, match="by nothing else"):
        site.officer("enrol_seal", subject="seal-guest-misnamed", **details)


@pytest.mark.parametrize("who", [CUSTODIAN, STRANGER, OFFICER])
def test_only_its_own_people_become_its_custodians(site: Site, who: str) -> None:
    with pytest.raises(CertificateRefused, match="no person of"):
        site.seal(DIRECTOR, who)
    seal = site.seal(DIRECTOR)
    with pytest.raises(CertificateRefused, match="no person of"):
        site.officer("add_custodian", subject=seal, custodian=who)
    assert site.web.seal(seal).custodians == (DIRECTOR,)


@pytest.mark.parametrize("who", [DIRECTOR, STRANGER])
def test_nobody_from_outside_keeps_or_releases_a_seal_of_the_house(site: Site, who: str) -> None:
    with pytest.raises(CertificateRefused, match="no person of"):
        site.officer("add_custodian", subject=HOUSE, custodian=who)
    with pytest.raises(CertificateRefused, match="no person of"):
        site.authority.enrol_seal("seal-mixed", [CUSTODIAN, who])
    intent = intent_for(HOUSE)
    site.approve(intent, CUSTODIAN)
    assert "two persons of its organisation" in site.refuses(intent, who)


def test_the_house_s_seal_takes_one_who_asks_besides_its_custodian(site: Site) -> None:
    intent = intent_for(HOUSE)
    site.approve(intent, CUSTODIAN)
    with pytest.raises(ActivationRefused, match="two persons"):
        site.web.sign_document(intent)
    site.approve(intent, OWN)
    assert site.web.sign_document(intent)


def test_who_keeps_it_alone_releases_it_alone(site: Site) -> None:
    intent = intent_for(site.seal(DIRECTOR))
    assert site.web.approvals(intent).required == 1
    site.approve(intent, DIRECTOR)
    assert site.web.sign_document(intent)


def test_who_asks_and_does_not_keep_it_needs_its_custodian(site: Site) -> None:
    intent = intent_for(site.seal(DIRECTOR))
    site.approve(intent, CLERK)
    assert site.web.approvals(intent).required == 2
    with pytest.raises(ActivationRefused, match="as many of its custodians as 1"):
        site.web.sign_document(intent)
    assert "of that company alone" in site.refuses(intent, DEPUTY)
    site.approve(intent, DIRECTOR)
    assert site.web.sign_document(intent)


@pytest.mark.parametrize("asking", [DIRECTOR, CLERK])
def test_two_custodians_where_it_takes_two(site: Site, asking: str) -> None:
    intent = intent_for(site.seal(DIRECTOR, DEPUTY, needed=2))
    site.approve(intent, *dict.fromkeys((asking, DIRECTOR)))
    with pytest.raises(ActivationRefused, match="as many of its custodians as 2"):
        site.web.sign_document(intent)
    site.approve(intent, DEPUTY)
    assert site.web.sign_document(intent)


def test_an_intent_may_ask_for_two_of_a_seal_that_takes_one(site: Site) -> None:
    intent = replace(intent_for(site.seal(DIRECTOR, DEPUTY)), custodians=2)
    site.approve(intent, DIRECTOR)
    with pytest.raises(ActivationRefused, match="as many of its custodians as 2"):
        site.web.sign_document(intent)


@pytest.mark.parametrize("who", [OWN, CUSTODIAN, STRANGER, OFFICER])
def test_nobody_else_asks_for_it_or_releases_it(site: Site, who: str) -> None:
    seal = site.seal(DIRECTOR, DEPUTY, needed=2)
    devices = {**site.devices, OFFICER: site.authority.officer}
    for before in ((), (CLERK,), (DIRECTOR,)):
        intent = intent_for(seal)
        for each in before:
            site.approve(intent, each)
        said = site.authority.refuses(site.web.sign_document, intent, devices[who].activate(who, intent))
        assert "of that company alone" in said


def test_a_custodian_who_was_removed_counts_no_more(site: Site) -> None:
    seal = site.seal(DIRECTOR, DEPUTY)
    intent = intent_for(seal)
    site.approve(intent, DIRECTOR)
    site.officer("remove_custodian", subject=seal, custodian=DIRECTOR)
    with pytest.raises(ActivationRefused):
        site.web.sign_document(intent)
    with pytest.raises(CertificateRefused, match="Suspend it first"):
        site.officer("remove_custodian", subject=seal, custodian=DEPUTY)


def test_what_officers_do_with_seals_they_do_with_these(site: Site) -> None:
    seal = site.seal(DIRECTOR)
    with pytest.raises(CertificateRefused, match="would have: 1"):
        site.officer("set_custodians_needed", subject=seal, needed=2)
    site.officer("add_custodian", subject=seal, custodian=DEPUTY)
    site.officer("set_custodians_needed", subject=seal, needed=2)
    site.officer("change_picture", subject=seal, picture="ab" * 32)
    before = site.web.certificate(seal)
    site.authority.officer_does(
        site.authority.client("operator").rotate, site.authority.officer_act("rotate", subject=seal)
    )
    certificate = x509.load_der_x509_certificate(site.web.certificate(seal))
    assert site.web.certificate(seal) != before and _notice(certificate) == VOUCHED_NOTICE
    site.web.suspend_seal(seal)
    with pytest.raises(ActivationRefused, match="suspended"):
        site.approve(intent_for(seal), DIRECTOR)
    site.officer("resume_seal", subject=seal)
    intent = intent_for(seal)
    site.approve(intent, DIRECTOR, DEPUTY)
    assert site.web.sign_document(intent)
    site.officer("destroy_seal", subject=seal)
    assert site.web.seal(seal).keys_left == 0


def test_a_custodian_who_leaves_stops_it(site: Site) -> None:
    site.enrol("person-guest-999999999999", organisation=PARTNER)
    seal = site.seal("person-guest-999999999999")
    site.officer("retire", subject="person-guest-999999999999", reason="affiliation_changed")
    assert site.web.seal(seal).custodians == () and site.web.seal(seal).suspended is not None
