"""The register: who is a partner, who vouched, and what about them is kept."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from appliance.demonstration.participants import ALPHA, BETA, OFFICER, ZHANG
from appliance.errors import DocumentRefused, NotFound, PreconditionRefused, StateRefused
from appliance.model.partners import PartnerDetails, PartnerDocumentKind, VouchingMeans
from appliance.partners import detail_problems
from appliance.store import retention
from appliance.wiring import Appliance
from tests.partners.conftest import Company, code_of, company, registered
from tests.world import sample_document


@pytest.fixture(scope="module")
def gamma(appliance: Appliance) -> Company:
    return company(appliance)


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(file, "PNG")
    return file.getvalue()


def test_a_partner_is_found_by_name_code_and_representative(appliance: Appliance, gamma: Company) -> None:
    name, code = gamma.partner.name, str(gamma.partner.details.code)
    person = appliance.registry.person(gamma.administrator).name
    for words in (name[2:6], code[-9:], person, ""):
        assert gamma.partner.id in [each.id for each in appliance.partners.page(words)]
    assert appliance.partners.page("_%") == []
    [vouching] = appliance.partners.partner(gamma.partner.id).vouchings
    assert (vouching.by, vouching.means) == (ZHANG.subject, VouchingMeans.LICENCE)


@pytest.mark.parametrize("name", [ALPHA, BETA, f" {ALPHA[:3]}　{ALPHA[3:]}"])
def test_the_own_house_is_no_partner(appliance: Appliance, name: str) -> None:
    with pytest.raises(PreconditionRefused, match="organisation of this house"):
        appliance.partners.register(
            PartnerDetails(name, code_of(900)), VouchingMeans.LICENCE, "", by=ZHANG.subject
        )


def test_a_company_is_registered_once(appliance: Appliance, gamma: Company) -> None:
    details = gamma.partner.details
    for again in (replace(details, code=code_of(901)), replace(details, name="另一家有限公司")):
        with pytest.raises(StateRefused, match="is a partner already"):
            appliance.partners.register(again, VouchingMeans.LICENCE, "", by=ZHANG.subject)


def test_a_foreign_company_gives_a_number_instead(appliance: Appliance) -> None:
    foreign = PartnerDetails("Müller 𠮷野 GmbH", registration="HRB 12345, Amtsgericht München")
    kept = appliance.partners.register(foreign, VouchingMeans.REGISTER, "", by=ZHANG.subject)
    assert (kept.details.code, kept.details.registration) == (None, "HRB 12345, Amtsgericht München")
    assert set(detail_problems(PartnerDetails("甲"))) == {"code"}
    assert set(detail_problems(PartnerDetails("", "1", email="x", phone="y", address="z" * 201))) == {
        *("name", "code", "email", "phone", "address")
    }


def test_other_means_need_words(appliance: Appliance, gamma: Company) -> None:
    with pytest.raises(PreconditionRefused, match="by what"):
        appliance.partners.vouch(gamma.partner.id, VouchingMeans.OTHER, " ", by=OFFICER)
    again = appliance.partners.vouch(gamma.partner.id, VouchingMeans.OTHER, "面谈", by=OFFICER)
    assert [each.by for each in again.vouchings] == [ZHANG.subject, OFFICER]
    with pytest.raises(PreconditionRefused, match="from outside"):
        appliance.partners.vouch(gamma.partner.id, VouchingMeans.KNOWN, "", by=gamma.administrator)


def test_the_name_stays_once_it_is_certified(appliance: Appliance, gamma: Company) -> None:
    with pytest.raises(PreconditionRefused, match="registered anew"):
        appliance.partners.change(
            gamma.partner.id, replace(gamma.partner.details, name="改名有限公司"), by=ZHANG.subject
        )
    new = registered(appliance)
    renamed = appliance.partners.change(new.id, replace(new.details, name="未用之名有限公司"), by=ZHANG.subject)
    assert renamed.name == "未用之名有限公司"


def test_the_administrator_changes_contacts_and_nothing_else(appliance: Appliance, gamma: Company) -> None:
    wanted = replace(
        gamma.partner.details, name="别名", code=code_of(902), contact="钱联系", phone="021 5555 0000"
    )
    changed = appliance.partners.change_contacts(gamma.partner.id, wanted, by=gamma.administrator)
    assert (changed.name, changed.details.code) == (gamma.partner.name, gamma.partner.details.code)
    assert (changed.details.contact, changed.details.phone) == ("钱联系", "021 5555 0000")
    for stranger in (gamma.second, company(appliance).administrator):
        with pytest.raises(NotFound):
            appliance.partners.change_contacts(gamma.partner.id, wanted, by=stranger)


def test_documents_are_kept_as_they_came(appliance: Appliance, gamma: Company) -> None:
    partner, licence, stranger = gamma.partner.id, picture(), company(appliance).administrator
    for data, media in ((licence, "image/png"), (sample_document(1), "application/pdf")):
        kind = PartnerDocumentKind.LICENCE
        kept = appliance.partners.add_document(partner, kind, data, by=gamma.administrator)
        assert (kept.media, appliance.partners.document(partner, kept.id)[1]) == (media, data)
        with appliance.database.reading() as tx:
            assert retention.is_needed(tx, kept.digest)
            assert kept.digest in set(retention.needed(tx))
        with pytest.raises(StateRefused, match="already"):
            appliance.partners.add_document(partner, kind, data, by=ZHANG.subject)
        with pytest.raises(NotFound):
            appliance.partners.add_document(partner, kind, data, by=stranger)
        with pytest.raises(NotFound):
            appliance.partners.document(registered(appliance).id, kept.id)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"%PDF-1.7 nothing", b"\x89PNG\r\n\x1a\n broken", b"\xff\xd8\xff"]
)
def test_what_is_no_document_is_refused(appliance: Appliance, gamma: Company, data: bytes) -> None:
    with pytest.raises(DocumentRefused):
        appliance.partners.add_document(gamma.partner.id, PartnerDocumentKind.OTHER, data, by=ZHANG.subject)
