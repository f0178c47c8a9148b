"""What ends for good: every certificate that could still sign, and everything that somebody activates with."""

from __future__ import annotations

import pytest
from cryptography import x509

from hsm.errors import ActivationRefused, AuthorityError, BadRequest, CertificateRefused, UnknownKey
from tests.authority import OFFICER, RunningAuthority, intent_for


def serials(crl: bytes) -> set[int]:
    return {each.serial_number for each in x509.load_der_x509_crl(crl)}


def serial(certificate: bytes) -> int:
    return x509.load_der_x509_certificate(certificate).serial_number


def test_revoking_reaches_the_certificates_before_the_current_one(authority: RunningAuthority) -> None:
    authority.enrol_person("person-rotated")
    web, operator = authority.client("web"), authority.client("operator")
    first = web.certificate("person-rotated")
    act = authority.officer_act("rotate", subject="person-rotated")
    second = authority.officer_does(operator.rotate, act)

    act = authority.officer_act("revoke_certificate", subject="person-rotated", reason="key_compromise")
    crl = authority.officer_does(web.revoke_certificate, act)

    assert {serial(first), serial(second)} <= serials(crl)


def test_who_has_left_neither_signs_nor_releases_a_seal(authority: RunningAuthority) -> None:
    device = authority.enrol_person("person-retired")
    other = authority.enrol_person("person-staying")
    authority.enrol_seal("seal-of-retired", ["person-retired"])
    web = authority.client("web")
    certificate = web.certificate("person-retired")

    act = authority.officer_act("retire", subject="person-retired", reason="cessation_of_operation")
    crl = authority.officer_does(web.retire, act)

    assert serial(certificate) in serials(crl)
    assert web.credentials("person-retired") == []
    intent = intent_for("person-retired")
    with pytest.raises(ActivationRefused, match="no such credential"):
        authority.confirm(device, "person-retired", intent)
    with pytest.raises(UnknownKey, match="revoked"):
        web.sign_document(intent)
    intent = intent_for("seal-of-retired")
    for each, subject in ((device, "person-retired"), (other, "person-staying")):
        said = authority.refuses(web.sign_document, intent, each.activate(subject, intent))
        assert "suspended" in said
    again = authority.officer_act("retire", subject="person-retired", reason="cessation_of_operation")
    assert serials(crl) <= serials(authority.officer_does(web.retire, again))


@pytest.mark.parametrize("operation", ["retire", "revoke_certificate"])
def test_the_cas_end_in_a_ceremony_alone(authority: RunningAuthority, operation: str) -> None:
    for subject in ("root", "issuing"):
        act = authority.officer_act(operation, subject=subject, reason="key_compromise")
        with pytest.raises(CertificateRefused, match="ceremony"):
            authority.officer_does(getattr(authority.client("web"), operation), act)


def test_retiring_needs_an_officer_a_reason_and_somebody(authority: RunningAuthority) -> None:
    device = authority.enrol_person("person-retiring-others")
    web = authority.client("web")
    act = authority.officer_act("retire", subject="person-retiring-others", reason="superseded")
    said = authority.refuses(web.retire, act, device.activate("person-retiring-others", act))
    assert "officers" in said
    for subject, reason, kind in (
        ("person-nobody", "superseded", UnknownKey),
        (OFFICER, "because", AuthorityError),
        (OFFICER, 7, BadRequest),
    ):
        act = authority.officer_act("retire", subject=subject, reason=reason)
        with pytest.raises(kind):
            authority.officer_does(web.retire, act)
    assert web.credentials(OFFICER)
