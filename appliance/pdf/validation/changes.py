"""What each revision after the first signature did to the one before it."""

from __future__ import annotations

from dataclasses import replace

from appliance.pdf.validation import known_changes, policy
from appliance.pdf.validation.model import RevisionStep, StepKind
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf
from appliance.pdf.validation.plainness import is_plain
from appliance.pdf.validation.references import References


def steps(pdf: OpenedPdf, *, since: int) -> tuple[RevisionStep, ...]:
    """The steps from revision *since* to the last one, one by one; each is judged once for all signatures.

    Step by step, because an intermediate revision can no longer be seen in the last one.
    """
    numbers = range(since + 1, pdf.revisions)
    if not numbers:
        return ()
    xrefs = pdf.reader.xrefs
    try:
        wanted = {each.idnum for number in numbers for each in xrefs.explicit_refs_in_revision(number)}
        references = References(pdf, wanted.union(*(known_changes.stored_in(pdf, each - 1) for each in numbers)))
    except DAMAGE as error:
        return tuple(RevisionStep(number, StepKind.UNEXPLAINED, detail=type(error).__name__) for number in numbers)
    return tuple(_step(pdf, number, references) for number in numbers)


def _step(pdf: OpenedPdf, number: int, references: References) -> RevisionStep:
    recognised = known_changes.recognise(pdf, number, references) if references.complete else None
    step = recognised or policy.analyse(pdf, number)
    if is_plain(pdf, number):
        return step
    return replace(step, kind=StepKind.UNEXPLAINED, recognised=False, detail="readers may disagree about it")
