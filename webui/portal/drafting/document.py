"""Step 1: what the contract is called, of which type it is, what for and for how much; and the document itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, Response

from appliance.contracts.drafting import DraftTerms
from appliance.errors import ApplianceError, ConfinementFailed, DocumentRefused, StateRefused
from appliance.language import Language
from appliance.language.sizes import ByteSize
from appliance.model.contract import EXPONENTS, Contract, Money
from appliance.money import NotAnAmount, read_money
from appliance.money.amounts import LONGEST
from webui.portal.contracts import status_line
from webui.portal.drafting import upload
from webui.portal.drafting.controller import (
    NOTHING,
    DraftController,
    DraftStep,
    Remarks,
    field_value,
    redirect_to_step,
    seen_version,
    terms_of,
)
from webui.portal.drafting.sheets import plain_sheets
from webui.shared.language import NAMES, translate

USUAL_CURRENCY = "CNY"
"""Chosen until somebody chooses another."""

SHOWN = 24
"""Pages that are shown as small pictures."""

LIMITS = {"title": upload.LONGEST_TITLE, "kind": 60, "purpose": 2000, "amount": LONGEST}
"""The longest that each field may be, in characters."""

KINDS = ("Purchase", "Sale", "Services", "Lease", "Labour", "Confidentiality", "Cooperation", "Loan", "Licence")
"""Types that are suggested, by message id."""


@dataclass(frozen=True, slots=True)
class TypedDocument:
    """The fields as they were typed."""

    title: str
    kind: str
    purpose: str
    amount: str
    currency: str
    language: str

    @classmethod
    def of_draft(cls, draft: Contract) -> TypedDocument:
        """How the draft stands in the form."""
        money = draft.amount
        amount, currency = ("", USUAL_CURRENCY) if money is None else (f"{money.units:,}", money.currency)
        return cls(draft.title, draft.kind, draft.purpose, amount, currency, draft.language)

    @classmethod
    def posted(cls) -> TypedDocument:
        """What came with the form."""
        return cls(
            title=field_value("title"),
            kind=field_value("kind"),
            purpose=field_value("purpose").replace("\r\n", "\n"),
            amount=field_value("amount"),
            currency=field_value("currency") or USUAL_CURRENCY,
            language=field_value("language"),
        )

    def problems(self) -> dict[str, str]:
        """What cannot even be kept in a draft: no title, or more than there is room for."""
        found = {
            name: translate()("At most {most} characters.", most=most)
            for name, most in LIMITS.items()
            if len(getattr(self, name)) > most
        }
        if not self.title:
            found["title"] = translate()("A draft needs a title, so that you find it again.")
        if self.language and self.language not in tuple(Language):
            found["language"] = translate()("Choose a language of the list.")
        if "amount" not in found and (problem := self._wrong_amount()):
            found["amount"] = problem
        return found

    def money(self) -> Money | None:
        """What the contract is worth; None when nothing was typed. Raises :class:`NotAnAmount`."""
        return read_money(self.amount, self.currency) if self.amount else None

    def _wrong_amount(self) -> str:
        if self.currency not in EXPONENTS:
            return translate()("Choose a currency of the list.")
        try:
            self.money()
        except NotAnAmount as wrong:
            if wrong.contradictory:
                return translate()("Figures and capitals name different amounts; check which is right.")
            return translate()("An amount such as 1,000,000.00 or 壹佰万元整, no finer than the currency.")
        return ""


def add_document_step(pages: Blueprint, controller: DraftController) -> None:
    """The addresses of this step."""

    @pages.get("/contracts/<contract_id>/draft/document")
    def document(contract_id: str) -> Response:
        draft = controller.load_draft(contract_id)
        return _page(controller, draft, TypedDocument.of_draft(draft), NOTHING)

    @pages.post("/contracts/<contract_id>/draft/document")
    def save_document(contract_id: str) -> Response:
        draft = controller.load_draft(contract_id)
        given = TypedDocument.posted()
        problems = given.problems()
        if problems:
            return _page(controller, draft, given, Remarks(problems))
        try:
            saved = controller.appliance.drafting.revise(
                draft.id, _terms(draft, given), by=draft.initiator, seen=seen_version()
            )
        except ApplianceError as refusal:
            return _refused(controller, contract_id, given, refusal)
        return controller.redirect_onward(saved, DraftStep.DOCUMENT)

    @pages.post("/contracts/<contract_id>/draft/replace")
    def replace_document(contract_id: str) -> Response:
        draft = controller.load_draft(contract_id)
        try:
            return controller.once.redirected(draft.initiator, lambda: _replaced(controller, draft))
        except (DocumentRefused, ConfinementFailed) as refusal:
            remarks = Remarks({"document": translate()(refusal.template, **refusal.values)})
            return _page(controller, draft, TypedDocument.of_draft(draft), remarks)
        except StateRefused as refusal:
            return _refused(controller, contract_id, TypedDocument.of_draft(draft), refusal)


def _terms(draft: Contract, given: TypedDocument) -> DraftTerms:
    return replace(
        terms_of(draft),
        title=given.title,
        kind=given.kind,
        purpose=given.purpose,
        amount=given.money(),
        language=Language(given.language) if given.language else None,
    )


def _replaced(controller: DraftController, draft: Contract) -> str:
    content = upload.uploaded_document(controller)
    controller.appliance.drafting.replace_document(draft.id, content, by=draft.initiator, seen=seen_version())
    return redirect_to_step(draft.id, DraftStep.DOCUMENT).location or "/"


def _refused(
    controller: DraftController, contract_id: str, given: TypedDocument, refusal: ApplianceError
) -> Response:
    draft = controller.load_draft(contract_id)
    return _page(controller, draft, given, controller.remarks(refusal, draft))


def _page(controller: DraftController, draft: Contract, given: TypedDocument, remarks: Remarks) -> Response:
    inspection = controller.appliance.layouts.inspection(draft.original.digest)
    return controller.step_page(
        DraftStep.DOCUMENT,
        draft,
        remarks,
        typed=given,
        dates=controller.appliance.reminders.dates.list_dates(draft.id),
        languages=NAMES,
        currencies=[(code, code) for code in EXPONENTS],
        kinds=[translate()(kind) for kind in KINDS],
        size=ByteSize(draft.original.size),
        warnings=inspection.warnings,
        earlier=status_line.earlier_signature_lines(controller.parts, draft),
        accept=upload.accepted_types(controller),
        sheets=plain_sheets(inspection.pages, range(1, min(SHOWN, draft.pages) + 1)),
    )
