"""The part of verification that reads PDFs: where the signatures are, what they cover, and what came after them.

It judges no certificate and no cryptography; that is :mod:`appliance.verification`. Everything here runs confined.
"""

from appliance.pdf.validation.changes import steps
from appliance.pdf.validation.model import (
    FieldLock,
    FoundSignature,
    PageRegion,
    Step,
    StepKind,
    StoreHistory,
    Unparseable,
    ValidationStore,
)
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf, open_pdf
from appliance.pdf.validation.reading import revisions_within, signatures, store, store_in
from appliance.pdf.validation.regions import of_fields
from appliance.pdf.validation.seen import Look, NotRendered, SeenDifference
from appliance.pdf.validation.signed_bytes import SignedRange, ends_cleanly, find

__all__ = [
    "DAMAGE",
    "FieldLock",
    "FoundSignature",
    "Look",
    "NotRendered",
    "OpenedPdf",
    "PageRegion",
    "SeenDifference",
    "SignedRange",
    "Step",
    "StepKind",
    "StoreHistory",
    "Unparseable",
    "ValidationStore",
    "ends_cleanly",
    "find",
    "of_fields",
    "open_pdf",
    "revisions_within",
    "signatures",
    "steps",
    "store",
    "store_in",
]
