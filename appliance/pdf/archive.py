"""The revision that lasts: validation material (DSS) and an empty document timestamp over it all (PAdES B-LTA)."""

from __future__ import annotations

import secrets
from typing import Any

from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NumberObject, pdf_name, pdf_string
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore

from appliance.errors import DocumentRefused
from appliance.pdf import forms, geometry
from appliance.pdf.incremental_updates import IncrementalUpdate
from appliance.pdf.values import ValidationMaterial

_ROOM = 16 * 1024
"""Bytes kept for the timestamp token; tokens with an RSA chain have about 6 KiB."""
_PRINTED_AND_LOCKED = 1 << 2 | 1 << 7


def prepare_archive(document: bytes, material: ValidationMaterial, *, most_pages: int) -> dict[str, Any]:
    """The bytes to append to *document*, and where the placeholder of the timestamp token lies.

    Material that the document carries already is kept, and not added twice.
    """
    revision = IncrementalUpdate(document)
    _add_material(revision, material)
    timestamp = DocumentTimestamp(bytes_reserved=_ROOM * 2)
    _add_timestamp_field(revision, timestamp, most_pages=most_pages)
    return revision.appended_with_gap(timestamp)


def _add_material(revision: IncrementalUpdate, material: ValidationMaterial) -> None:
    DocumentSecurityStore.supply_dss_in_writer(
        revision,
        None,
        certs=[x509.Certificate.load(certificate) for certificate in material.certificates],
        crls=[crl.CertificateList.load(revoked) for revoked in material.crls],
        ocsps=[ocsp.OCSPResponse.load(response) for response in material.responses],
    )


def _add_timestamp_field(revision: IncrementalUpdate, timestamp: DocumentTimestamp, *, most_pages: int) -> None:
    """A new invisible signature field for the timestamp on the first page (EN 319 142-1, 5.5)."""
    page = next(geometry.pages(revision.root, most=most_pages), None)
    if page is None:
        raise DocumentRefused("no-pages", "The document has no pages.")
    form = forms.form_of(revision)
    reference = revision.add_object(
        DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/Widget"),
                pdf_name("/FT"): pdf_name("/Sig"),
                pdf_name("/T"): pdf_string(f"DocTimeStamp-{secrets.token_hex(4)}"),
                pdf_name("/F"): NumberObject(_PRINTED_AND_LOCKED),
                pdf_name("/P"): page,
                pdf_name("/Rect"): ArrayObject([NumberObject(0)] * 4),
                pdf_name("/V"): revision.add_object(timestamp),
            }
        )
    )
    form["/Fields"].append(reference)
    revision.update_container(form["/Fields"])
    revision.annotate(page, reference)
