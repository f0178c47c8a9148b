"""Published attacks on signed PDFs, rebuilt: none may pass."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec

from appliance.verification import Changes, Indication, SubIndication
from tests.verification.authorities import World
from tests.verification.conftest import Verify
from tests.verification.documents import (
    Signing,
    add_validation_data,
    change,
    plain,
    sign,
    signed,
    stamper,
    with_fields,
)


@pytest.fixture(scope="module")
def certified(good: World) -> bytes:
    """One certification signature, B-T, and an empty field."""
    document = with_fields(plain(2), "first", "second")
    return sign(document, Signing("first", good.signer, [good.issuing], stamper(good), certify=True))


def first_page(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    page: generic.DictionaryObject = writer.root["/Pages"]["/Kids"][0]
    return page


def content(text: bytes) -> generic.StreamObject:
    return generic.StreamObject(stream_data=text)


ENTRY = "/" + "A" * 40
RED_BOX = b"q 1 0 0 rg 100 500 300 100 re f Q"


def draw_over_page(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    page["/Contents"] = generic.ArrayObject([page.raw_get("/Contents"), writer.add_object(content(RED_BOX))])
    writer.update_container(page)


def replace_content_in_place(writer: IncrementalPdfFileWriter) -> None:
    stream = first_page(writer)["/Contents"]
    stream._data = RED_BOX
    stream._encoded_data = None
    writer.mark_update(first_page(writer).raw_get("/Contents").reference)


def evil_annotation(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    form = content(RED_BOX)
    form.update(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/XObject"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Form"),
        }
    )
    form[generic.pdf_name("/BBox")] = generic.ArrayObject(map(generic.NumberObject, (0, 0, 600, 800)))
    rectangle = generic.ArrayObject(map(generic.NumberObject, (0, 0, 600, 800)))
    note = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Stamp"),
            generic.pdf_name("/Rect"): rectangle,
            generic.pdf_name("/F"): generic.NumberObject(4),
            generic.pdf_name("/AP"): generic.DictionaryObject({generic.pdf_name("/N"): writer.add_object(form)}),
        }
    )
    page["/Annots"] = generic.ArrayObject([*page["/Annots"], writer.add_object(note)])
    writer.update_container(page)


def swap_pages(writer: IncrementalPdfFileWriter) -> None:
    pages = writer.root["/Pages"]
    pages["/Kids"] = generic.ArrayObject(reversed([pages["/Kids"].raw_get(index) for index in range(2)]))
    writer.update_container(pages)


def new_catalogue(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/OpenAction"] = generic.ArrayObject()
    writer.update_root()


@pytest.mark.parametrize(
    "attack", [draw_over_page, replace_content_in_place, evil_annotation, swap_pages, new_catalogue]
)
def test_incremental_saving(attack: object, certified: bytes, verify: Verify) -> None:
    report = verify(change(certified, attack))  # type: ignore[arg-type]
    assert report.indication is not Indication.PASSED
    assert report.signatures[0].changes in (Changes.CHANGED, Changes.UNEXPLAINED)
    assert report.signed_revision == len(certified)


@pytest.mark.parametrize("attack", [draw_over_page, replace_content_in_place, evil_annotation, swap_pages])
def test_what_looks_different_has_failed_and_is_shown(attack: object, certified: bytes, verify: Verify) -> None:
    report = verify(change(certified, attack))  # type: ignore[arg-type]
    assert report.indication is Indication.FAILED
    assert report.pages[0].before != report.pages[0].after


def test_change_hidden_under_a_further_signature(certified: bytes, good: World, verify: Verify) -> None:
    altered = change(certified, draw_over_page)
    document = sign(altered, Signing("second", good.other, [good.issuing], stamper(good)))
    first, second = verify(document).signatures
    assert first.verdict.indication is Indication.FAILED
    assert second.verdict.indication is Indication.PASSED


def test_sneaky_signature_in_a_certified_document(certified: bytes, good: World, verify: Verify) -> None:
    field = SigFieldSpec("sneaky", on_page=0, box=(100, 500, 400, 600))
    document = sign(certified, Signing("sneaky", good.other, [good.issuing], stamper(good), new_field=field))
    report = verify(document)
    assert report.indication is Indication.FAILED
    assert report.signatures[0].changes is Changes.CHANGED


def ask_to_draw_fields_anew(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/AcroForm"]["/NeedAppearances"] = generic.BooleanObject(True)
    writer.update_container(writer.root["/AcroForm"])


def change_the_typeface(writer: IncrementalPdfFileWriter) -> None:
    fonts = writer.root["/AcroForm"]["/DR"]["/Font"]
    fonts["/F"] = writer.add_object(
        generic.DictionaryObject({generic.pdf_name("/Type"): generic.pdf_name("/Font")})
    )
    writer.update_container(fonts)


@pytest.mark.parametrize("attack", [ask_to_draw_fields_anew, change_the_typeface])
def test_defaults_of_a_signed_form(attack: object, good: World, verify: Verify) -> None:
    """Shadow attack: the fields stay as they are, and readers draw them anew."""

    def prepare(writer: IncrementalPdfFileWriter) -> None:
        font = generic.DictionaryObject({generic.pdf_name("/Type"): generic.pdf_name("/Font")})
        fonts = generic.DictionaryObject({generic.pdf_name("/F"): writer.add_object(font)})
        form = writer.root["/AcroForm"]
        form["/DR"] = generic.DictionaryObject({generic.pdf_name("/Font"): fonts})
        writer.update_container(form)

    document = change(with_fields(plain(1), "one"), prepare)
    document = sign(document, Signing("one", good.signer, [good.issuing], stamper(good)))
    assert verify(document).indication is Indication.PASSED
    assert verify(change(document, attack)).indication is not Indication.PASSED  # type: ignore[arg-type]


def test_shadow_object_that_waited_to_be_defined(good: World, verify: Verify) -> None:
    """Shadow attack: the signed page refers to an object that does not exist until after signing."""

    def prepare(writer: IncrementalPdfFileWriter) -> None:
        page = first_page(writer)
        missing = generic.IndirectObject(900, 0, writer)
        page["/Contents"] = generic.ArrayObject([page.raw_get("/Contents"), missing])
        writer.update_container(page)

    document = with_fields(change(plain(1), prepare), "one")
    document = sign(document, Signing("one", good.signer, [good.issuing], stamper(good)))
    xref = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    body = b"900 0 obj\n<</Length %d>>stream\n%s\nendstream\nendobj\n" % (len(RED_BOX), RED_BOX)
    start = len(document) + len(body)
    root = re.findall(rb"/Root (\d+ 0 R)", document)[-1]
    table = b"xref\n900 1\n%010d 00000 n \ntrailer\n<</Size 901/Root %s/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
    report = verify(document + body + table % (len(document), root, xref, start))
    assert report.indication is not Indication.PASSED


def test_stream_that_is_validation_data_and_page_content(good: World, verify: Verify) -> None:
    """A stream shared by the page and the validation store may not be rewritten as validation data."""

    def share(writer: IncrementalPdfFileWriter) -> None:
        shared = writer.add_object(content(b"q Q"))
        page = first_page(writer)
        page["/Contents"] = generic.ArrayObject([page.raw_get("/Contents"), shared])
        writer.update_container(page)
        writer.root["/DSS"] = generic.DictionaryObject({generic.pdf_name("/Certs"): generic.ArrayObject([shared])})
        writer.update_root()

    def reveal(writer: IncrementalPdfFileWriter) -> None:
        shared = writer.root["/DSS"]["/Certs"].raw_get(0)
        shared.get_object()._data = RED_BOX
        shared.get_object()._encoded_data = None
        writer.mark_update(shared.reference)

    document = with_fields(change(plain(1), share), "one")
    document = sign(document, Signing("one", good.signer, [good.issuing], stamper(good)))
    assert verify(document).indication is Indication.PASSED
    assert verify(change(document, reveal)).indication is Indication.FAILED


@pytest.mark.parametrize(
    "tail", [b"x", b"\0", b"%%EOF", b"\nstartxref\n0\n%%EOF\n", b"1 0 obj\n<<>>\nendobj\n", b" " * 2000]
)
def test_appended_bytes(tail: bytes, good: World, verify: Verify) -> None:
    assert verify(signed(good, level="B-LTA") + tail).indication is Indication.FAILED


def test_appended_copy_of_the_last_section(certified: bytes, verify: Verify) -> None:
    last = certified.rindex(b"startxref")
    assert verify(certified + b"% evil\n" + certified[last:]).indication is Indication.FAILED


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", rb"/ByteRange [0 0 0 0]"),
        (rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", rb"/ByteRange [ ]"),
        (rb"/ByteRange", rb"/ByteWange"),
        (rb"/Contents <", rb"/Kontents <"),
        (rb"/SubFilter /ETSI", rb"/SubFilter /XTSI"),
        (rb"/Type /Sig(?=\s)", rb"/Type /Sog"),
        (rb"/ByteRange \[[^]]*\]", rb""),
        *(
            (rb"/ByteRange \[[^]]*\]", b"/ByteRange " + value)
            for value in (
                b"null",
                b"/X",
                b"(x)",
                b"[0 10]",
                b"[0 1.5 2 3]",
                b"[/A /B /C /D]",
                b"[0 -1 5 9]",
                b"[0 900 800 99]",
                b"[0 9999999999999 99999999 9]",
                b"[0 1 2 3 4 5]",
                b"99 0 R",
            )
        ),
    ],
)
def test_universal_forgery(pattern: bytes, replacement: bytes, certified: bytes, verify: Verify) -> None:
    """Entries that a lenient verifier might do without: emptied, missing, of another name (lengths kept)."""

    def same_length(match: re.Match[bytes]) -> bytes:
        return replacement[: len(match[0])].ljust(len(match[0]))

    altered = re.sub(pattern, same_length, certified)
    assert altered != certified
    assert verify(altered).indication is Indication.FAILED


@pytest.mark.parametrize("value", [b"00", b"30", b"3000", b"FF"])
def test_emptied_contents(value: bytes, certified: bytes, verify: Verify) -> None:
    def fill(match: re.Match[bytes]) -> bytes:
        return b"<" + value.ljust(len(match[1]), b"0") + b">"

    assert verify(re.sub(rb"<([0-9a-fA-F]{4000,})>", fill, certified)).indication is not Indication.PASSED


def test_wrapping_moves_the_signed_tail(certified: bytes, verify: Verify) -> None:
    """Signature wrapping: the second signed part is moved back and other bytes are put into the gap."""
    _, first, second, length = map(int, re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", certified)[0])
    stuffing = b"\n2 0 obj\n<</evil true>>\nendobj\n"
    moved = certified[:second] + stuffing + certified[second:]
    new = b"/ByteRange [0 %d %d %d]" % (first, second + len(stuffing), length)
    moved = re.sub(rb"/ByteRange \[0 \d+ \d+ \d+\]", lambda match: new.ljust(len(match[0])), moved)
    assert verify(moved).indication is Indication.FAILED


def test_room_after_the_signature_must_stay_empty(good: World, verify: Verify) -> None:
    document = signed(good, level="B-LTA")
    end = max(match.end() for match in re.finditer(rb"0{40,}>", document)) - 2
    altered = document[:end] + b"1" + document[end + 1 :]
    report = verify(altered)
    assert (report.indication, report.verdict.subindication) == (Indication.FAILED, SubIndication.FORMAT_FAILURE)


def test_validation_data_may_be_added(certified: bytes, good: World, verify: Verify) -> None:
    report = verify(add_validation_data(certified, [good.issuing], good.revocations))
    assert report.indication is Indication.PASSED
    assert report.signatures[0].changes is Changes.VALIDATION_DATA


def with_store(good: World) -> Callable[[IncrementalPdfFileWriter], None]:
    """A store with a VRI entry."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        stream = writer.add_object(generic.StreamObject(stream_data=good.issuing.der))
        listed = generic.ArrayObject([stream])
        entry = writer.add_object(generic.DictionaryObject({generic.pdf_name("/Cert"): listed}))
        entries = writer.add_object(generic.DictionaryObject({generic.pdf_name(ENTRY): entry}))
        store = {generic.pdf_name("/Certs"): listed, generic.pdf_name("/VRI"): entries}
        writer.root["/DSS"] = writer.add_object(generic.DictionaryObject(store))
        writer.update_root()

    return edit


def test_entries_of_the_store_may_be_written_anew(good: World, verify: Verify) -> None:
    def rewrite(writer: IncrementalPdfFileWriter) -> None:
        entry = writer.root["/DSS"]["/VRI"][ENTRY]
        listed = writer.add_object(generic.StreamObject(stream_data=good.revocations[1]))
        entry["/CRL"] = generic.ArrayObject([listed])
        writer.update_container(entry)

    document = change(change(signed(good, level="B-T"), with_store(good)), rewrite)
    report = verify(document)
    assert report.indication is Indication.PASSED
    assert report.signatures[-1].changes is Changes.VALIDATION_DATA


def freed(document: bytes, number: int) -> bytes:
    """*document* with one more revision that marks an object as free."""
    start = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    root = re.findall(rb"/Root (\d+ 0 R)", document)[-1]
    size = max(number + 1, *map(int, re.findall(rb"/Size (\d+)", document)))
    trailer = b"trailer\n<</Size %d/Root %s/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
    entry = b"xref\n%d 1\n0000000000 00001 f \n" % number
    return document + entry + trailer % (size, root, start, len(document))


def test_unused_objects_may_be_freed_and_used_ones_not(good: World, verify: Verify) -> None:
    def leave(writer: IncrementalPdfFileWriter) -> None:
        writer.add_object(generic.DictionaryObject({generic.pdf_name("/Unused"): generic.BooleanObject(True)}))

    document = with_fields(change(plain(1), leave), "one")
    document = sign(document, Signing("one", good.signer, [good.issuing], stamper(good)))
    unused = int(re.findall(rb"(\d+) 0 obj\s*<<\s*/Unused", document)[0])
    used = int(re.findall(rb"/Contents (\d+) 0 R", document)[0])
    assert verify(freed(document, unused)).indication is Indication.PASSED
    assert verify(freed(document, used)).indication is not Indication.PASSED


@pytest.mark.parametrize("level", ["B-B", "B-T"])
def test_version_that_nothing_signs(level: str, good: World, verify: Verify) -> None:
    """The version of the signed message is no part of what is signed, so another one does not pass."""
    document = signed(good, level=level, pages=1)
    place = document.index(b"020101", max(match.end() for match in re.finditer(rb"/Contents <30", document)))
    altered = document[:place] + b"020103" + document[place + 6 :]
    assert verify(document).indication is Indication.PASSED
    assert verify(altered).indication is not Indication.PASSED
