"""Good files, continued: the habits of producers after a signature, and other circumstances than one good root."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from appliance.verification import Level
from tests.attacks import readings, revocation
from tests.attacks.good import NAME, Build, by_hand_unsigned, register
from tests.attacks.registry import LATER, Attempt
from tests.attacks.shadows import freed
from tests.attacks.victims import GOOD, approved, signing
from tests.attacks.writing import number_of, placeholder, present, root_of, startxref, stream, written
from tests.verification.authorities import NOW, Profile, authority, issue, revocation_list
from tests.verification.documents import (
    Signing,
    add_document_timestamp,
    add_store,
    add_validation_data,
    change,
    plain,
    sign,
    signed,
    stamper,
    with_fields,
)

# habits of producers after a signature


def with_entries(document: bytes) -> bytes:
    """*document* with a store that has a VRI entry."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        listed = generic.ArrayObject([writer.add_object(generic.StreamObject(stream_data=GOOD.issuing.der))])
        entry = writer.add_object(generic.DictionaryObject({NAME("/Cert"): listed}))
        entries = writer.add_object(generic.DictionaryObject({NAME("/" + "A" * 40): entry}))
        store = {NAME("/Certs"): listed, NAME("/VRI"): entries}
        writer.root["/DSS"] = writer.add_object(generic.DictionaryObject(store))
        writer.update_root()

    return change(document, edit)


def _entries_written_anew() -> bytes:
    def rewrite(writer: IncrementalPdfFileWriter) -> None:
        entry = writer.root["/DSS"]["/VRI"]["/" + "A" * 40]
        added = writer.add_object(generic.StreamObject(stream_data=GOOD.revocations[1]))
        entry["/CRL"] = generic.ArrayObject([added])
        writer.update_container(entry)

    return change(with_entries(signed(GOOD, level="B-T", pages=1)), rewrite)


def _freed() -> bytes:
    """An object that nothing used is marked free."""
    document = sign(
        with_fields(written({90: b"<</Unused true>>"}, after=by_hand_unsigned()), "one"), signing("one")
    )
    return freed(document, 90)


def _nothing_changed() -> bytes:
    document = approved()
    table = b"xref\n0 0\ntrailer\n<</Size 99/Root %s/Prev %d>>\n" % (root_of(document), startxref(document))
    return document + table + b"startxref\n%d\n%%%%EOF\n" % len(document)


def _told_anew() -> bytes:
    """The document's information gets another date, as many producers do."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        writer.set_info(generic.DictionaryObject({NAME("/ModDate"): generic.pdf_date(NOW)}))

    return change(approved(), edit)


def _metadata() -> bytes:
    """A metadata stream is added."""

    def edit(writer: IncrementalPdfFileWriter) -> None:
        packet = generic.StreamObject({NAME("/Type"): NAME("/Metadata"), NAME("/Subtype"): NAME("/XML")}, b"<x/>")
        writer.root["/Metadata"] = writer.add_object(packet)
        writer.update_root()

    return change(approved(), edit)


def _same_again() -> bytes:
    """An object is written once more as it was."""
    document = approved()
    number = number_of(document, rb"/Type\s*/Pages")
    return written({number: present(document, number)}, after=document)


def _renewed() -> bytes:
    archived = signed(GOOD, level="B-LTA", pages=1)
    crls = (revocation_list(GOOD.issuing, made=LATER), revocation_list(GOOD.root, made=LATER))
    stored = add_validation_data(archived, [GOOD.tsa, GOOD.issuing], crls)
    return add_document_timestamp(stored, stamper(GOOD, LATER))


_HABITS: dict[str, Build] = {
    "VRI entries written anew": _entries_written_anew,
    "an unused object freed": _freed,
    "an update without content": _nothing_changed,
    "another date in the information": _told_anew,
    "metadata added": _metadata,
    "an object written again as it was": _same_again,
    "archived twice": lambda: Attempt(_renewed(), at=LATER + timedelta(days=1)),
    "an archive of three document timestamps": lambda: add_document_timestamp(
        add_document_timestamp(signed(GOOD, level="B-LTA", pages=1), stamper(GOOD)), stamper(GOOD)
    ),
}
for _name, _habit in _HABITS.items():
    register("habits", _name, _habit)


# trust, time and revocation: not the good root alone


def _stranger() -> Attempt:
    """Signed elsewhere; the user gives the other house's root (``--trust``)."""
    root = authority("Other Root")
    issuing = authority("Other CA", root)
    signer = issue(Profile("王他人"), issuing)
    document = sign(with_fields(plain(1), "one"), Signing("one", signer, [issuing]))
    return Attempt(document, trust=(root,))


def _signer_trusted() -> Attempt:
    signer = issue(Profile("自签者"))
    return Attempt(sign(plain(1), Signing("one", signer, [])), trust=(signer,))


def _two_houses() -> Attempt:
    root = authority("Other Root")
    signer = issue(Profile("王他人"), root)
    document = sign(approved(), Signing("second", signer, [root], stamper(GOOD)))
    return Attempt(document, trust=(GOOD.root, root))


def _revoked_later() -> Attempt:
    crl = revocation_list(GOOD.issuing, made=LATER, revoked=((GOOD.signer, NOW + timedelta(hours=2)),))
    return Attempt(approved(), crls=(crl,))


def _talked_about(response: Callable[[], bytes]) -> bytes:
    return add_store(approved(), [GOOD.issuing], responses=[response()])


_CIRCUMSTANCES: dict[str, Build] = {
    "another house's root": _stranger,
    "the signer trusted directly": _signer_trusted,
    "two houses": _two_houses,
    "revoked after the timestamp": _revoked_later,
    "called revoked by a stranger": lambda: _talked_about(
        lambda: revocation.response(revocation.REVOKED_STATUS, responder=issue(Profile("Stranger")))
    ),
    "called revoked by the signer": lambda: _talked_about(
        lambda: revocation.response(revocation.REVOKED_STATUS, responder=GOOD.other, carried=(GOOD.other,))
    ),
    "somebody else called revoked": lambda: _talked_about(
        lambda: revocation.response(revocation.REVOKED_STATUS, about=issue(Profile("gone"), GOOD.issuing))
    ),
    "a list of somebody else revokes": lambda: Attempt(
        approved(), crls=(revocation_list(revocation.FORGER, revoked=((GOOD.signer, NOW - timedelta(days=3)),)),)
    ),
    "rubbish for lists": lambda: Attempt(approved(), crls=(b"", b"\x30\x00", b"\xff" * 50)),
    "rubbish for responses": lambda: add_store(approved(), [GOOD.issuing], responses=[b"", b"\x30\x00"]),
    "expired since, with proof of time": lambda: Attempt(
        sign(
            plain(1),
            Signing("one", issue(Profile("brief", days=200), GOOD.issuing), [GOOD.issuing], stamper(GOOD)),
        ),
        at=NOW + timedelta(days=300),
    ),
}
for _name, _circumstance in _CIRCUMSTANCES.items():
    register("circumstances", _name, _circumstance)
register(
    "circumstances", "unknown to the responder, which proves nothing",
    lambda: _talked_about(lambda: revocation.response(revocation.UNKNOWN_STATUS)), Level.T,
)  # fmt: skip


# odd, and the same to all programs

_ODD: dict[str, Callable[[], bytes]] = {
    "a key twice, to the same thing": lambda: readings.signed(
        {3: readings.page(b"/Contents 4 0 R/Contents 4 0 R")}
    ),
    "a key twice, where nothing is drawn": lambda: readings.signed(
        {3: readings.page(b"/Contents 4 0 R/StructParents 1/StructParents 2")}
    ),
    "a comment with a number": lambda: readings.signed({3: readings.page(b"% 12 pages\n/Contents 4 0 R")}),
    "a parenthesis that looks like a reference": lambda: readings.signed({90: b"<</Title(see annex R )>>"}),
    "a reference to nothing": lambda: readings.signed({3: readings.page(b"/Contents 4 0 R/PieceInfo 900 0 R")}),
    "an entry that no signature has": lambda: readings.signed({8: placeholder(entries=b"/Maker(x)")}),
    "a stream with an object written in it": lambda: readings.signed(
        {90: stream(b"\n91 0 obj\n<</X 1>>\nendobj\n")}
    ),
}
for _name, _build in _ODD.items():
    register("odd", _name, _build, Level.B)
