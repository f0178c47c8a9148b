"""The part of verification that reads PDFs: where the signatures are, what they cover, and what came after them.

It judges no certificate and no cryptography; that is :mod:`appliance.verification`. Everything here runs confined.
"""

from appliance.pdf.validation.changes import steps
from appliance.pdf.validation.model import (
    ByteRange,
    FieldLock,
    FoundSignature,
    PageRegion,
    RevisionStep,
    StepKind,
    StoreHistory,
    Unparseable,
    ValidationStore,
    ends_cleanly,
    find_byte_ranges,
)
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf, open_pdf
from appliance.pdf.validation.page_comparison import NotRendered, PageComparison, SeenDifference
from appliance.pdf.validation.reading import of_fields, revisions_within, signatures, store, store_in

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
