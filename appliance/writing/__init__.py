"""Writing online: texts in a small closed set of elements, templates with merge fields, and their PDFs.

:class:`Texts` and :class:`Templates` store them, :func:`typeset_wording` typesets, :class:`DocumentConverter`
makes PDFs of word processors' files, :class:`Issuing` makes contracts of texts; :class:`Writing` is all of it
together.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.writing.converting import DocumentConverter, open_converter
from appliance.writing.filling import CheckedValues, blank, check_values
from appliance.writing.pages import Issuing, TextPreviews, typeset_wording
from appliance.writing.samples import Sample, samples
from appliance.writing.texts import Beginning, Templates, Texts


@dataclass(frozen=True, slots=True)
class Writing:
    """What the portal uses of this package; every part is thread-safe."""

    texts: Texts
    templates: Templates
    issuing: Issuing
    previews: TextPreviews


__all__ = [
    "Beginning",
    "CheckedValues",
    "DocumentConverter",
    "Issuing",
    "Sample",
    "Templates",
    "TextPreviews",
    "Texts",
    "Writing",
    "blank",
    "check_values",
    "open_converter",
    "samples",
    "typeset_wording",
]
