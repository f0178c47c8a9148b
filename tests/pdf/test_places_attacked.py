"""Hostile changes to the places of a signature: none passes our verifier, halfway or after it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from appliance.pdf.values import LockScope, PrepareOrder
from appliance.pdf.workshop import PdfWorkshop
from appliance.verification import Indication, VerificationReport, confined_verification
from appliance.verification.trust import ValidationContext
from hsm.certificates import Profile
from tests.pdf import contract, documents
from tests.pdf.document_signer import DocumentSigner
from tests.pdf.test_places import PERSON, SECOND, sealed, signed
from tests.sweeps import one_in
from tests.verification.documents import change

Edit = Callable[[IncrementalPdfFileWriter], None]
name = generic.pdf_name
OVER_TEXT = (90, 690, 300, 720)


@pytest.fixture(scope="module")
def shared_signer() -> DocumentSigner:
    return DocumentSigner()


@pytest.fixture(scope="module")
def begun(workshop: PdfWorkshop, shared_signer: DocumentSigner) -> bytes:
    """Certified with the cross-page seal, signed by the person in three places; party-b is still to sign."""
    document = workshop.add_fields(documents.plain(), [PERSON, SECOND, sealed()])
    seal = PrepareOrder("seal-a", contract.SEAL, contract.WHEN, certify=True)
    document = shared_signer.signed(workshop, document, seal, shared_signer.holder(Profile.SEAL, "示例印章"))
    person = PrepareOrder("party-a", contract.ZHANG, contract.WHEN)
    return shared_signer.signed(workshop, document, person, shared_signer.holder(Profile.PERSON, "张示例"))


@pytest.fixture(scope="module")
def finished(workshop: PdfWorkshop, shared_signer: DocumentSigner) -> bytes:
    document = workshop.add_fields(documents.plain(), [PERSON, SECOND, sealed()])
    return shared_signer.archived(workshop, signed(workshop, shared_signer, document))


@pytest.fixture(scope="module")
def certified(workshop: PdfWorkshop, shared_signer: DocumentSigner) -> bytes:
    """Certified by party-b alone: the places of party-a and the slices of the seal are still empty."""
    document = workshop.add_fields(documents.plain(), [PERSON, SECOND, sealed()])
    order = PrepareOrder("party-b", contract.LI, contract.WHEN, certify=True)
    return shared_signer.signed(workshop, document, order, shared_signer.holder(Profile.PERSON, "李样本"))


def verdict(document: bytes, document_signer: DocumentSigner) -> VerificationReport:
    at = document_signer.now + timedelta(minutes=1)
    return confined_verification.verify_pdf(
        document, ValidationContext(at, (document_signer.root.certificate,), crls=document_signer.crls())
    )


def fields(writer: IncrementalPdfFileWriter) -> dict[str, Any]:
    return {str(one.get_object()["/T"]): one.get_object() for one in writer.root["/AcroForm"]["/Fields"]}


def red(writer: IncrementalPdfFileWriter, width: float = 210, height: float = 30) -> Any:
    box = generic.ArrayObject(map(generic.FloatObject, (0, 0, width, height)))
    form = generic.StreamObject(stream_data=b"1 0 0 rg 0 0 %d %d re f" % (width, height))
    form.update({name("/Type"): name("/XObject"), name("/Subtype"): name("/Form"), name("/BBox"): box})
    return writer.add_object(form)


def box(numbers: tuple[float, ...]) -> generic.ArrayObject:
    return generic.ArrayObject(map(generic.FloatObject, numbers))


def ticked(writer: IncrementalPdfFileWriter, field: Any) -> None:
    states = generic.DictionaryObject({name("/Off"): red(writer), name("/Signed"): red(writer)})
    field[name("/AP")] = generic.DictionaryObject({name("/N"): states})
    field[name("/AS")] = field[name("/V")] = name("/Signed")
    writer.update_container(field)


def widget(place: tuple[float, float, float, float], more: Mapping[str, object]) -> Any:
    """A widget at *place*, printed and locked unless *more* says otherwise."""
    entries = {"/Type": name("/Annot"), "/Subtype": name("/Widget"), "/F": generic.NumberObject(132)}
    found = generic.DictionaryObject({name(key): value for key, value in {**entries, **more}.items()})
    found[name("/Rect")] = box(place)
    return found


def add_field(writer: IncrementalPdfFileWriter, reference: Any) -> None:
    fields = writer.root["/AcroForm"]["/Fields"]
    fields.append(reference)
    writer.update_container(fields)


def show(writer: IncrementalPdfFileWriter, reference: Any) -> None:
    """The widget is one of the first page."""
    writer.register_annotation(writer.root["/Pages"]["/Kids"].raw_get(0), reference)


def move_a_place(writer: IncrementalPdfFileWriter) -> None:
    field = fields(writer)["party-a_place_2"]
    field[name("/Rect")] = box(OVER_TEXT)
    writer.update_container(field)


def move_a_slice(writer: IncrementalPdfFileWriter) -> None:
    field = fields(writer)["seal-a_slice_1_of_3"]
    field[name("/Rect")] = box(OVER_TEXT)
    writer.update_container(field)


def move_the_signature(writer: IncrementalPdfFileWriter) -> None:
    field = fields(writer)["party-a"]
    field[name("/Rect")] = box(OVER_TEXT)
    writer.update_container(field)


def swap_the_picture_of_a_place(writer: IncrementalPdfFileWriter) -> None:
    ticked(writer, fields(writer)["party-a_place_2"])


def swap_the_picture_of_the_signature(writer: IncrementalPdfFileWriter) -> None:
    field = fields(writer)["party-a"]
    field[name("/AP")] = generic.DictionaryObject({name("/N"): red(writer)})
    writer.update_container(field)


def untick_a_place(writer: IncrementalPdfFileWriter) -> None:
    field = fields(writer)["party-a_place_2"]
    field[name("/AS")] = field[name("/V")] = name("/Off")
    writer.update_container(field)


def rewrite_a_picture_in_place(writer: IncrementalPdfFileWriter) -> None:
    reference = fields(writer)["party-a_place_2"]["/AP"]["/N"].raw_get("/Signed")
    stream = reference.get_object()
    stream._data, stream._encoded_data = b"1 0 0 rg 0 0 500 500 re f", None
    writer.mark_update(reference.reference)


def rewrite_the_seal_in_all_slices(writer: IncrementalPdfFileWriter) -> None:
    look = fields(writer)["seal-a_slice_1_of_3"]["/AP"]["/N"]["/Signed"]
    reference = look["/Resources"]["/XObject"].raw_get("/Seal")
    stream = reference.get_object()
    stream._data, stream._encoded_data = b"0 0 1 rg 0 0 500 500 re f", None
    writer.mark_update(reference.reference)


def add_a_place(writer: IncrementalPdfFileWriter) -> None:
    more = {"/FT": name("/Btn"), "/Ff": generic.NumberObject(1), "/T": generic.pdf_string("party-a_place_9")}
    field = widget(OVER_TEXT, more)
    reference = writer.add_object(field)
    ticked(writer, field)
    add_field(writer, reference)
    show(writer, reference)


def add_a_widget_to_the_signature(writer: IncrementalPdfFileWriter) -> None:
    field = fields(writer)["party-a"]
    reference = writer.add_object(widget(OVER_TEXT, {"/AP": generic.DictionaryObject({name("/N"): red(writer)})}))
    field[name("/Kids")] = generic.ArrayObject([reference])
    writer.update_container(field)
    show(writer, reference)


ATTACKS: list[Edit] = [
    move_a_place,
    move_a_slice,
    move_the_signature,
    swap_the_picture_of_a_place,
    swap_the_picture_of_the_signature,
    untick_a_place,
    rewrite_a_picture_in_place,
    rewrite_the_seal_in_all_slices,
    add_a_place,
    add_a_widget_to_the_signature,
]


def test_what_nobody_attacked_passes(
    begun: bytes, finished: bytes, certified: bytes, shared_signer: DocumentSigner
) -> None:
    for document in (begun, finished, certified):
        assert verdict(document, shared_signer).indication is Indication.PASSED


@pytest.mark.parametrize("attack", one_in(4, ATTACKS))
@pytest.mark.parametrize("stage", ["begun", "finished"])
def test_places_attacked_after_signing(
    stage: str, attack: Edit, shared_signer: DocumentSigner, request: pytest.FixtureRequest
) -> None:
    report = verdict(change(request.getfixturevalue(stage), attack), shared_signer)
    assert report.indication is Indication.FAILED
    assert report.signatures


def tick_early(writer: IncrementalPdfFileWriter) -> None:
    ticked(writer, fields(writer)["party-a_place_2"])


def tick_early_over_text(writer: IncrementalPdfFileWriter) -> None:
    field = fields(writer)["seal-a_slice_2_of_3"]
    field[name("/Rect")] = box(OVER_TEXT)
    ticked(writer, field)


def fill_early_in_place(writer: IncrementalPdfFileWriter) -> None:
    reference = fields(writer)["party-a_place_2"]["/AP"]["/N"].raw_get("/Off")
    stream = reference.get_object()
    stream._data, stream._encoded_data = b"1 0 0 rg 0 0 500 500 re f", None
    writer.mark_update(reference.reference)


EARLY: list[Edit] = [tick_early, tick_early_over_text, fill_early_in_place]


@pytest.mark.parametrize("attack", EARLY)
def test_places_filled_before_their_signature(
    attack: Edit, certified: bytes, shared_signer: DocumentSigner
) -> None:
    assert verdict(change(certified, attack), shared_signer).indication is Indication.FAILED


@pytest.mark.parametrize("attack", EARLY)
def test_a_signature_of_somebody_else_does_not_explain_it(
    attack: Edit, certified: bytes, workshop: PdfWorkshop, shared_signer: DocumentSigner
) -> None:
    """Who may sign in the field of the seal fills the places of another party in the same breath."""
    altered = change(certified, attack)
    order = PrepareOrder("party-a", contract.ZHANG, contract.WHEN, lock=LockScope.ALL)
    other = PrepareOrder("seal-a", contract.SEAL, contract.WHEN, lock=LockScope.ALL)
    chosen = order if attack is tick_early_over_text else other
    document = shared_signer.signed(workshop, altered, chosen, shared_signer.holder(Profile.PERSON, "示例"))
    report = verdict(document, shared_signer)
    assert report.indication is Indication.FAILED
    assert len(report.signatures) == 2


def test_a_new_visible_field_with_widgets_of_its_own(
    certified: bytes, workshop: PdfWorkshop, shared_signer: DocumentSigner
) -> None:
    """A sneaky signature, by a key that is trusted, in a field whose widget is apart from it."""

    def add(writer: IncrementalPdfFileWriter) -> None:
        kid = widget(OVER_TEXT, {"/AP": generic.DictionaryObject({name("/N"): red(writer)})})
        reference = writer.add_object(kid)
        field = generic.DictionaryObject(
            {
                name("/FT"): name("/Sig"),
                name("/T"): generic.pdf_string("sneaky"),
                name("/Kids"): generic.ArrayObject([reference]),
            }
        )
        kid[name("/Parent")] = parent = writer.add_object(field)
        add_field(writer, parent)
        show(writer, reference)

    altered = change(certified, add)
    assert verdict(altered, shared_signer).indication is Indication.FAILED
    order = PrepareOrder("sneaky", contract.ZHANG, contract.WHEN)
    holder = shared_signer.holder(Profile.PERSON, "示例")
    document = shared_signer.signed(workshop, altered, order, holder)
    assert verdict(document, shared_signer).indication is Indication.FAILED


def test_other_forms_may_have_fields_of_such_names(workshop: PdfWorkshop, shared_signer: DocumentSigner) -> None:
    """``birth_place_1`` of somebody else's form is a text field like any other, filled with a later signature."""

    def add(writer: IncrementalPdfFileWriter) -> None:
        more = {"/FT": name("/Tx"), "/T": generic.pdf_string("birth_place_1"), "/F": generic.NumberObject(4)}
        reference = writer.add_object(widget((100, 400, 300, 430), more))
        add_field(writer, reference)
        show(writer, reference)

    def fill(writer: IncrementalPdfFileWriter) -> None:
        field = fields(writer)["birth_place_1"]
        field[name("/V")] = generic.pdf_string("Example")
        content = generic.StreamObject(stream_data=b"BT /F1 12 Tf 4 9 Td (Example) Tj ET")
        content.update({name("/Subtype"): name("/Form"), name("/BBox"): box((0, 0, 200, 30))})
        font = {
            name("/Type"): name("/Font"),
            name("/Subtype"): name("/Type1"),
            name("/BaseFont"): name("/Courier"),
        }
        fonts = generic.DictionaryObject({name("/F1"): generic.DictionaryObject(font)})
        content[name("/Resources")] = generic.DictionaryObject({name("/Font"): fonts})
        field[name("/AP")] = generic.DictionaryObject({name("/N"): writer.add_object(content)})
        writer.update_container(field)

    document = change(workshop.add_fields(documents.plain(), [SECOND, PERSON]), add)
    for order, before in (("party-b", None), ("party-a", fill)):
        document = change(document, before) if before else document
        signing = PrepareOrder(order, contract.ZHANG, contract.WHEN, certify=before is None)
        holder = shared_signer.holder(Profile.PERSON, "示例")
        document = shared_signer.signed(workshop, document, signing, holder)
    assert verdict(document, shared_signer).indication is Indication.PASSED


def hide_a_place(writer: IncrementalPdfFileWriter) -> None:
    field = fields(writer)["party-a_place_2"]
    field[name("/F")] = generic.NumberObject(2)
    writer.update_container(field)


def test_a_place_that_is_hidden(finished: bytes, shared_signer: DocumentSigner) -> None:
    assert verdict(change(finished, hide_a_place), shared_signer).indication is Indication.FAILED


def test_a_place_that_is_made_writable(certified: bytes, shared_signer: DocumentSigner) -> None:
    """The first step of two: it shows nothing, so nothing is seen, but it is not explained either."""

    def free(writer: IncrementalPdfFileWriter) -> None:
        field = fields(writer)["party-a_place_2"]
        field[name("/Ff")] = generic.NumberObject(0)
        writer.update_container(field)

    freed = change(certified, free)
    assert verdict(freed, shared_signer).indication is not Indication.PASSED
    assert verdict(change(freed, tick_early), shared_signer).indication is Indication.FAILED


def test_the_documents_differ_where_they_should(begun: bytes) -> None:
    """The attacks change something: each gives other bytes than an empty revision does."""
    unchanged = change(begun, lambda writer: None)
    for attack in ATTACKS:
        assert len(change(begun, attack)) > len(unchanged), attack
    assert IncrementalPdfFileWriter(BytesIO(begun)).root is not None
