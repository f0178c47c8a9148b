"""Attacks on top of any signed file, whoever made it: functions from the bytes to those of the attacker.

None may pass. What one of them cannot be made of, it says by any exception of the libraries that it uses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from asn1crypto import algos, cms, core
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.stamp import TextStampStyle

from tests.attacks import forgery
from tests.attacks.certified import annotate, covering_widget, drawing, drop_annotations, hide_annotation
from tests.attacks.certified import move_annotation as grow_annotation
from tests.attacks.flipping import STRUCTURES, in_message, in_structure
from tests.attacks.incremental import EDITS, TAILS, first_page
from tests.attacks.victims import ranges
from tests.attacks.wrapping import WRAPPINGS
from tests.attacks.writing import OTHER_TEXT, RED_BOX, same_length
from tests.verification.authorities import Profile, World, authority, issue, revocation_list, tsa_profile
from tests.verification.documents import (
    Signing,
    add_document_timestamp,
    add_store,
    add_validation_data,
    change,
    sign,
    stamper,
)

NAME = generic.pdf_name
Edit = Callable[[IncrementalPdfFileWriter], None]


@dataclass(frozen=True)
class House:
    """Whom the victim trusts, with their keys, and the time at which the attacker works."""

    world: World
    now: datetime

    def signed_on(self, document: bytes, **options: object) -> bytes:
        """*document* with one more signature by somebody whom the victim trusts."""
        field = str(options.pop("field", "on top"))
        order = Signing(field, self.world.other, [self.world.issuing], stamper(self.world, self.now), **options)  # type: ignore[arg-type]
        return sign(document, order)

    def dated(self, document: bytes) -> bytes:
        """*document* with one more document timestamp by the authority that the victim trusts."""
        return add_document_timestamp(document, stamper(self.world, self.now))


OnTop = Callable[[bytes, House], bytes]


def _edited(edit: Edit, cover: str = "") -> OnTop:
    def attack(document: bytes, house: House) -> bytes:
        altered = change(document, edit)
        if cover == "signature":
            return house.signed_on(altered)
        return house.dated(altered) if cover == "timestamp" else altered

    return attack


def _plainly(make: Callable[[bytes], bytes]) -> OnTop:
    return lambda document, house: make(document)


# what is shown changes


def _other_pages(writer: IncrementalPdfFileWriter) -> None:
    """The catalogue leads to pages of the attacker's."""
    content = writer.add_object(generic.StreamObject(stream_data=RED_BOX))
    pages = generic.DictionaryObject({NAME("/Type"): NAME("/Pages"), NAME("/Count"): generic.NumberObject(1)})
    reference = writer.add_object(pages)
    page = generic.DictionaryObject(
        {
            NAME("/Type"): NAME("/Page"),
            NAME("/Parent"): reference,
            NAME("/MediaBox"): first_page(writer)["/MediaBox"],
            NAME("/Contents"): content,
        }
    )
    pages["/Kids"] = generic.ArrayObject([writer.add_object(page)])
    writer.root["/Pages"] = reference
    writer.update_root()


def _content_exchanged(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=OTHER_TEXT))
    writer.update_container(page)


def _resources_emptied(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    page["/Resources"] = generic.DictionaryObject()
    writer.update_container(page)


def _drawn_anew(writer: IncrementalPdfFileWriter) -> None:
    form = writer.root["/AcroForm"]
    form["/NeedAppearances"] = generic.BooleanObject(True)
    writer.update_container(form)


def _signature_drawn_anew(writer: IncrementalPdfFileWriter) -> None:
    """The picture of the last signature is another one, over the page."""
    widget = [each for each in first_page(writer)["/Annots"] if each.get("/FT") == "/Sig" and "/V" in each][-1]
    widget["/AP"] = generic.DictionaryObject({NAME("/N"): drawing(writer)})
    widget["/Rect"] = generic.ArrayObject(map(generic.NumberObject, (0, 0, 600, 800)))
    writer.update_container(widget)


def _signature_emptied(writer: IncrementalPdfFileWriter) -> None:
    """The field of the first signature loses it, and the page another content."""
    field = next(
        each for each in writer.root["/AcroForm"]["/Fields"] if "/V" in each and each.get("/FT") == "/Sig"
    )
    del field["/V"]
    writer.update_container(field)
    _content_exchanged(writer)


def _form_taken_away(writer: IncrementalPdfFileWriter) -> None:
    del writer.root["/AcroForm"]
    writer.update_root()
    _content_exchanged(writer)


_SHADOWS: Mapping[str, Edit] = {
    "the catalogue leads to other pages": _other_pages,
    "the page's contents exchanged": _content_exchanged,
    "the page's resources emptied": _resources_emptied,
    "readers asked to draw fields anew": _drawn_anew,
    "the signature's picture exchanged": _signature_drawn_anew,
    "the first signature taken out of its field": _signature_emptied,
    "the form taken away": _form_taken_away,
    "a signature field that nobody signed": lambda writer: covering_widget(writer, {"/FT": NAME("/Sig")}),
    "a text field over the text": lambda writer: covering_widget(
        writer, {"/FT": NAME("/Tx"), "/V": generic.pdf_string("900")}
    ),
    "a button over the text": lambda writer: covering_widget(writer, {"/FT": NAME("/Btn")}),
    "the first annotation grown": grow_annotation,
    "the first annotation hidden": hide_annotation,
    "the annotations taken away": drop_annotations,
    **{f"an annotation, {kind}": partial(annotate, kind) for kind in ("/Stamp", "/FreeText", "/Redact", None)},
}  # fmt: skip


def _sneaky(who: str) -> OnTop:
    """A new signature whose picture covers the page."""

    def attack(document: bytes, house: House) -> bytes:
        field = SigFieldSpec("on top", on_page=0, box=(0, 0, 590, 840))
        white = RawContent(b"1 1 1 rg 0 0 590 840 re f", box=BoxConstraints(590, 840))
        cover = TextStampStyle(stamp_text="900", background=white, background_opacity=1)
        if who == "somebody trusted":
            return house.signed_on(document, new_field=field, stamp=cover)
        stranger = issue(Profile("Stranger", start=house.now - timedelta(days=1)))
        return sign(document, Signing("on top", stranger, [], None, new_field=field, stamp=cover))

    return attack


# validation data


def _poisoned(value: Callable[[IncrementalPdfFileWriter], generic.PdfObject], *, changed: bool) -> OnTop:
    def edit(writer: IncrementalPdfFileWriter) -> None:
        writer.root["/DSS"] = value(writer)
        writer.update_root()
        if changed:
            page = first_page(writer)
            drawn = page.raw_get("/Contents")
            stream = page["/Contents"]
            stream._data, stream._encoded_data = RED_BOX, None
            writer.mark_update(drawn.reference)

    return _edited(edit)


def _page_as_certificate(writer: IncrementalPdfFileWriter) -> generic.PdfObject:
    return generic.DictionaryObject(
        {NAME("/Certs"): generic.ArrayObject([first_page(writer).raw_get("/Contents")])}
    )


def _revoked(document: bytes, house: House) -> bytes:
    """The signers' authority says, in the store, that they were revoked before they signed."""
    everyone = (house.world.signer, house.world.other)
    before = house.now - timedelta(days=1)
    revoked = tuple((each, before) for each in everyone)
    made = revocation_list(house.world.issuing, made=house.now, revoked=revoked)
    return add_validation_data(document, [house.world.issuing], [made])


_STORES: Mapping[str, OnTop] = {
    "the page's contents as a certificate": _poisoned(_page_as_certificate, changed=True),
    "the page as the store": _poisoned(lambda writer: writer.root["/Pages"].raw_get("/Kids")[0], changed=True),
    "a number for a store": _poisoned(lambda writer: generic.NumberObject(1), changed=False),
    "a list for a store": _poisoned(lambda writer: generic.ArrayObject(), changed=False),
    "the change beside an honest store": lambda document, house: change(
        add_store(document, [house.world.issuing]), _content_exchanged
    ),
}

# messages


def _gap(document: bytes) -> tuple[int, int, int]:
    return max(ranges(document), key=lambda each: each[2])


def _message(document: bytes, change_it: Callable[[cms.ContentInfo], None]) -> bytes:
    """*document* with the last signature's message altered, in the room that it has."""
    start, end, _ = _gap(document)
    given = bytes.fromhex(document[start + 1 : end - 1].decode())
    info = cms.ContentInfo.load(given)
    change_it(info)
    return _put(document, bytes(info.dump(force=True)))


def _put(document: bytes, message: bytes) -> bytes:
    start, end, _ = _gap(document)
    digits = message.hex().encode()
    room = end - start - 2
    if len(digits) > room:
        raise ValueError("no room")
    return document[: start + 1] + digits.ljust(room, b"0") + document[end - 1 :]


def _signer(info: cms.ContentInfo) -> cms.SignerInfo:
    signer: cms.SignerInfo = info["content"]["signer_infos"][0]
    return signer


def _other_value(info: cms.ContentInfo) -> None:
    _signer(info)["signature"] = bytes(len(_signer(info)["signature"].native))


def _other_digest(info: cms.ContentInfo) -> None:
    for each in _signer(info)["signed_attrs"]:
        if each["type"].native == "message_digest":
            each["values"] = [core.OctetString(hashlib.sha256(b"other").digest())]


def _other_algorithm(info: cms.ContentInfo) -> None:
    _signer(info)["digest_algorithm"] = algos.DigestAlgorithm({"algorithm": "md5"})


def _two_signers(info: cms.ContentInfo) -> None:
    bad = cms.SignerInfo.load(_signer(info).dump())
    bad["signature"] = bytes(len(_signer(info)["signature"].native))
    info["content"]["signer_infos"] = [bad, *info["content"]["signer_infos"]]


def _no_signer(info: cms.ContentInfo) -> None:
    info["content"]["signer_infos"] = []


def _own_content(info: cms.ContentInfo) -> None:
    info["content"]["encap_content_info"] = {"content_type": "data", "content": core.OctetString(b"other content")}


def _no_certificates(document: bytes, _house: House) -> bytes:
    """None in the last signature's message. Raises ValueError where the file has the signer's elsewhere, as in a
    further signature of theirs: certificates are not signed, and it does not matter from where they are taken."""
    held: list[bytes] = []

    def strip(info: cms.ContentInfo) -> None:
        serial = _signer(info)["sid"].chosen["serial_number"].native
        held.extend(
            each.chosen.dump() for each in info["content"]["certificates"] if each.chosen.serial_number == serial
        )
        info["content"]["certificates"] = []

    altered = _message(document, strip)
    if any(each in altered or each.hex().encode() in altered.lower() for each in held):
        raise ValueError("the signer's certificate is elsewhere, too")
    return altered


def _of_another_signature(document: bytes, _house: House) -> bytes:
    """The message of the first signature in the place of the last one's."""
    first = min(ranges(document), key=lambda each: each[2])
    if first == _gap(document):
        raise ValueError("one signature only")
    return _put(document, bytes.fromhex(document[first[0] + 1 : first[1] - 1].rstrip(b"0").decode() + "0000"))


def _somebody_elses(document: bytes, house: House) -> bytes:
    """A message of a stranger about the same bytes, who calls himself like the victim's authority."""
    root = authority("Interop Root", start=house.now - timedelta(days=1))
    stranger = issue(Profile("Signer A", start=house.now - timedelta(days=1)), root)
    own = sign(document, Signing("on top", stranger, [root]))
    start, end, _ = _gap(own)
    return _put(document, bytes.fromhex(own[start + 1 : end - 1].decode()).rstrip(b"\0"))


_MESSAGES: Mapping[str, Callable[[cms.ContentInfo], None]] = {
    "another value": _other_value, "another digest": _other_digest, "another algorithm": _other_algorithm,
    "a bad signer in front": _two_signers, "no signer": _no_signer,
    "content of its own": _own_content,
}  # fmt: skip

# timestamps


def _unknown_clock(document: bytes, house: House) -> bytes:
    start = house.now - timedelta(days=1)
    tsa = issue(tsa_profile(subject="Other TSA", start=start), authority("Other Root", start=start))
    return add_document_timestamp(document, stamper(house.world, house.now, tsa))


def _wrong_key(document: bytes, house: House) -> bytes:
    """The last bit of a document timestamp that is not covered is another one."""
    dated = house.dated(document)
    return in_message(dated, max(range(len(ranges(dated))), key=lambda each: ranges(dated)[each][2]), 23)


def _of_tomorrow(document: bytes, house: House) -> bytes:
    return add_document_timestamp(document, stamper(house.world, house.now + timedelta(days=9)))


def families() -> dict[str, dict[str, OnTop]]:
    """Every attack by its family and name."""
    saved: dict[str, OnTop] = {
        f"appended {tail[:16]!r} ({len(tail)})": _plainly(lambda document, tail=tail: document + tail)  # type: ignore[misc]
        for tail in TAILS
    }
    for name, edit in EDITS.items():
        saved |= {name: _edited(edit)}
        saved |= {f"{name}, under a further {cover}": _edited(edit, cover) for cover in ("signature", "timestamp")}
    shown: dict[str, OnTop] = {}
    for name, edit in _SHADOWS.items():
        covers = ("timestamp",) if name in _SIGNED_ANEW else ("signature", "timestamp")
        shown |= {name: _edited(edit)}
        shown |= {f"{name}, under a further {cover}": _edited(edit, cover) for cover in covers}
    flips: dict[str, OnTop] = {
        f"{name}, the {word}": _plainly(partial(in_structure, pattern=pattern, which=which))
        for name, pattern in STRUCTURES.items()
        for which, word in ((0, "first"), (-1, "last"))
        if name not in _UNCOVERED
    }
    flips |= {
        f"message, part {part}": _plainly(partial(in_message, number=0, part=part)) for part in range(0, 24, 3)
    }
    forged: dict[str, OnTop] = {
        f"{value.decode() or 'nothing'} for {pattern.decode()}": _plainly(
            partial(same_length, pattern=pattern, replacement=value)
        )
        for pattern, values in ((forgery.RANGE, forgery.RANGES), (forgery.MESSAGE, forgery.MESSAGES))
        for value in values
    }
    return {
        "incremental saving": saved
        | {"in front of the header": _plainly(lambda document: b"% evil\n" + document)},
        "changed looks": shown,
        "sneaky signature": {f"by {who}": _sneaky(who) for who in ("somebody trusted", "a stranger")},
        "wrapping": {name: _plainly(wrap) for name, wrap in WRAPPINGS.items()},
        "flipped bytes": flips,
        "forgery": forged,
        "poisoned store": dict(_STORES) | {"everybody revoked": _revoked},
        "messages": {
            **{name: _plainly(partial(_message, change_it=edit)) for name, edit in _MESSAGES.items()},
            "no certificates": _no_certificates,
            "of another signature": _of_another_signature,
            "a stranger's": _somebody_elses,
        },
        "timestamps": {"by nobody known": _unknown_clock, "altered": _wrong_key, "of next week": _of_tomorrow},
    }


_SIGNED_ANEW = ("the form taken away",)
"""Under a further signature that is another document, which somebody trusted has signed alone."""
_UNCOVERED = ("message",)
"""What is tried part by part instead."""
__all__ = ["House", "OnTop", "families"]
