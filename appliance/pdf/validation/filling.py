"""Whether a file that somebody signed elsewhere is the one that was handed out, with one field filled and nothing
else: the question about an upload. Confined.

The same model of permitted changes as after a signature (:mod:`appliance.pdf.validation.changes`) is asked about
the one revision that was appended, which has to be recognised object by object.
"""

from __future__ import annotations

from appliance.errors import DocumentRefused
from appliance.pdf import forms, inspection
from appliance.pdf.byte_ranges import signed_sizes
from appliance.pdf.page_comparison import NotRendered, PageComparison
from appliance.pdf.validation.changes import is_described_anew, steps
from appliance.pdf.validation.looks import Looks
from appliance.pdf.validation.model import FoundSignature, Look, RevisionStepKind, Unparseable
from appliance.pdf.validation.opening import OpenedPdf, open_pdf
from appliance.pdf.validation.reading import of_fields, revisions_within, signatures
from appliance.pdf.values import FilledField

DETACHED = frozenset({"/adbe.pkcs7.detached", "/ETSI.CAdES.detached"})


def require_filled(document: bytes, base: int, field: str, others: list[str], most_pages: int) -> FilledField:
    """The signature in *field* that the one revision after the first *base* bytes brought. *others* are fields
    that it may not lock. Raises DocumentRefused with one sentence for anything else that came with it.
    """
    try:
        pdf = open_pdf(document)
        found = signatures(pdf, Looks(pdf))
    except Unparseable as error:
        if error.encrypted:
            raise DocumentRefused(
                "encrypted", "The signed file is encrypted; switch encryption off when you sign."
            ) from error
        raise DocumentRefused("damaged", "The signed file cannot be read as a PDF; save it again.") from error
    _require_one_revision(pdf, base)
    new = [each for each in found if each.signed is None or each.signed.end > base]
    _require_signature(new, field, len(document))
    [signature] = new
    _require_signed_once(document, base, signature)
    _require_open(signature, [*others, *_places_of(pdf, others)])
    _require_filled_alone(pdf, base, field)
    inspection.require_plain(document, most_pages=most_pages)
    if signature.signed is None or signature.contents is None:
        raise _incomplete()
    return FilledField(
        (signature.signed.gap_start, signature.signed.gap_end - signature.signed.gap_start), signature.claimed
    )


def _require_one_revision(pdf: OpenedPdf, base: int) -> None:
    before = revisions_within(pdf, base)
    if not before or pdf.revisions == before:
        raise DocumentRefused(
            "not-appended",
            "The file was not signed by appending to it, so it is another file than the one that was given out;"
            " sign "
            "with incremental saving.",
        )
    if pdf.revisions != before + 1:
        raise DocumentRefused(
            "several-revisions",
            "Besides the signature something else was saved into the file (revisions: {count}); sign it once, and"
            " upload that.",
            count=pdf.revisions - before - 1,
        )


def _require_signature(new: list[FoundSignature], field: str, length: int) -> None:
    if not new:
        raise DocumentRefused(
            "unsigned", "The file is not signed; sign it in the field {field}, then upload it.", field=field
        )
    if len(new) > 1:
        raise DocumentRefused("several-signatures", "The file has more than one new signature; one is needed.")
    if new[0].document_timestamp:
        raise DocumentRefused(
            "no-signature", "The file has a timestamp and no signature; sign it in the field {field}.", field=field
        )
    if new[0].field != field:
        raise DocumentRefused(
            "other-field",
            "The signature is in another field ({other}) than the one that is meant for you; sign in the field "
            "{field}.",
            other=new[0].field,
            field=field,
        )
    if not new[0].complete or new[0].signed is None or new[0].signed.end != length or new[0].contents is None:
        raise _incomplete()
    if new[0].subfilter not in DETACHED:
        raise DocumentRefused(
            "odd-signature",
            "The signature is of a kind that is not taken ({kind}); choose PAdES or PKCS#7 detached.",
            kind=new[0].subfilter.removeprefix("/") or "–",
        )
    if new[0].look is not Look.ONE:
        raise DocumentRefused(
            "two-readings",
            "The signed file is built so that programs may show different pages; sign it elsewhere.",
        )


def _require_signed_once(document: bytes, base: int, signature: FoundSignature) -> None:
    """One place in the new bytes says what a signature covers: with the gap at another place it would be another
    document of the same digest."""
    signed = signature.signed
    if signed is None or signed_sizes(document, since=base) != [signed.gap_start + signed.length]:
        raise DocumentRefused("several-signatures", "The file has more than one new signature; one is needed.")


def _incomplete() -> DocumentRefused:
    return DocumentRefused(
        "incomplete",
        "The signature does not cover the file to its last byte; bytes were added or lost after it was signed.",
    )


def _places_of(pdf: OpenedPdf, fields: list[str]) -> list[str]:
    """Where the signatures of these *fields* show further, and what their signers fill in."""
    names = (each.name for each in forms.terminal_fields(pdf.reader.root))
    return [name for name in names if forms.place_owner(name) in fields]


def _require_open(signature: FoundSignature, others: list[str]) -> None:
    """Nothing keeps those who sign later, or the archive, from their part."""
    locks = signature.permission is not None
    locks = locks or (signature.lock is not None and any(map(signature.lock.locks, others)))
    if locks:
        raise DocumentRefused(
            "locks",
            "The signature certifies or locks the document, so that others could not sign after you; sign without "
            "certifying and without locking.",
        )


def _require_filled_alone(pdf: OpenedPdf, base: int, field: str) -> None:
    """Each changed object is known to be part of this signature and of nothing else. After a signature more is
    looked at and may pass; of one that is made on purpose for us no more is needed."""
    before = revisions_within(pdf, base)
    [step] = steps(pdf, since=before - 1)
    filled = step.kind is RevisionStepKind.FORM_FILLING or (
        step.kind is RevisionStepKind.VALIDATION_DATA and not step.fields
    )
    if not filled or not step.recognised or step.new_visible or not step.fields <= {field}:
        raise _changed()
    if is_described_anew(pdf, since=before - 1):
        raise DocumentRefused(
            "described-anew",
            "With the signature the file got another title, author or other properties; sign without changing"
            " them.",
        )
    _require_same_pages(pdf, base, field)


def _require_same_pages(pdf: OpenedPdf, base: int, field: str) -> None:
    """The field's own page looks as before outside its box."""
    regions = of_fields(pdf, frozenset({field}))
    try:
        different = PageComparison(pdf.document).differences(
            pdf.document[:base], except_for=regions, pages={each.page for each in regions}
        )
    except NotRendered as error:
        raise _changed() from error
    if different:
        raise DocumentRefused(
            "page-changed",
            "Page {page} looks different outside your field; sign the file as it was given out.",
            page=different[0].page,
        )


def _changed() -> DocumentRefused:
    return DocumentRefused(
        "changed",
        "More was changed than your signature field; sign the file as it was given out, and change nothing else.",
    )
