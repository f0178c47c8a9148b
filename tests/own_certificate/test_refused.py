"""Every way to hand in something else than the document with one's own signature, refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.embed import EmbeddedFileObject, FileSpec, embed_file
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, append_signature_field

from appliance.demonstration.participants import LI
from appliance.errors import ApplianceError, DocumentRefused, PreconditionRefused, StateRefused
from appliance.model.contract import Contract, InputKind, SignerInput, SigningOrder
from appliance.own_certificates import SignedUpload
from appliance.pdf.workshop import LARGEST_DOCUMENT
from appliance.timestamping import TimestampIssuer
from appliance.wiring import Appliance
from tests.own_certificate.counterparty import (
    Holder,
    Wanted,
    authority,
    certified,
    crl_of,
    signed_with_pyhanko,
)
from tests.own_certificate.house import (
    BY,
    HERE,
    approved,
    hand_in,
    handed_out,
    outside,
    sent,
    sign_here,
    untouched,
)


@pytest.fixture(scope="module")
def contract(appliance: Appliance) -> Contract:
    """Signed by the house, waiting for Gamma and after it for Li."""
    return sign_here(appliance, sent(appliance, later=(LI.subject,)))


@pytest.fixture(scope="module")
def document(appliance: Appliance, contract: Contract) -> bytes:
    return handed_out(appliance, contract)


def refusal(appliance: Appliance, contract: Contract, upload: bytes, *crls: bytes) -> ApplianceError:
    """Why *upload* is refused; nothing of it is left."""
    with pytest.raises((DocumentRefused, PreconditionRefused, StateRefused)) as refused:
        hand_in(appliance, contract, upload, *crls)
    assert untouched(appliance, contract)
    return refused.value


def reason(appliance: Appliance, contract: Contract, upload: bytes, *crls: bytes) -> str:
    found = refusal(appliance, contract, upload, *crls)
    assert isinstance(found, DocumentRefused), found
    return found.reason


Change = Callable[[IncrementalPdfFileWriter, str], None]


def _page_text(writer: IncrementalPdfFileWriter, _field: str) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    stream = page["/Contents"]
    extra = writer.add_object(generic.StreamObject(stream_data=b"BT /F1 12 Tf 100 500 Td (or double) Tj ET"))
    page[generic.pdf_name("/Contents")] = generic.ArrayObject(
        [stream.container_ref and page.raw_get("/Contents"), extra]
    )
    writer.update_container(page)


def _annotation(writer: IncrementalPdfFileWriter, _field: str) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    note = {"/Type": "/Annot", "/Subtype": "/Square"}
    made = generic.DictionaryObject(
        {generic.pdf_name(key): generic.pdf_name(value) for key, value in note.items()}
    )
    made[generic.pdf_name("/Rect")] = generic.ArrayObject(map(generic.NumberObject, (100, 100, 300, 300)))
    page["/Annots"].append(writer.add_object(made))
    writer.update_container(page["/Annots"])
    writer.update_container(page)


def _file(writer: IncrementalPdfFileWriter, _field: str) -> None:
    embedded = EmbeddedFileObject.from_file_data(writer, b"other terms", mime_type="text/plain")
    embed_file(writer, FileSpec("terms.txt", embedded_data=embedded))


def _moved(writer: IncrementalPdfFileWriter, field: str) -> None:
    widget = _widget(writer, field)
    widget[generic.pdf_name("/Rect")] = generic.ArrayObject(map(generic.NumberObject, (50, 300, 550, 700)))
    writer.update_container(widget)


def _hidden(writer: IncrementalPdfFileWriter, field: str) -> None:
    widget = _widget(writer, field)
    widget[generic.pdf_name("/F")] = generic.NumberObject(2)
    writer.update_container(widget)


def _script(writer: IncrementalPdfFileWriter, _field: str) -> None:
    action = {
        generic.pdf_name("/S"): generic.pdf_name("/JavaScript"),
        generic.pdf_name("/JS"): generic.pdf_string("1"),
    }
    writer.root[generic.pdf_name("/OpenAction")] = generic.DictionaryObject(action)
    writer.update_root()


def _further_field(writer: IncrementalPdfFileWriter, _field: str) -> None:
    append_signature_field(writer, SigFieldSpec("another", box=(10, 10, 200, 100)))


def _title(writer: IncrementalPdfFileWriter, _field: str) -> None:
    writer.set_info(generic.DictionaryObject({generic.pdf_name("/Title"): generic.pdf_string("Other")}))


def _widget(writer: IncrementalPdfFileWriter, field: str) -> generic.DictionaryObject:
    fields = [each.get_object() for each in writer.root["/AcroForm"]["/Fields"]]
    return next(each for each in fields if each["/T"] == field)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_page_text, "changed"),
        (_annotation, "changed"),
        (_file, "changed"),
        (_moved, "changed"),
        (_hidden, "changed"),
        (_script, "changed"),
        (_further_field, "changed"),
        (_title, "described-anew"),
    ],
)
def test_something_else_was_changed_with_it(
    appliance: Appliance, contract: Contract, document: bytes, zheng: Holder, change: Change, why: str
) -> None:
    field = outside(contract).field
    writer = IncrementalPdfFileWriter(BytesIO(document))
    change(writer, field)
    signed = signed_with_pyhanko(document, zheng, field, writer=writer)
    assert signed.startswith(document)
    assert reason(appliance, contract, signed) == why


def test_the_field_of_somebody_else(
    appliance: Appliance, contract: Contract, document: bytes, zheng: Holder
) -> None:
    others = contract.parties[2].field
    assert reason(appliance, contract, signed_with_pyhanko(document, zheng, others)) == "other-field"


def test_unsigned(appliance: Appliance, contract: Contract, document: bytes) -> None:
    assert reason(appliance, contract, document) == "not-appended"


def test_an_older_revision(appliance: Appliance, contract: Contract, zheng: Holder) -> None:
    """Signed before the house signed: the page says who has signed since, and gives out the new one."""
    before = appliance.contracts.document(contract, 1)
    upload = signed_with_pyhanko(before, zheng, outside(contract).field)
    found = refusal(appliance, contract, upload)
    assert isinstance(found, StateRefused) and found.values["name"] == contract.parties[0].name


def test_another_document(appliance: Appliance, contract: Contract) -> None:
    original = appliance.contracts.document(contract, 0)
    assert reason(appliance, contract, original) == "other-file"


def test_a_file_that_was_written_anew(
    appliance: Appliance, contract: Contract, document: bytes, zheng: Holder
) -> None:
    anew = BytesIO()
    copy_into_new_writer(PdfFileReader(BytesIO(document))).write(anew)
    signed = signed_with_pyhanko(anew.getvalue(), zheng, outside(contract).field)
    assert reason(appliance, contract, signed) == "other-file"


def test_an_encrypted_file(appliance: Appliance, contract: Contract, document: bytes) -> None:
    anew, writer = BytesIO(), copy_into_new_writer(PdfFileReader(BytesIO(document)))
    writer.encrypt("owner", "user")
    writer.write(anew)
    assert reason(appliance, contract, anew.getvalue()) == "other-file"


@pytest.mark.parametrize("ending", [b"\n", b" ", b"%", b"\0" * 1000, b"%%EOF\n"])
def test_bytes_after_it(
    appliance: Appliance, contract: Contract, document: bytes, zheng: Holder, ending: bytes
) -> None:
    signed = signed_with_pyhanko(document, zheng, outside(contract).field)
    assert reason(appliance, contract, signed + ending) in {"incomplete", "damaged"}


def test_without_its_last_byte(appliance: Appliance, contract: Contract, document: bytes, zheng: Holder) -> None:
    signed = signed_with_pyhanko(document, zheng, outside(contract).field).rstrip(b"\n")
    assert reason(appliance, contract, signed[:-1]) in {"incomplete", "damaged", "unsigned"}


def test_two_signatures_at_once(appliance: Appliance, contract: Contract, document: bytes, zheng: Holder) -> None:
    once = signed_with_pyhanko(document, zheng, outside(contract).field)
    twice = signed_with_pyhanko(once, zheng, contract.parties[2].field)
    assert reason(appliance, contract, twice) == "several-revisions"


def test_a_certification(appliance: Appliance, contract: Contract, document: bytes, zheng: Holder) -> None:
    """The house's first signature certifies already, so pyHanko refuses; on a contract without one it does not."""
    first = sent(appliance, house=(), later=(LI.subject,))
    signed = signed_with_pyhanko(
        handed_out(appliance, first),
        zheng,
        outside(first).field,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    assert reason(appliance, first, signed) in {"locks", "changed"}


def test_a_lock_on_what_a_later_signer_fills_in(
    appliance: Appliance, zheng: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would break this signature as soon as the other one is made, and whoever made it would not be bound."""
    note = SignerInput("", 0, InputKind.TEXT, "备注", required=False, most=10)
    contract = sent(appliance, house=(), later=(LI.subject,), fills_in=note)
    writer = IncrementalPdfFileWriter(BytesIO(handed_out(appliance, contract)))
    field = _widget(writer, outside(contract).field)
    field[generic.pdf_name("/Lock")] = generic.DictionaryObject()
    place = f"{contract.parties[1].field}_input_1_1"

    def only_in_the_signature(_lock: object) -> FieldMDPSpec:
        del field["/Lock"]
        return FieldMDPSpec(FieldMDPAction.INCLUDE, [place])

    monkeypatch.setattr(FieldMDPSpec, "from_pdf_object", only_in_the_signature)
    signed = signed_with_pyhanko(b"", zheng, outside(contract).field, writer=writer)
    assert reason(appliance, contract, signed) == "locks"


def test_a_weak_hash(appliance: Appliance, contract: Contract, document: bytes, zheng: Holder) -> None:
    signed = signed_with_pyhanko(document, zheng, outside(contract).field, md_algorithm="sha1")
    assert reason(appliance, contract, signed) in {"not-good", "odd-signature"}


LONG_AGO = timedelta(days=100)
UNFIT: dict[str, Callable[[Holder], Holder]] = {
    "expired": lambda root: certified(Wanted(start=datetime.now(UTC) - LONG_AGO, days=99), root),
    "not yet valid": lambda root: certified(Wanted(start=datetime.now(UTC) + LONG_AGO), root),
    "self-signed": lambda _root: certified(Wanted()),
    "of another authority": lambda _root: certified(Wanted(), authority()),
    "not for signatures": lambda root: certified(Wanted(signs=False), root),
    "by an authority that is none": lambda root: certified(Wanted(), certified(Wanted("Sub"), root)),
}
"""People whose certificates do not do."""


@pytest.mark.parametrize("who", list(UNFIT))
def test_a_certificate_that_does_not_do(
    appliance: Appliance, contract: Contract, document: bytes, root: Holder, who: str
) -> None:
    signed = signed_with_pyhanko(document, UNFIT[who](root), outside(contract).field)
    assert reason(appliance, contract, signed) == "not-good"


def test_somebody_of_another_organisation(
    appliance: Appliance, contract: Contract, document: bytes, root: Holder
) -> None:
    other = certified(Wanted(organisation="丁公司示例有限公司"), root)
    signed = signed_with_pyhanko(document, other, outside(contract).field)
    assert reason(appliance, contract, signed) == "wrong-signer"


def test_a_revoked_certificate(
    appliance: Appliance, contract: Contract, document: bytes, root: Holder, zheng: Holder
) -> None:
    signed = signed_with_pyhanko(document, zheng, outside(contract).field)
    assert reason(appliance, contract, signed, crl_of(root, zheng)) == "not-good"


def test_an_authority_that_nobody_has_approved(appliance: Appliance, zheng: Holder) -> None:
    contract = sent(appliance, house=(), organisation="戊公司示例有限公司")
    signed = signed_with_pyhanko(handed_out(appliance, contract), zheng, outside(contract).field)
    found = refusal(appliance, contract, signed)
    assert isinstance(found, PreconditionRefused) and found.values["organisation"] == "戊公司示例有限公司"


def test_an_authority_that_an_officer_has_ended(appliance: Appliance) -> None:
    ended, organisation = authority("Ended"), "己公司示例有限公司"
    anchor = approved(appliance, ended, organisation)
    holder = certified(Wanted(organisation=organisation), ended)
    contract = sent(appliance, house=(), organisation=organisation)
    signed = signed_with_pyhanko(handed_out(appliance, contract), holder, outside(contract).field)
    appliance.office.anchors.end(anchor.id, reason="不再使用", by="officer-1")
    assert isinstance(refusal(appliance, contract, signed), PreconditionRefused)


def test_an_authority_that_an_officer_ends_while_the_file_is_checked(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, organisation = authority("Ended meanwhile"), "庚公司示例有限公司"
    anchor = approved(appliance, ended, organisation)
    holder = certified(Wanted(organisation=organisation), ended)
    contract = sent(appliance, house=(), organisation=organisation)
    signed = signed_with_pyhanko(handed_out(appliance, contract), holder, outside(contract).field)
    issue = TimestampIssuer.issue_token

    def end_first(issuer: TimestampIssuer, digest: bytes) -> bytes:
        """The file is found good by now."""
        appliance.office.anchors.end(anchor.id, reason="私钥泄露", by="officer-1")
        monkeypatch.undo()
        return issue(issuer, digest)

    monkeypatch.setattr(TimestampIssuer, "issue_token", end_first)
    assert "while your file was checked" in str(refusal(appliance, contract, signed))


def test_a_file_of_a_hundred_megabytes(
    appliance: Appliance, contract: Contract, document: bytes, zheng: Holder
) -> None:
    signed = signed_with_pyhanko(document, zheng, outside(contract).field)
    assert reason(appliance, contract, signed + bytes(LARGEST_DOCUMENT)) == "too-large"


def test_by_another_guest(appliance: Appliance, contract: Contract, document: bytes, zheng: Holder) -> None:
    other = outside(sent(appliance, house=()))
    signed = signed_with_pyhanko(document, zheng, outside(contract).field)
    for by in (other.subject, BY, LI.subject):
        with pytest.raises((PreconditionRefused, StateRefused)):
            appliance.own_certificates.hand_in(
                contract.id, outside(contract).id, SignedUpload(signed, True), by=by, origin=HERE
            )
        with pytest.raises((PreconditionRefused, StateRefused)):
            appliance.own_certificates.document(contract.id, outside(contract).id, by=by)
    assert untouched(appliance, contract)


def test_without_accepting_the_agreement(
    appliance: Appliance, contract: Contract, document: bytes, zheng: Holder
) -> None:
    signed, party = signed_with_pyhanko(document, zheng, outside(contract).field), outside(contract)
    with pytest.raises(PreconditionRefused, match="agreement"):
        appliance.own_certificates.hand_in(
            contract.id, party.id, SignedUpload(signed, False), by=party.subject, origin=HERE
        )


def test_before_their_turn(appliance: Appliance, zheng: Holder) -> None:
    contract = sent(appliance)
    signed = signed_with_pyhanko(appliance.contracts.document(contract), zheng, outside(contract).field)
    assert isinstance(refusal(appliance, contract, signed), PreconditionRefused | StateRefused)


def test_somebody_signed_in_between(appliance: Appliance, zheng: Holder) -> None:
    """In any order: the file from before is no longer the newest, and the one that is given out now is taken."""
    contract = sign_here(appliance, sent(appliance, later=(LI.subject,), order=SigningOrder.PARALLEL))
    field, before = outside(contract).field, handed_out(appliance, contract)
    stale = signed_with_pyhanko(before, zheng, field)
    now = sign_here(appliance, contract, 2)
    found = refusal(appliance, now, stale)
    assert isinstance(found, StateRefused) and found.values["name"] == now.parties[2].name
    after = hand_in(appliance, now, signed_with_pyhanko(handed_out(appliance, now), zheng, field))
    assert not after.waiting


def test_the_same_twice(appliance: Appliance, zheng: Holder) -> None:
    contract = sent(appliance, house=(), later=(LI.subject,))
    signed = signed_with_pyhanko(handed_out(appliance, contract), zheng, outside(contract).field)
    after = hand_in(appliance, contract, signed)
    assert isinstance(refusal(appliance, after, signed), PreconditionRefused | StateRefused)


def test_its_party_signs_nothing_here(appliance: Appliance, contract: Contract) -> None:
    with pytest.raises(PreconditionRefused, match="elsewhere"):
        appliance.cycle.prepare(contract.id, outside(contract).id, HERE)
