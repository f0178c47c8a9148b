"""The revision of one signature (appearance, empty signature, what it certifies and locks), and the revision of
the finalisation (DSS and an empty document timestamp, PAdES B-LTA). No key, no CMS here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils.form_tools import get_single_field_annot
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, IndirectObject, pdf_name, pdf_string
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp, SignatureObject
from pyhanko.sign.validation.dss import DocumentSecurityStore

from appliance.errors import DocumentRefused
from appliance.pdf import forms, geometry
from appliance.pdf.appearance import AppearanceStreams
from appliance.pdf.forms import FormField, SealSlice
from appliance.pdf.incremental_updates import IncrementalUpdate, dictionary, refusing_malformed
from appliance.pdf.reader import entry
from appliance.pdf.typefaces import Typefaces
from appliance.pdf.values import LockScope, PrepareOrder, ValidationMaterial

FORM_FILLING = 2
"""/P of DocMDP (12.8.2.2): filling in and signing only."""


def prepare(document: bytes, order: PrepareOrder, typefaces: Typefaces) -> dict[str, Any]:
    """The bytes to append to *document*, and where the placeholder lies.

    Raises DocumentRefused when the field does not exist or is signed already.
    """
    revision = IncrementalUpdate(document)
    fields = list(forms.terminal_fields(revision.root))
    field = _empty_field(fields, order.field)
    widget = get_single_field_annot(field.dictionary)
    further = list(forms.places_of_signature(order.field, fields))
    streams = AppearanceStreams(revision, order.appearance, typefaces)
    _show(revision, widget, further, streams, {each.number: each.text for each in order.inputs})
    signature = _placeholder(order)
    reference = revision.add_object(signature)
    # whether there is a value is enough to know: reading a signature's hexadecimal takes pyHanko 8 ms
    if order.certify and not any(other.kind == "/Sig" and "/V" in other.dictionary for other in fields):
        _certify(revision, reference, signature)
    filled = [order.field, *(place.name for place, _ in further)]
    signature["/Reference"].append(_field_lock(revision, order, fields, filled))
    field.dictionary[pdf_name("/V")] = reference
    revision.mark_update(field.reference)
    forms.form_of(revision)
    return revision.appended_with_gap(signature)


def _show(
    revision: IncrementalUpdate,
    widget: Any,
    further: list[tuple[FormField, SealSlice | int | None]],
    appearances: AppearanceStreams,
    inputs: Mapping[int, str],
) -> None:
    """The appearance in the signature's *widget* and in its *further* places, and what the signer has filled in,
    all marked as changed; where nothing was filled in, nothing changes, then or later."""
    look = appearances.appearance_of(widget)
    if look is not None:
        widget[pdf_name("/AP")] = dictionary(N=look)
    revision.update_container(widget)
    for place, part in further:
        if isinstance(part, int):
            if not inputs.get(part):
                continue
            shown = appearances.text_in(place.dictionary, inputs[part])
        else:
            shown = appearances.appearance_of(place.dictionary, part)
        forms.tick_place(place.dictionary, shown)
        revision.update_container(place.dictionary)


def _placeholder(order: PrepareOrder) -> SignatureObject:
    """An empty signature dictionary (ETSI EN 319 142-1, 6.3: ETSI.CAdES.detached)."""
    signature = SignatureObject(
        timestamp=order.when,
        subfilter=SigSeedSubFilter.PADES,
        reason=order.reason or None,
        bytes_reserved=order.reserve * 2,
    )
    signature[pdf_name("/Reference")] = ArrayObject()
    return signature


def _empty_field(fields: list[FormField], name: str) -> FormField:
    field = next((field for field in fields if field.name == name and field.kind == "/Sig"), None)
    if field is None:
        raise DocumentRefused("no-such-field", "The document has no signature field named {field}.", field=name)
    if "/V" in field.dictionary:
        raise DocumentRefused("signed-already", "The field {field} is signed already.", field=name)
    return field


def _certify(revision: IncrementalUpdate, reference: IndirectObject, signature: SignatureObject) -> None:
    """Make this the certification signature (12.8.2.2) and name it in the catalogue (12.8.6)."""
    signature["/Reference"].append(_transform("DocMDP", P=FORM_FILLING))
    permissions = entry(revision.root, "/Perms")
    if not isinstance(permissions, DictionaryObject):
        permissions = revision.root[pdf_name("/Perms")] = DictionaryObject()
        revision.update_root()
    permissions[pdf_name("/DocMDP")] = reference
    revision.update_container(permissions)


def _field_lock(
    revision: IncrementalUpdate, order: PrepareOrder, fields: list[FormField], filled: list[str]
) -> DictionaryObject:
    """FieldMDP (12.8.2.4): what the signer *filled*, the own field and its places; or all of them.

    "All" names the signature fields and places one by one when there are others too: those were made read-only in
    revision 1, and a lock on them makes pyHanko's difference analysis reject every later revision, changed or not.
    """
    ours = [field.name for field in fields if field.kind == "/Sig" or forms.is_place(field.dictionary)]
    if order.lock is LockScope.ALL and len(ours) == len(fields):
        transform = _transform("FieldMDP", Action="/All")
    else:
        locked = ours if order.lock is LockScope.ALL else filled
        transform = _transform("FieldMDP", Action="/Include", Fields=map(pdf_string, locked))
    transform[pdf_name("/Data")] = IndirectObject(revision.root_ref.idnum, revision.root_ref.generation, revision)
    return transform


def _transform(method: str, **parameters: Any) -> DictionaryObject:
    described = dictionary(**parameters, Type="/TransformParams", V="/1.2")
    return dictionary(Type="/SigRef", TransformMethod=f"/{method}", TransformParams=described)


_ROOM = 16 * 1024
"""Bytes kept for the timestamp token; tokens with an RSA chain have about 6 KiB."""


@refusing_malformed()
def prepare_archive(document: bytes, material: ValidationMaterial, *, most_pages: int) -> dict[str, Any]:
    """The bytes to append to *document*, and where the placeholder of the timestamp token lies.

    Material that the document carries already is kept, and not added twice.
    """
    revision = IncrementalUpdate(document)
    DocumentSecurityStore.supply_dss_in_writer(
        revision,
        None,
        certs=map(x509.Certificate.load, material.certificates),
        crls=map(crl.CertificateList.load, material.crls),
        ocsps=map(ocsp.OCSPResponse.load, material.responses),
    )
    timestamp = DocumentTimestamp(bytes_reserved=_ROOM * 2)
    _add_timestamp_field(revision, timestamp, most_pages=most_pages)
    return revision.appended_with_gap(timestamp)


def _add_timestamp_field(revision: IncrementalUpdate, timestamp: DocumentTimestamp, *, most_pages: int) -> None:
    """A new invisible signature field for the timestamp on the first page (EN 319 142-1, 5.5)."""
    page = next(geometry.pages(revision.root, most=most_pages), None)
    if page is None:
        raise DocumentRefused("no-pages", "The document has no pages.")
    form = forms.form_of(revision)
    name = f"DocTimeStamp-{secrets.token_hex(4)}"
    widget = forms.signature_widget(name, page, [0] * 4, V=revision.add_object(timestamp))
    reference = revision.add_object(widget)
    form["/Fields"].append(reference)
    revision.update_container(form["/Fields"])
    revision.annotate(page, reference)
