"""The part of verification that reads PDFs: where the signatures are, what they cover, and what came after them.

It judges no certificate and no cryptography; that is :mod:`appliance.verification`. Everything here runs confined.
"""

from appliance.pdf.validation.changes import steps
from appliance.pdf.validation.model import (
    FieldLock,
    FoundSignature,
    PageRegion,
    RevisionStep,
    StepKind,
    StoreHistory,
    Unparseable,
    ValidationStore,
)
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf, open_pdf
from appliance.pdf.validation.page_comparison import NotRendered, PageComparison, SeenDifference
from appliance.pdf.validation.reading import revisions_within, signatures, store, store_in
from appliance.pdf.validation.regions import of_fields
from appliance.pdf.validation.signed_bytes import ByteRange, ends_cleanly, find_byte_ranges

__all__ = [
    "DAMAGE",
    "ByteRange",
    "FieldLock",
    "FoundSignature",
    "NotRendered",
    "OpenedPdf",
    "PageComparison",
    "PageRegion",
    "RevisionStep",
    "SeenDifference",
    "StepKind",
    "StoreHistory",
    "Unparseable",
    "ValidationStore",
    "ends_cleanly",
    "find_byte_ranges",
    "of_fields",
    "open_pdf",
    "revisions_within",
    "signatures",
    "steps",
    "store",
    "store_in",
]
