"""``/identity/SUBJECT``: what of somebody's identity was checked; recording, renewing and withdrawing a check."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, url_for

from appliance.errors import NotFound, PreconditionRefused
from appliance.identity import IdentityCheck
from appliance.model.accounts import AccountRole
from appliance.model.contract import GUEST_PREFIX
from appliance.model.people import Against, IdentityDocument
from webui.portal.access import PortalVisitor, require
from webui.portal.pages import appliance, once
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import field

CHECKERS = (AccountRole.OFFICER, AccountRole.REVIEWER)

pages = Blueprint("identity", __name__, url_prefix="/identity")


def _visitor(subject: str, *readers: AccountRole) -> PortalVisitor:
    """Officers and reviewers; for an outside representative those of the organisation that invited, and its
    initiators. For all others raises the :class:`NotFound` of somebody who is not known."""
    if not subject.startswith(GUEST_PREFIX):
        return require(*CHECKERS, *readers)
    someone = require(*CHECKERS, AccountRole.INITIATOR, *readers)
    if not appliance.disclosing.invited(subject, someone.audience):
        raise NotFound("There is no person {subject}.", subject=subject)
    return someone


@pages.get("/<subject>")
def person(subject: str) -> Answer:
    someone = _visitor(subject, AccountRole.AUDITOR)
    checks, inner = appliance.identity, appliance.disclosing.belongs
    shown, records = appliance.registry.person(subject), checks.checks_of(subject)
    people = [name for record in records for name in (record.checked_by, record.answers, record.withdrawn_by)]
    return render(
        "identity/person.html",
        person=shown,
        records=records,
        current=checks.current(subject),
        inner={record.id for record in records if inner(record.checked_by, someone.audience)},
        names=appliance.office.members.names([name for name in people if name]),
        may_check=AccountRole.AUDITOR not in someone.roles and someone.subject != subject,
        documents=list(IdentityDocument),
        against=list(Against),
        now=appliance.now(),
    )


@pages.post("/<subject>")
@form(person, _visitor)
def record(someone: PortalVisitor, subject: str) -> Answer:
    check = _check(someone.subject)

    def make() -> str:
        appliance.identity.record(subject, check, by=someone.subject)
        return url_for("identity.person", subject=subject)

    return once(someone.subject, make)


@pages.post("/<subject>/<record_id>/withdraw")
@form(person, _visitor)
def withdraw(someone: PortalVisitor, subject: str, record_id: str) -> Answer:
    appliance.identity.withdraw(subject, record_id, reason=field("reason"), by=someone.subject)
    return see_other("identity.person", subject=subject)


def _check(by: str) -> IdentityCheck:
    """What was posted. Raises :class:`PreconditionRefused` for what cannot be read."""
    try:
        expires = date.fromisoformat(field("expires", 10)) if field("expires", 10) else None
        document, against = IdentityDocument(field("document", 40)), Against(field("against", 40))
    except ValueError as error:
        raise PreconditionRefused(
            "Choose the document, how it was compared, and a day until which it holds."
        ) from error
    return IdentityCheck(document, field("number", 60), against, by, field("note", 600), expires)
