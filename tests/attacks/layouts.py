"""Files that are laid out in other ways than most: good ones, and attacks that use what is allowed for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from io import BytesIO

import pikepdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from tests.attacks import good
from tests.attacks.recipes import Recipe
from tests.attacks.registry import FORMAT, HASH, UNEXPLAINED, UNREADABLE, UNSIGNED, register
from tests.attacks.victims import GOOD, approved, next_signature, signing
from tests.attacks.writing import (
    OTHER_TEXT,
    contract,
    number_of,
    placeholder,
    present,
    root_of,
    sealed,
    section,
    startxref,
    stream,
    written,
)
from tests.verification.documents import (
    add_document_timestamp,
    add_validation_data,
    change,
    plain,
    sign,
    stamper,
    with_fields,
)

NAME = generic.pdf_name
_EMPTY = b"/ByteRange [0 0          0          0         ]"
_WIDE = b"/ByteRange [0 9999999999 9999999999 9999999999]"


# linearised files (ISO 32000-2, annex F) that were signed when they were made


@cache
def linearised(*, packed: bool = False, hidden: bytes = b"") -> bytes:
    """A linearised file with a signature by hand and an empty field; *hidden*: data of a stream that nothing uses
    but the page's dictionary."""
    fields = {
        1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[7 0 R 9 0 R]/SigFlags 3>>>>",
        7: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(one)/F 132/Rect[0 0 0 0]/P 3 0 R/V 8 0 R>>",
        8: placeholder().replace(_EMPTY, _WIDE),
        9: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(second)/F 132/Rect[100 100 200 200]/P 3 0 R>>",
    }
    objects = contract(fields, annotations=b"7 0 R 9 0 R")
    if hidden:
        objects |= {10: stream(hidden), 3: objects[3].replace(b"/Annots", b"/PieceInfo<</X 10 0 R>>/Annots")}
    modes = pikepdf.ObjectStreamMode
    file = BytesIO()
    with pikepdf.Pdf.open(BytesIO(written(objects))) as pdf:
        mode = modes.generate if packed else modes.disable
        pdf.save(file, linearize=True, object_stream_mode=mode, compress_streams=False)
    unsigned = re.sub(
        rb"/ByteRange \[ 0(?: 9999999999){3} \]", lambda found: _EMPTY.ljust(len(found[0])), file.getvalue()
    )
    return sealed(unsigned, Recipe())


_UPDATES: dict[str, Callable[[bytes], bytes]] = {
    "": lambda document: document,
    ", signed again": next_signature,
    ", validation data after": lambda document: add_validation_data(document, [GOOD.issuing], GOOD.revocations),
    ", validation data and a timestamp after": lambda document: add_document_timestamp(
        add_validation_data(document, [GOOD.issuing], GOOD.revocations), stamper(GOOD)
    ),
}
for _packed in (False, True):
    for _name, _update in _UPDATES.items():
        good.register(
            "layouts", f"linearised and signed{', packed' * _packed}{_name}",
            lambda packed=_packed, update=_update: update(linearised(packed=packed)),
        )  # fmt: skip


def _contents_of(document: bytes) -> int:
    return number_of(document, rb"The buyer pays 100 euro")


def _prepared_section() -> bytes:
    """A section that lies in the signed bytes, in a stream, and lists other contents that lie there too: only the
    end of the file leads to it."""
    other = b"90 0 obj\n" + stream(OTHER_TEXT) + b"\nendobj\n"
    room = other + b"#SECTION#".ljust(400)
    document = linearised(hidden=room)
    # what it lists is known when the file is: it is made twice, with as many bytes
    number, place = _contents_of(document), document.index(b"90 0 obj")
    table = section({number: place}, place + len(other), after=document).partition(b"startxref")[0]
    document = linearised(hidden=other.replace(b"90 0", b"%d 0" % number) + table.ljust(400))
    return document + b"startxref\n%d\n%%%%EOF\n" % (document.index(b"%d 0 obj\n" % number, place) + len(other))


def _unlisted(document: bytes) -> bytes:
    """An update whose section lists an object, and another contents stream that it does not list."""
    number = _contents_of(document)
    hidden = document + b"%d 0 obj\n%b\nendobj\n" % (number, stream(OTHER_TEXT))
    return _with_note(hidden, document)


def _with_note(body: bytes, document: bytes) -> bytes:
    note = b"95 0 obj\n<</Note true>>\nendobj\n"
    return body + note + section({95: len(body)}, len(body) + len(note), after=document)


def _old_entry(document: bytes) -> bytes:
    """An update that lists bytes of the signed file as another object."""
    body = document + b"\n"
    inside = document.index(b"obj\n", 200) - 4
    note = b"95 0 obj\n<</Note true>>\nendobj\n"
    return body + note + section({95: len(body), 96: inside}, len(body) + len(note), after=document)


_SECTIONS: dict[str, Callable[[], bytes]] = {
    "linearised, a section from within the signed bytes": _prepared_section,
    "linearised, an object that no section lists": lambda: _unlisted(linearised()),
    "linearised, an entry for bytes from before": lambda: _old_entry(linearised()),
    "linearised, other contents": lambda: written(
        {_contents_of(linearised(hidden=b" ")): stream(OTHER_TEXT)}, after=linearised(hidden=b" ")
    ),
}
for _name, _build in _SECTIONS.items():
    register("layouts", _name, _build, FORMAT, UNEXPLAINED, HASH, UNREADABLE)


# cross-reference tables with other ends of line


def _ended_by(end: bytes, document: bytes) -> bytes:
    """*document* with a note whose section's lines end otherwise."""
    made = _with_note(document + b"\n", document)
    return made[: len(document)] + made[len(document) :].replace(b"\nxref\n", b"\nxref" + end)


_ENDS = {"CR LF": b"\r\n", "a blank, CR LF": b" \r\n", "CR": b"\r", "a blank, LF": b" \n"}
for _name, _end in _ENDS.items():
    good.register("layouts", f"a section after xref and {_name}", partial(_ended_by, _end, approved()))


def _stream_marked_free() -> bytes:
    """A cross-reference stream by hand that lists itself as free, as iText writes it, in a file that is read
    leniently since it counts too few objects."""
    small = re.sub(rb"/Size \d+", b"/Size 3", written(contract()))
    document = sign(with_fields(small, "first"), signing("first"))
    number = max(map(int, re.findall(rb"/Size (\d+)", document)))
    note = b"%d 0 obj\n<</Note true>>\nendobj\n" % number
    at, place = len(document), len(document) + len(note)
    rows = b"".join(
        kind.to_bytes(1) + where.to_bytes(4) + generation.to_bytes(2)
        for kind, where, generation in ((1, at, 0), (0, 0, 65535))
    )
    listed = b"/Index[%d 2]/Size %d/Prev %d" % (number, number + 2, startxref(document))
    table = stream(rows, b"/Type/XRef/W[1 4 2]/Root %b%b" % (root_of(document), listed))
    return document + note + b"%d 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (number + 1, table, place)


good.register("layouts", "a cross-reference stream that lists itself as free", _stream_marked_free)


# long strings in the catalogue, which look like signatures

_LONG = b"<" + bytes(range(256)).hex().encode() * 3 + b">"


@cache
def _with_long_string() -> bytes:
    private = b"/PieceInfo<</App<</LastModified(D:20260101000000Z)/Private %s>>>>" % _LONG
    catalogue = b"<</Type/Catalog/Pages 2 0 R%s>>" % private
    return sign(with_fields(written(contract({1: catalogue})), "first", "second"), signing("first"))


def _catalogue_anew(string: bytes) -> bytes:
    document = _with_long_string()
    catalogue, count = re.subn(
        rb"/Private\s*(?:<[^<>]*>|\((?:\\.|[^\\()])*\))",
        lambda found: b"/Private " + string,
        present(document, 1),
        flags=re.DOTALL,
    )
    assert count == 1
    return written({1: catalogue}, after=document)


good.register("layouts", "a long string in the catalogue, written anew", lambda: _catalogue_anew(_LONG))
good.register(
    "layouts", "a long string in the catalogue, written anew, then signed",
    lambda: next_signature(_catalogue_anew(_LONG)),
)  # fmt: skip
register(
    "layouts", "a long string in the catalogue exchanged",
    lambda: _catalogue_anew(_LONG.replace(b"00", b"01", 1)), UNEXPLAINED,
)  # fmt: skip


# a signed PDF that is attached as it is


def _attach(attached: bytes, writer: IncrementalPdfFileWriter) -> None:
    file = generic.StreamObject(encoded_data=attached)
    file[NAME("/Type")] = NAME("/EmbeddedFile")
    name = generic.pdf_string("annex.pdf")
    held = generic.DictionaryObject({NAME("/F"): writer.add_object(file)})
    entries = {"/Type": NAME("/Filespec"), "/F": name, "/UF": name, "/EF": held}
    listed = generic.DictionaryObject({NAME(key): value for key, value in entries.items()})
    names = generic.ArrayObject([name, writer.add_object(listed)])
    tree = generic.DictionaryObject({NAME("/Names"): names})
    writer.root["/Names"] = generic.DictionaryObject({NAME("/EmbeddedFiles"): tree})
    writer.update_root()


def attaching(attached: bytes, document: bytes) -> bytes:
    """*document* with an attached file that is not compressed."""
    return change(document, partial(_attach, attached))


@cache
def with_annex(*, broken: bool = False) -> bytes:
    """A signed contract with a signed annex."""
    annex = next_signature(approved())
    if broken:
        annex = annex.replace(b"/Rect", b"/rect", 1)
    return sign(attaching(annex, with_fields(plain(1), "first", "second")), signing("first"))


for _name, _update in _UPDATES.items():
    good.register("layouts", f"a signed PDF attached{_name}", lambda update=_update: update(with_annex()))
good.register("layouts", "a broken PDF attached, which somebody signed so", lambda: with_annex(broken=True))


def _put_out_of_sight(*, again: bool) -> bytes:
    """The text of a signed contract changed and its signature taken out of the form; then signed by another."""
    document = approved().replace(b"/Rect", b"/rect", 1)
    fields = number_of(document, rb"/T \(first\)")
    document = written({fields: present(document, fields).replace(b"/V ", b"/v ")}, after=document)
    return next_signature(document) if again else document


def _without_form(writer: IncrementalPdfFileWriter) -> None:
    del writer.root["/AcroForm"]
    writer.update_root()


_HIDDEN: dict[str, Callable[[], bytes]] = {
    "a broken signature attached after signing": lambda: attaching(
        next_signature(approved()).replace(b"/Rect", b"/rect", 1), approved()
    ),
    "a broken PDF attached, and the form taken away": lambda: change(with_annex(broken=True), _without_form),
    "a signed PDF attached after signing": lambda: attaching(next_signature(approved()), approved()),
    "a broken signature taken out of the form": lambda: _put_out_of_sight(again=False),
    "a broken signature taken out of the form, then signed": lambda: _put_out_of_sight(again=True),
}
for _name, _build in _HIDDEN.items():
    register("layouts", _name, _build, HASH, FORMAT, UNEXPLAINED, UNSIGNED)


# data of streams in a later revision that look like objects: a picture of 2 MB may have some by chance


def _with_data(data: bytes, edit: Callable[[generic.StreamObject], None] | None = None) -> bytes:
    """Signed again, and in the same revision a stream with *data*."""

    def add(writer: IncrementalPdfFileWriter) -> None:
        added = generic.StreamObject(stream_data=data)
        if edit is not None:
            edit(added)
        writer.add_object(added)

    return next_signature(approved(), edit=add)


def _dangling(added: generic.StreamObject) -> None:
    added[NAME("/X")] = generic.IndirectObject(999, 0, None)


_BY_CHANCE = b"\x8e\x031obj \xf3%\x00\r obj(\x90"
_OBJECT = b"\n4 0 obj\n<<>>stream\n" + OTHER_TEXT
good.register("layouts", "a later picture with something like an object in it", partial(_with_data, _BY_CHANCE))
register(
    "layouts",
    "an object in a later stream",
    partial(_with_data, _OBJECT + b"\nendstream\nendobj\n"),
    UNEXPLAINED,
    FORMAT,
)
for _name, _data in {"an object": _OBJECT, "something like an object": _BY_CHANCE}.items():
    register(
        "layouts", f"{_name} in a later stream, where programs search", partial(_with_data, _data, _dangling),
        UNEXPLAINED, FORMAT,
    )  # fmt: skip


def _with_trailer(entries: bytes) -> bytes:
    """Signed again, after a revision that changes nothing and whose trailer has *entries* as well."""
    document = approved()
    return next_signature(document + section({}, len(document), after=document, trailer=entries))


_ANY_OCTETS = b"/ID[(/#L\xe3/Size 7)(\\)/Prev 9 %\x80)]"
good.register("layouts", "an identifier with any octets", partial(_with_trailer, _ANY_OCTETS))
for _name, _entries in {
    "a comment that looks like a string": b"/A(b)%(\n/Prev 17%)\n",
    "a key that is written another way": b"/ID[(a)(b)]/Pre#76 17",
}.items():
    register("layouts", f"{_name} in a trailer", partial(_with_trailer, _entries), UNEXPLAINED, FORMAT)
