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
    second = operator.rotate(act, authority.by_officer(act))

    act = authority.officer_act("revoke_certificate", subject="person-rotated", reason="key_compromise")
    crl = web.revoke_certificate(act, authority.by_officer(act))

    assert {serial(first), serial(second)} <= serials(crl)


def test_who_has_left_neither_signs_nor_releases_a_seal(authority: RunningAuthority) -> None:
    device = authority.enrol_person("person-retired")
    other = authority.enrol_person("person-staying")
    authority.enrol_seal("seal-of-retired", ["person-retired"])
    web = authority.client("web")
    certificate = web.certificate("person-retired")

    act = authority.officer_act("retire", subject="person-retired", reason="cessation_of_operation")
    crl = web.retire(act, authority.by_officer(act))

    assert serial(certificate) in serials(crl)
    assert web.credentials("person-retired") == []
    intent = intent_for("person-retired")
    with pytest.raises(UnknownKey, match="revoked"):
        web.sign_document(intent, [device.activate("person-retired", intent)])
    intent = intent_for("seal-of-retired")
    with pytest.raises(ActivationRefused, match="suspended"):
        web.sign_document(
            intent,
            [device.activate("person-retired", intent), other.activate("person-staying", intent)],
        )
    again = authority.officer_act("retire", subject="person-retired", reason="cessation_of_operation")
    assert serials(crl) <= serials(web.retire(again, authority.by_officer(again)))


@pytest.mark.parametrize("operation", ["retire", "revoke_certificate"])
def test_the_cas_end_in_a_ceremony_alone(authority: RunningAuthority, operation: str) -> None:
    for subject in ("root", "issuing"):
        act = authority.officer_act(operation, subject=subject, reason="key_compromise")
        with pytest.raises(CertificateRefused, match="ceremony"):
            getattr(authority.client("web"), operation)(act, authority.by_officer(act))


def test_retiring_needs_an_officer_a_reason_and_somebody(authority: RunningAuthority) -> None:
    device = authority.enrol_person("person-retiring-others")
    web = authority.client("web")
    act = authority.officer_act("retire", subject="person-retiring-others", reason="superseded")
    with pytest.raises(ActivationRefused, match="officers"):
        web.retire(act, [device.activate("person-retiring-others", act)])
    for subject, reason, kind in (
        ("person-nobody", "superseded", UnknownKey),
        (OFFICER, "because", AuthorityError),
        (OFFICER, 7, BadRequest),
    ):
        act = authority.officer_act("retire", subject=subject, reason=reason)
        with pytest.raises(kind):
            web.retire(act, authority.by_officer(act))
    assert web.credentials(OFFICER)
