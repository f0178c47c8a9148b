"""``/identity/SUBJECT``: what of somebody's identity was checked; recording, renewing and withdrawing a check."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import NotFound, PreconditionRefused
from appliance.identity import IdentityCheck
from appliance.model.accounts import AccountRole
from appliance.model.contract import GUEST_PREFIX
from appliance.model.people import Against, IdentityDocument
from webui.portal.access import PortalVisitor, require
from webui.portal.office.forms import REFUSALS, field_value, problem_of
from webui.portal.parts import PortalParts
from webui.shared.forms import SingleSubmission

CHECKERS = (AccountRole.OFFICER, AccountRole.REVIEWER)


def blueprint(parts: PortalParts) -> Blueprint:
    """The page of a person's identity and its forms."""
    pages = Blueprint("identity", __name__, url_prefix="/identity")
    inner = parts.appliance.disclosing.belongs
    checks, once = parts.appliance.identity, SingleSubmission(parts.appliance.submissions)

    def page(subject: str, someone: PortalVisitor, problems: dict[str, str], status: int = 200) -> tuple[str, int]:
        person, records = parts.appliance.registry.person(subject), checks.checks_of(subject)
        people = [name for record in records for name in (record.checked_by, record.answers, record.withdrawn_by)]
        shown = render_template(
            "identity/person.html",
            person=person,
            records=records,
            current=checks.current(subject),
            inner={record.id for record in records if inner(record.checked_by, someone.audience)},
            names=parts.appliance.office.members.names([name for name in people if name]),
            may_check=AccountRole.AUDITOR not in someone.roles and someone.subject != subject,
            documents=list(IdentityDocument),
            against=list(Against),
            typed=request.form,
            problems=problems,
            now=parts.appliance.now(),
        )
        return shown, status

    @pages.get("/<subject>")
    def person(subject: str) -> tuple[str, int]:
        return page(subject, _visitor(parts, subject, AccountRole.AUDITOR), {})

    @pages.post("/<subject>")
    def record(subject: str) -> Response | tuple[str, int]:
        someone = _visitor(parts, subject)
        try:
            check = _check(someone.subject)
            return once.redirected(someone.subject, lambda: _recorded(parts, subject, check, someone.subject))
        except REFUSALS as refusal:
            problem, status = problem_of(refusal)
            return page(subject, someone, {"": problem}, status)

    @pages.post("/<subject>/<record_id>/withdraw")
    def withdraw(subject: str, record_id: str) -> Response | tuple[str, int]:
        someone = _visitor(parts, subject)
        try:
            checks.withdraw(subject, record_id, reason=field_value("reason"), by=someone.subject)
        except REFUSALS as refusal:
            problem, status = problem_of(refusal)
            return page(subject, someone, {"": problem}, status)
        return redirect(url_for("identity.person", subject=subject), 303)

    return pages


def _visitor(parts: PortalParts, subject: str, *readers: AccountRole) -> PortalVisitor:
    """Officers and reviewers; for an outside representative those of the organisation that invited, and its
    initiators. For all others raises the :class:`NotFound` of somebody who is not known."""
    if not subject.startswith(GUEST_PREFIX):
        return require(*CHECKERS, *readers)
    someone = require(*CHECKERS, AccountRole.INITIATOR, *readers)
    if not parts.appliance.disclosing.invited(subject, someone.audience):
        raise NotFound("There is no person {subject}.", subject=subject)
    return someone


def _check(by: str) -> IdentityCheck:
    """What was posted. Raises :class:`PreconditionRefused` for what cannot be read."""
    try:
        expires = date.fromisoformat(field_value("expires", 10)) if field_value("expires", 10) else None
        document, against = IdentityDocument(field_value("document", 40)), Against(field_value("against", 40))
    except ValueError as error:
        raise PreconditionRefused(
            "Choose the document, how it was compared, and a day until which it holds."
        ) from error
    return IdentityCheck(document, field_value("number", 60), against, by, field_value("note", 600), expires)


def _recorded(parts: PortalParts, subject: str, check: IdentityCheck, by: str) -> str:
    parts.appliance.identity.record(subject, check, by=by)
    return url_for("identity.person", subject=subject)
