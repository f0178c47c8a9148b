"""``/office/people``: inviting somebody, and everything that an officer does about a person."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.accounts.accounts import account_problems as problems_of
from appliance.model.accounts import PEOPLES_ROLES, ROLES_OF, AccountRole, NewAccount
from webui.portal.access import visitor
from webui.portal.office.forms import (
    REFUSALS,
    field_value,
    office_reader,
    organisations,
    problem_of,
    unprintable_names,
    visiting_officer,
)
from webui.portal.parts import PortalParts
from webui.shared import forms
from webui.shared.language import translate

KINDS = ("person", "auditor", "operator", "officer")


def add_people_pages(pages: Blueprint, parts: PortalParts) -> None:
    """Adds the form for an invitation and the page of a person to *pages*."""
    _install_invitation(pages, parts)
    office, accounts = parts.appliance.office, parts.appliance.accounts.administration

    def page(subject: str, problem: str = "", status: int = 200) -> tuple[str, int]:
        member = office.members.member(subject)
        possible = ROLES_OF[subject.partition("-")[0]]
        shown = render_template(
            "office/person.html",
            member=member,
            requests=office.requests.requests_of(subject),
            possible=sorted(possible),
            problem=problem,
            checks=not member.entry.guest or parts.appliance.disclosing.invited(subject, visitor().audience),
            done=_done(parts, member.entry.email),
            link=_link(parts, subject),
        )
        return shown, status

    def changed(subject: str, change: Callable[[str], object], done: str = "") -> Response | tuple[str, int]:
        """*change* by the officer, then the page again, saying what is *done*; a refusal stands on the page."""
        by = visiting_officer().subject
        try:
            change(by)
        except REFUSALS as refusal:
            return page(subject, *problem_of(refusal))
        return redirect(url_for("office.person", subject=subject, done=done or None), 303)

    @pages.get("/people/<subject>")
    def person(subject: str) -> tuple[str, int]:
        office_reader()
        return page(subject)

    @pages.post("/people/<subject>/roles")
    def change_roles(subject: str) -> Response | tuple[str, int]:
        roles = _roles()
        return changed(subject, lambda by: accounts.set_roles(subject, roles, by=by))

    @pages.post("/people/<subject>/<any(suspend, resume, recover, invite):what>")
    def change_account(subject: str, what: str) -> Response | tuple[str, int]:
        act = {
            "suspend": accounts.suspend,
            "resume": accounts.resume,
            "recover": accounts.recover,
            "invite": accounts.invite_again,
        }[what]
        return changed(subject, lambda by: act(subject, by=by), what)

    @pages.post("/people/<subject>/credential")
    def revoke_credential(subject: str) -> Response | tuple[str, int]:
        by = visiting_officer().subject
        try:
            act = office.drafts.draft_revocation(subject, field_value("credential", 2100), by=by)
        except REFUSALS as refusal:
            return page(subject, *problem_of(refusal))
        return redirect(url_for("office.act", act_id=act.id), 303)

    @pages.post("/people/<subject>/leave")
    def leave(subject: str) -> Response | tuple[str, int]:
        by = visiting_officer().subject
        try:
            act = office.members.let_go(subject, by=by)
        except REFUSALS as refusal:
            return page(subject, *problem_of(refusal))
        where = url_for("office.person", subject=subject) if act is None else url_for("office.act", act_id=act.id)
        return redirect(where, 303)


def _install_invitation(pages: Blueprint, parts: PortalParts) -> None:
    accounts = parts.appliance.accounts.administration
    single = forms.SingleSubmission(parts.appliance.submissions)

    def page(problems: dict[str, str], status: int = 200) -> tuple[str, int]:
        shown = render_template(
            "office/new_person.html",
            typed=_invitation(),
            organisations=organisations(parts),
            kinds=KINDS,
            roles=sorted(PEOPLES_ROLES),
            problems=problems,
        )
        return shown, status

    @pages.get("/people/new")
    def new_person() -> tuple[str, int]:
        visiting_officer()
        return page({})

    @pages.post("/people/new")
    def invite() -> Response | tuple[str, int]:
        by, new, say = visiting_officer().subject, _invitation(), translate()
        problems = unprintable_names(parts.appliance.workshop, {"name": new.name})
        problems |= {place: say(each.template, **each.values) for place, each in problems_of(new).items()}
        if new.organisation not in parts.appliance.authority.organisations():
            problems.setdefault("organisation", say("Choose one of the organisations."))
        if problems:
            return page(problems, 422)
        try:
            return single.redirected(
                by, lambda: url_for("office.person", subject=accounts.invite(new, by=by).subject, done="invite")
            )
        except REFUSALS as refusal:
            sentence, status = problem_of(refusal)
            return page({"login" if "login" in refusal.template else "email": sentence}, status)


def _done(parts: PortalParts, email: str) -> str:
    """What has just been done, by the word in the address."""
    say, sent = translate(), parts.appliance.mail.configured
    by_hand = say("No mail is sent from here. Hand the link over yourself.")
    return {
        "invite": say("The invitation goes to {address} by mail; its link works once.", address=email)
        if sent
        else by_hand,
        "recover": say("The recovery link goes to {address} by mail; it works once.", address=email)
        if sent
        else by_hand,
        "suspend": say("The account is suspended; its sessions have ended."),
        "resume": say("The suspension has ended."),
    }.get(request.args.get("done", ""), "")


def _link(parts: PortalParts, subject: str) -> str:
    """The link that an officer has just had made and hands over, where no mail is sent; else nothing."""
    made = request.args.get("done", "") in ("invite", "recover")
    if not made or parts.appliance.mail.configured or AccountRole.OFFICER not in visitor().roles:
        return ""
    link = None if visitor().subject == subject else parts.appliance.accounts.administration.open_link(subject)
    return "" if link is None else parts.appliance.addresses.account_link_url(link)


def _invitation() -> NewAccount:
    kind = field_value("kind") if field_value("kind") in KINDS else "person"
    roles = _roles() if kind == "person" else ROLES_OF[kind]
    if request.method == "GET":
        roles = frozenset({AccountRole.INITIATOR, AccountRole.SIGNER})
    return NewAccount(
        kind, field_value("login"), field_value("name"), field_value("organisation"), field_value("email"), roles
    )


def _roles() -> frozenset[AccountRole]:
    """The roles that were ticked; what is no role is left out, and with nothing left the form says so."""
    known = {each.value for each in AccountRole}
    return frozenset(AccountRole(each) for each in request.form.getlist("role") if each in known)
