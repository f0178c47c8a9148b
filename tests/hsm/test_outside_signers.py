"""Outside signers carry their own organisation's name, which nobody else gains by it."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from hsm.errors import CertificateRefused
from tests.authority import RunningAuthority

OUTSIDE = "丁公司外部有限公司"


def test_an_outside_signer_is_of_the_organisation_that_the_officer_saw(authority: RunningAuthority) -> None:
    authority.enrol_person("person-guest-0123456789ab", organisation=OUTSIDE)
    certificate = x509.load_der_x509_certificate(authority.client("web").certificate("person-guest-0123456789ab"))
    (organisation,) = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert organisation.value == OUTSIDE


def test_nobody_else_may_be_named_after_it(authority: RunningAuthority) -> None:
    authority.enrol_person("person-guest-ba9876543210", organisation=OUTSIDE)
    with pytest.raises(CertificateRefused, match="may name"):
        authority.enrol_person("person-insider", organisation=OUTSIDE)
