"""The kinds of company seal: how each is called, certified and drawn."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from appliance.appearances.seals import appearance_of
from appliance.demonstration.participants import ALPHA, CUSTODIAN, OFFICER
from appliance.errors import PreconditionRefused
from appliance.model.people import SealKind
from appliance.office import SealDraft, describe_decision
from hsm.certificates import SEAL_KINDS, UNIT_SEAL_KINDS
from hsm.errors import CertificateRefused
from tests.seals.conftest import Site
from tests.seals.test_partners_seal import COMPANY, from_outside

UNITS = {SealKind.DEPARTMENT: "采购部", SealKind.BRANCH: "上海分公司"}
CALLED = {SealKind.DEPARTMENT: "采购部部门章", SealKind.BRANCH: "上海分公司章"}


def draft_of(kind: SealKind, unit: str = "", *, custodian: str = CUSTODIAN.subject, of: str = ALPHA) -> SealDraft:
    return SealDraft(of, kind, (custodian,), 40.0, unit=unit)


def test_portal_and_authority_know_the_same_kinds() -> None:
    assert [kind.value for kind in SealKind] == list(SEAL_KINDS)
    assert {kind.value for kind in SealKind if kind.has_unit} == UNIT_SEAL_KINDS


@pytest.mark.parametrize("kind", [SealKind.PERSONNEL, SealKind.INVOICE, SealKind.DEPARTMENT, SealKind.BRANCH])
def test_each_kind_is_called_certified_and_drawn(site: Site, kind: SealKind) -> None:
    appliance, called = site.appliance, CALLED.get(kind, kind.value)
    pending = appliance.office.drafts.draft_seal(draft_of(kind, UNITS.get(kind, "")), by=OFFICER)
    made = appliance.registry.seal(site.done(pending).subject)
    assert (made.label, made.unit, made.number) == (f"{ALPHA} {called}", UNITS.get(kind, ""), 1)
    assert appliance.office.members.names([made.subject]) == {made.subject: made.label}
    certificate = x509.load_der_x509_certificate(appliance.registry.certificate(made.subject))
    named = {each.oid: each.value for each in certificate.subject}
    assert named[NameOID.ORGANIZATIONAL_UNIT_NAME] == kind.value
    assert named[NameOID.COMMON_NAME] == f"{ALPHA}{called}"
    svg = appliance.seal_pictures.svg(CUSTODIAN.subject, made.subject)
    assert ("0.75000" in svg) is (kind is SealKind.INVOICE), "only the seal on invoices is oval"


def test_two_departments_count_their_seals_apart(site: Site) -> None:
    drafts = site.appliance.office.drafts
    labels = []
    for unit in ("法务部", "法务部", "行政部"):
        pending = drafts.draft_seal(draft_of(SealKind.DEPARTMENT, unit), by=OFFICER)
        labels.append(site.appliance.registry.seal(site.done(pending).subject).label)
    assert labels == [f"{ALPHA} 法务部部门章", f"{ALPHA} 法务部部门章（2）", f"{ALPHA} 行政部部门章"]


@pytest.mark.parametrize("unit", ["", " \u200b ", "长" * 41])
def test_a_department_s_seal_says_whose_it_is(site: Site, unit: str) -> None:
    with pytest.raises(PreconditionRefused, match="Give the unit"):
        site.appliance.office.drafts.draft_seal(draft_of(SealKind.DEPARTMENT, unit), by=OFFICER)


@pytest.mark.parametrize("kind", list(UNITS))
def test_other_companies_have_seals_of_departments_and_branches(site: Site, kind: SealKind) -> None:
    """Named as the house's are, in what officers activate, on the certificate and on its face."""
    keeper, drafts = from_outside(site, f"郑外部{kind.name}"), site.appliance.office.drafts
    pending = drafts.draft_seal(draft_of(kind, UNITS[kind], custodian=keeper.subject, of=COMPANY), by=OFFICER)
    assert CALLED[kind] in str(describe_decision(pending, {}))
    made = site.appliance.registry.seal(site.done(pending).subject)
    assert made.outside and (made.label, made.unit) == (f"{COMPANY} {CALLED[kind]}", UNITS[kind])
    certificate = x509.load_der_x509_certificate(site.appliance.registry.certificate(made.subject))
    [name] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == f"{COMPANY}{CALLED[kind]}"
    assert site.appliance.database.query(appearance_of, made).kind == UNITS[kind]


@pytest.mark.parametrize("unit", [f"{ALPHA}采购部", ALPHA.removesuffix("有限公司"), f"驻 {ALPHA} 办事处"])
def test_the_department_of_another_company_is_not_named_after_the_house(site: Site, unit: str) -> None:
    keeper = from_outside(site, "郑外部")
    draft = draft_of(SealKind.DEPARTMENT, unit, custodian=keeper.subject, of=COMPANY)
    with pytest.raises(CertificateRefused, match="of this house"):
        site.done(site.appliance.office.drafts.draft_seal(draft, by=OFFICER))
