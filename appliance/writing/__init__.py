"""Writing online: texts in a small closed set of elements, templates with merge fields, and their PDFs.

:class:`Texts` and :class:`Templates` store them, :func:`typeset_wording` typesets, :class:`DocumentConverter`
makes PDFs of word processors' files, :class:`Issuing` makes contracts of texts; :class:`Writing` is all of it
together. :class:`Discussions` and :class:`Proposals`: drafts are discussed before they are sent, inside the
organisation alone; nothing of that is signed or in any evidence, and it is kept as long as the draft.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.writing.comments import Discussion, Discussions
from appliance.writing.converting import DocumentConverter, open_converter
from appliance.writing.filling import CheckedValues, blank, check_values
from appliance.writing.mail_merges import MailMerges
from appliance.writing.merge_rounds import MergeRounds
from appliance.writing.pages import Issuing, TextPreviews, typeset_wording
from appliance.writing.proposals import Proposals
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
    "Discussion",
    "Discussions",
    "DocumentConverter",
    "Issuing",
    "MailMerges",
    "MergeRounds",
    "Proposals",
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
