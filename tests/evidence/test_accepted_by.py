"""Who accepts the agreement on electronic signing for an organisation is certified under it, or signs alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from appliance.evidence import agreements
from appliance.evidence.history import PackageEvent
from appliance.evidence.package import build
from appliance.language import Language, translator
from appliance.ledger.entry import LedgerEntry
from appliance.verification import Indication
from hsm import cms
from hsm.names import SubjectName
from hsm.records import carries
from tests.evidence import contract
from tests.evidence.authority import START, TestAuthority, new_key
from tests.evidence.real_contract import SignedPdf
from tests.evidence.test_forged_packages import Readers, readers
from tests.holder import Holder

__all__ = ["readers"]
pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")


def by_another_company(authority: TestAuthority, pdf: SignedPdf, form: str) -> bytes:
    """The acceptance for the second company is by the first one's representative; on it rest the signatures of the
    second one's own people."""

    def accepting(person: str) -> dict[str, Any]:
        record = contract.acceptance(person)
        other = {"person": "person-zhang", "name": contract.NAMES["person-zhang"], "format": form}
        return record | other if person == "person-li" else record

    return build(contract.make(authority, pdf, accepting=accepting), contract.seals(authority))


def test_who_is_of_another_company_does_not_accept_for_it(
    readers: Readers, authority: TestAuthority, pdf: SignedPdf
) -> None:
    readers.refuse_by_verifier(by_another_company(authority, pdf, "vermilion-agreement/4"))


def test_of_earlier_acceptances_is_said_whose_they_are(
    readers: Readers, authority: TestAuthority, pdf: SignedPdf
) -> None:
    package = by_another_company(authority, pdf, "vermilion-agreement/3")
    report = readers.verifier.verify(package)
    assert report.indication is Indication.PASSED, report.reasons
    [remark] = [each for each in report.remarks if "accepted for" in str(each)]
    chinese = remark.translated(translator(Language.CHINESE))
    assert "代乙公司示例有限公司接受" in chinese
    for words in (str(remark), chinese):
        assert all(each in words for each in (contract.ALPHA, contract.BETA, "张示例", "person-li, seal-b"))


def certified(authority: TestAuthority, organisation: str) -> Holder:
    """A person of *organisation*, with the name in full where the subject has no room for it."""
    key, name = new_key(), SubjectName(organisation, "孙示例" * 30, "person-sun")
    builder = (
        x509.CertificateBuilder().subject_name(name.to_x509()).issuer_name(authority.issuing.certificate.subject)
    )
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(START).not_valid_after(START + timedelta(days=30))
    if extension := name.extension():
        builder = builder.add_extension(extension, critical=False)
    return Holder(key, builder.sign(authority.issuing.key, hashes.SHA256()), ())


LONG = "长名" * 50
NAMES = [
    ("甲公司示例有限公司", "甲公司示例有限公司", True),
    ("甲公司示例有限公司", "乙公司示例有限公司", False),
    ('Alpha "A\\B" Ltd', 'Alpha "A\\B" Ltd', True),
    ("Alpha Ltd", "Alpha ltd", False),
    (LONG, LONG, True),
    (LONG, LONG + "甲", False),
    (LONG + "甲", LONG, False),
    ("", "甲公司示例有限公司", False),
    ("X" * 65, "X" * 65, True),
    ("X" * 65, "X" * 64, False),
]


@pytest.mark.parametrize(("organisation", "party", "same"), NAMES)
def test_the_name_is_the_one_in_the_certificate(
    authority: TestAuthority, organisation: str, party: str, same: bool
) -> None:
    """Names are compared as those of the sides are: another spelling is another organisation."""
    holder = certified(authority, organisation)
    record = {"format": "vermilion-agreement/4", "name": "孙示例", "person": "person-sun"}
    record |= {"party": {"kind": "organisation", "name": party}}  # type: ignore[dict-item]  # a record has records
    message = cms.MessageMaker(holder, cms.DATA).make_message(bytes(32), attributes=[])
    assert carries(record, message, "person-li") is same
    assert carries(record, b"", "person-sun")


@pytest.mark.parametrize(
    ("organisation", "side"),
    [
        ("  ", "person-li"),
        ("　", "person-li"),
        ("", "person-li"),
        (" 甲　", "甲"),
        ("甲 乙", "甲 乙"),
    ],
)
def test_blanks_name_no_organisation(organisation: str, side: str) -> None:
    private = {"name": "李样本", "organisation": organisation}
    signed = PackageEvent(1, "party-signed", START, "person-li", {"signer": "person-li"}, private)
    found = agreements._side(signed)
    assert found is not None and agreements._key(found).partition(":")[2] == side


def test_the_log_s_entry_is_of_an_acceptance(
    readers: Readers, authority: TestAuthority, pdf: SignedPdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry of another kind may have the same digest."""
    true: Callable[..., LedgerEntry] = contract._accepted
    monkeypatch.setattr(contract, "_accepted", lambda *given: replace(true(*given), kind="agreement-proposed"))
    readers.refuse_by_verifier(build(contract.make(authority, pdf), contract.seals(authority)))
