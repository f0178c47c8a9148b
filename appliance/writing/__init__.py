"""Writing online: texts in a small closed set of elements, templates with merge fields, and their PDFs.

:class:`Texts` and :class:`Templates` keep them, :class:`Press` typesets, :class:`Converter` makes PDFs of word
processors' files, :class:`Issuing` makes contracts of what was written; :class:`Writing` is all of it together.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.writing.converting import Converter
from appliance.writing.far_converting import converter
from appliance.writing.filling import Checked, blank, check
from appliance.writing.issuing import Issuing
from appliance.writing.press import Press
from appliance.writing.previews import Previews
from appliance.writing.samples import Sample, samples
from appliance.writing.templates import Templates
from appliance.writing.texts import Beginning, Texts


@dataclass(frozen=True, slots=True)
class Writing:
    """What the portal uses of this room; every part is thread-safe."""

    texts: Texts
    templates: Templates
    issuing: Issuing
    previews: Previews


__all__ = [
    "Beginning",
    "Checked",
    "Converter",
    "Issuing",
    "Press",
    "Previews",
    "Sample",
    "Templates",
    "Texts",
    "Writing",
    "blank",
    "check",
    "converter",
    "samples",
]
