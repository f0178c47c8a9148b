"""What came after each signature, whether it is explained, and the verdict over the whole document.

No change and validation data are good. Filled fields are good when a later signature that holds covers them, or a
certification allows to fill them, and no lock or certification forbids them (ISO 32000-2, 12.8.2.2 and 12.8.2.4).
So is a new visible field of a later signature that passes itself. Everything else is a change: pages are compared,
and fail where they look different outside these fields, or where their own contents do. The document is as good as
the worst of its signatures.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.pdf.byte_ranges import ends_cleanly
from appliance.pdf.page_comparison import NotRendered, PageComparison
from appliance.pdf.validation.changes import is_described_anew, steps
from appliance.pdf.validation.filled_fields import FilledFields
from appliance.pdf.validation.model import FoundSignature, Look, RevisionStep, RevisionStepKind
from appliance.pdf.validation.opening import OpenedPdf
from appliance.pdf.validation.page_states import PageGraph, RevisionStates
from appliance.pdf.validation.reading import of_fields, revisions_within, stored_since
from appliance.pdf.values import PagePair
from appliance.verification import rows
from appliance.verification.model import (
    Changes,
    Coverage,
    Indication,
    RowAnswer,
    SignatureReport,
    StampReport,
    SubIndication,
    Verdict,
    VerificationReport,
    failed,
    undecided,
    worst,
)
from appliance.verification.signatures import ExaminedSignature, doubt_about_look, fault_of_look, level_of
from appliance.verification.tokens import ExaminedToken
from hsm.errors import Sentence

_TRAILING = Sentence("Bytes follow the signed document that belong to no revision of it.")
_LOCKED = Sentence("Something was changed after signing that this signature forbids to change.")
_SEEN = Sentence("The document was changed after signing: page {page} looks different.")
_UNEXPLAINED = Sentence("The document was changed after signing, and the change cannot be explained.")
_NOT_SHOWN = Sentence("The document was changed after signing, and its pages could not be compared.")
_UNCOVERED = Sentence("Form fields were filled after signing, and no later signature covers that.")

_UNSHOWN = Sentence(
    "The form field {field} was filled after signing, and its picture cannot be shown to say its value."
)
_COVERED = Sentence(
    "The picture of a later signature covers text of page {page}, or adds to it; compare the page with the earlier"
    " revision."
)
_ANNOTATED = Sentence(
    "Notes were added or changed after signing, which the certification allows; they may cover what was signed."
)
_FOREIGN = Sentence("A visible signature was added after signing, and it does not pass itself.")
_ADDED = Sentence("A visible signature was added to a certified document, in a field that it did not have.")
_FILLING, _ANNOTATING = 2, 3

Judged = tuple[Changes, Verdict | None]


class RevisionHistory:
    """The document's revisions after its first signature. ``examined`` in the order of revisions."""

    def __init__(
        self, pdf: OpenedPdf, examined: list[ExaminedSignature], *, since: int = 0, certain: bool = False
    ) -> None:
        """*since* is the first revision whose changes are judged; *certain* says that programs have no choice in
        what they read, so that pages which no step has touched need not be drawn."""
        self.pdf = pdf
        self.examined = tuple(examined)
        first = min(one.found.revision for one in examined)
        self.steps = steps(pdf, since=max(first, since))
        self.stored_since = stored_since(pdf)
        self.described_anew = is_described_anew(pdf, since=first)
        self.seen: dict[int, tuple[PagePair, ...]] = {}
        self._bare: dict[int, tuple[PagePair, ...]] = {}
        self._filled = FilledFields(pdf)
        self._covered_pages: dict[int, tuple[PagePair, ...]] = {}
        graph = PageGraph(pdf) if certain else None
        self._look, self._bare_look = (self._comparison(graph, bare=bare) for bare in (False, True))
        # a timestamp can be had by anybody: it answers for the date of what was filled in, not for the filling
        self._signed = max((one.found.revision for one in examined if one.intact), default=-1)
        people = (one for one in examined if one.intact and not one.found.document_timestamp)
        self._covered = max((one.found.revision for one in people), default=-1)
        self._passed = frozenset(
            one.found.field for one in examined if one.verdict.indication is Indication.PASSED
        )
        self._intact = frozenset(one.found.field for one in examined if one.intact)

    def _comparison(self, graph: PageGraph | None, *, bare: bool) -> PageComparison:
        states = None if graph is None else RevisionStates(graph, self.steps, contents_only=bare)
        return PageComparison(self.pdf.document, bare=bare, states=states)

    def report_signature(self, one: ExaminedSignature) -> SignatureReport:
        """The report about *one*, with what came after it."""
        changes, verdict = self._after(one.found) if one.found.complete else (Changes.UNKNOWN, None)
        if one.verdict.indication is Indication.PASSED and verdict is not None:
            one = replace(one, verdict=verdict)
        elif verdict is not None and verdict.indication is Indication.FAILED:
            one = replace(one, verdict=replace(verdict, reasons=(*verdict.reasons, *one.verdict.reasons)))
        level = level_of(one, self.examined, self.stored_since)
        report = SignatureReport(
            field=one.found.field,
            verdict=one.verdict,
            signer=one.signer,
            signing_time=one.stamp_time or one.proven or one.found.claimed,
            timestamp=one.stamp_time,
            level=level,
            coverage=self._coverage(one.found),
            changes=changes,
            claimed=one.found.claimed,
            document_timestamp=one.found.document_timestamp,
            path=rows.details_of(one.finding),
            algorithms=one.algorithms,
            stamps=() if one.found.document_timestamp else tuple(map(_stamp, one.stamps)),
            end=one.found.signed.end if one.found.signed else None,
            warnings=one.remarks,
            policy=one.policy,
            content_digest=one.content_digest,
        )
        doubt = verdict.reasons[0] if verdict is not None and changes is Changes.UNEXPLAINED else None
        return replace(report, rows=rows.report_rows(one, report, doubt))

    @property
    def changed_pages(self) -> tuple[PagePair, ...]:
        """Pages that look different; else one on which a later signature covers text."""
        return next((found for found in (*self.seen.values(), *self._covered_pages.values()) if found), ())

    @property
    def changed_since(self) -> int | None:
        """The length of the last signed revision, when more than validation data came after it."""
        ends = [one.found.signed.end for one in self.examined if one.intact and one.found.signed]
        changed = any(step.number > self._signed and step.kind.value > 1 for step in self.steps)
        return max(ends) if ends and changed else None

    def _after(self, found: FoundSignature) -> Judged:
        later = [step for step in self.steps if step.number > found.revision]
        if not later:
            if found.signed is not None and found.signed.end < len(self.pdf.document):
                return Changes.CHANGED, failed(SubIndication.FORMAT_FAILURE, _TRAILING)
            return Changes.NONE, None
        if _is_forbidden(found, later):
            return Changes.CHANGED, failed(SubIndication.FORMAT_FAILURE, _LOCKED)
        if all(step.kind in (RevisionStepKind.NOTHING, RevisionStepKind.VALIDATION_DATA) for step in later):
            return Changes.VALIDATION_DATA, None
        return self._looked_at(found, later)

    def _looked_at(self, found: FoundSignature, later: list[RevisionStep]) -> Judged:
        try:
            different = self._differences(found, later)
        except NotRendered:
            return Changes.UNKNOWN, undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, _NOT_SHOWN)
        if different:
            if self._is_annotated(found, later):
                return Changes.UNEXPLAINED, undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, _ANNOTATED)
            return Changes.CHANGED, failed(
                SubIndication.FORMAT_FAILURE, replace(_SEEN, values={"page": different[0].page})
            )
        doubt = self._doubt(found, later) or self._doubt_about_pictures(found, later)
        if doubt is not None:
            return Changes.UNEXPLAINED, undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, doubt)
        uncovered = any(self._is_uncovered(step) for step in later)
        return (Changes.FILLED if uncovered else Changes.SIGNED_ON), None

    def _doubt(self, found: FoundSignature, later: list[RevisionStep]) -> Sentence | None:
        """Why the *later* steps, which nobody sees outside their fields, are not all explained, if so."""
        permitted = self._permission(found) in (_FILLING, _ANNOTATING)
        if any(step.kind is RevisionStepKind.UNEXPLAINED for step in later):
            return _UNEXPLAINED
        if any(map(self._is_sneaky, later)):
            return _ADDED
        if any(not step.new_visible & self._intact <= self._passed for step in later):
            return _FOREIGN
        if any(self._is_uncovered(step) and (step.new_visible or not permitted) for step in later):
            return _UNCOVERED
        return None

    def _doubt_about_pictures(self, found: FoundSignature, later: list[RevisionStep]) -> Sentence | None:
        """Why pictures of fields may not leave the text as it was, or not say what was filled in, if so."""
        covered = self._covered_pages.get(found.signed.end if found.signed else 0)
        if covered:
            return replace(_COVERED, values={"page": covered[0].page})
        filled = frozenset().union(*(step.fields - step.new_visible for step in later))
        unshown = self._filled.unshown(filled, since=found.revision)
        return None if unshown is None else replace(_UNSHOWN, values={"field": unshown})

    def _is_uncovered(self, step: RevisionStep) -> bool:
        """Whether fields were filled, and no later signature of a person answers for that."""
        return step.kind is RevisionStepKind.FORM_FILLING and step.number > self._covered

    def _permission(self, found: FoundSignature) -> int | None:
        """What *found* allows to change, or a certification that was made before it (DocMDP's P)."""
        if found.permission is not None:
            return found.permission
        before = (one for one in self.examined if one.intact and one.found.revision < found.revision)
        first = next((one.found for one in before if not one.found.document_timestamp), None)
        return None if first is None else first.permission

    def _is_annotated(self, found: FoundSignature, later: list[RevisionStep]) -> bool:
        """Whether a certification allows annotations (P=3), and nothing looks different but these: neither the
        pages' own contents nor a field that is new or was not filled."""
        if self._permission(found) != _ANNOTATING:
            return False
        if any(step.new_visible or step.touched - step.fields for step in later):
            return False
        return not self._bare_differences(found, None)

    def _bare_differences(self, found: FoundSignature, pages: frozenset[int] | None) -> tuple[PagePair, ...]:
        """Pages (all for None) whose own contents look different, drawn without annotations and fields."""
        if found.signed is None:
            return ()
        end = found.signed.end
        if pages is not None or end not in self._bare:
            compared = self._bare_look.differences(end, pages=pages)
            if pages is not None:
                return compared
            self._bare[end] = compared
        return self._bare[end]

    def _differences(self, found: FoundSignature, later: list[RevisionStep]) -> tuple[PagePair, ...]:
        """Pages that look different; with recognised steps alone, only the pages that they touch are compared."""
        if found.signed is None:
            return ()
        end = found.signed.end
        if end not in self.seen:
            self.seen[end] = self._compared(found, later, end)
        return self.seen[end]

    def _compared(self, found: FoundSignature, later: list[RevisionStep], before: int) -> tuple[PagePair, ...]:
        fields = frozenset().union(*(step.fields for step in later))
        regions = of_fields(self.pdf, fields)
        recognised = all(step.recognised for step in later)
        pages = {region.page for region in regions} if recognised else None
        added = frozenset().union(*(step.new_visible for step in later))
        # what a new field shows is the word of who signed in it; nobody's, and no part of the pages, if nobody did
        allowed = of_fields(self.pdf, fields - (added - self._intact))
        new = of_fields(self.pdf, added & self._intact)
        hiding = self._look.hiding(before, new)
        there = frozenset(one.found.field for one in self.examined if one.found.revision <= found.revision)
        earlier = of_fields(self.pdf, there)
        # seals lie over text: whose signature passes covers it openly, and the earlier revision shows it
        open_ = frozenset(of_fields(self.pdf, added & self._intact & self._passed))
        covered = (hiding | self._look.adding(before, new, earlier)) & open_
        hiding -= open_
        sneaked = frozenset().union(*(step.new_visible for step in later if self._is_sneaky(step)))
        hiding |= self._look.lettered(before, of_fields(self.pdf, sneaked))
        allowed = tuple(region for region in allowed if region not in hiding)
        different = self._look.differences(before, except_for=allowed, pages=pages)
        if not different and not recognised and allowed:
            different = self._bare_differences(found, frozenset(region.page for region in allowed))
        if covered and not different:
            page = min(region.page for region in covered)
            self._covered_pages[before] = (self._look.pair(before, page),)
        return different

    def _is_sneaky(self, step: RevisionStep) -> bool:
        """A new visible field in a certified document: certification allows to fill fields, not to add."""
        earlier = (one.found for one in self.examined if one.found.revision < step.number)
        return bool(step.new_visible) and any(each.permission is not None for each in earlier)

    def _coverage(self, found: FoundSignature) -> Coverage:
        if not found.complete or found.signed is None:
            return Coverage.PARTIAL
        return Coverage.FILE if found.signed.end == len(self.pdf.document) else Coverage.REVISION


class NewRevisions(RevisionHistory):
    """The revisions after those that have passed before. Nothing is rendered."""

    @property
    def decides(self) -> bool:
        """Whether the new revisions do nothing but fill signature fields that were there, object by object; only
        then does the full comparison, pages included, have nothing to add."""
        return bool(self.steps) and all(
            step.recognised and step.kind is RevisionStepKind.FORM_FILLING and not step.new_visible
            for step in self.steps
        )

    def _differences(self, found: FoundSignature, later: list[RevisionStep]) -> tuple[PagePair, ...]:
        return ()


def history_of(
    pdf: OpenedPdf, examined: list[ExaminedSignature], verified: int, *, certain: bool
) -> RevisionHistory:
    """The history after the first *verified* bytes, which were a file that has passed; all of it when those are
    not whole revisions of *pdf*, or when the new ones must be compared by looking."""
    passed = revisions_within(pdf, verified) if verified else 0
    if passed:
        increment = NewRevisions(pdf, examined, since=passed - 1)
        if increment.decides:
            return increment
    return RevisionHistory(pdf, examined, certain=certain)


def _is_forbidden(found: FoundSignature, later: list[RevisionStep]) -> bool:
    """DocMDP P=1, or a field that FieldMDP locks (ISO 32000-2, 12.8.2)."""
    filled = [name for step in later for name in step.touched]
    if found.permission == 1 and any(step.kind is RevisionStepKind.FORM_FILLING for step in later):
        return True
    return found.lock is not None and any(found.lock.locks(name) for name in filled)


def _stamp(token: ExaminedToken) -> StampReport:
    time = token.statement.gen_time if token.statement else None
    return StampReport(token.signer, time, token.verdict, token.digest)


_DATED_ONLY = Sentence(
    "Nobody signed this document: it has timestamps alone, which anybody can have for anything."
)
_DESCRIBED_ANEW = Sentence(
    "The file's metadata, such as its title and author, are no longer those of the first signature."
)
_APPENDED = Sentence("Something follows the end of the document: bytes were appended to the file.")


def conclude_report(
    report: VerificationReport, signatures: tuple[SignatureReport, ...], history: RevisionHistory
) -> VerificationReport:
    """*report* completed with its signatures and the verdict over all of them."""
    verdicts = [each.verdict for each in signatures]
    if not ends_cleanly(history.pdf.document):
        verdicts.insert(0, failed(SubIndication.FORMAT_FAILURE, _APPENDED))
    return replace(
        report,
        verdict=worst(verdicts),
        signatures=signatures,
        remarks=(*report.remarks, *_remarks(signatures, history)),
        pages=history.changed_pages,
        signed_revision=history.changed_since,
    )


def with_look(report: VerificationReport, look: Look) -> VerificationReport:
    """*report* with the verdict on how the whole file looks taken into account."""
    verdict = fault_of_look(look) or doubt_about_look(look)
    return report if verdict is None else replace(report, verdict=worst([report.verdict, verdict]))


def _remarks(signatures: tuple[SignatureReport, ...], history: RevisionHistory) -> list[Sentence]:
    remarks = [_DATED_ONLY] if all(each.document_timestamp for each in signatures) else []
    remarks += [_DESCRIBED_ANEW] if history.described_anew else []
    remarks += [remark for one in history.examined for remark in one.remarks]
    for row in (row for report in signatures if report.passed for row in report.rows):
        if row.answer is RowAnswer.OPEN and row.subject in ("revocation", "timestamp"):
            remarks.append(row.sentence)
    return list({str(remark): remark for remark in remarks}.values())
