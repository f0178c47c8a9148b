"""``/office/people``: inviting somebody, and everything that an officer does about a person."""

from __future__ import annotations

from collections.abc import Callable

from flask import request, url_for
from werkzeug.exceptions import BadRequest

from appliance.accounts.accounts import account_problems
from appliance.model.accounts import PEOPLES_ROLES, ROLES_OF, AccountRole, NewAccount, possible_roles
from appliance.model.office import MemberEntry
from hsm.errors import RefusalError
from hsm.remote import RemoteUse
from webui.portal.access import visitor
from webui.portal.office.forms import (
    office_reader,
    organisations,
    pages,
    unprintable_names,
    visiting_officer,
    whole_view,
)
from webui.portal.office.requests import to_decision
from webui.portal.pages import appliance, once
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other, unprocessable
from webui.shared.forms import field, member_of, sentences
from webui.shared.language import translate

KINDS = ("person", "auditor", "operator", "officer")


@pages.get("/people/new")
def new_person() -> Answer:
    visiting_officer()
    return render(
        "office/new_person.html",
        typed=_invitation(),
        organisations=organisations(),
        kinds=KINDS,
        roles=sorted(PEOPLES_ROLES),
    )


@pages.post("/people/new")
@form(new_person, visiting_officer, {"login": "login", "": "email"})
def invite(by: str) -> Answer:
    new = _invitation()
    problems = unprintable_names({"name": new.name}) | sentences(account_problems(new))
    if new.organisation not in appliance.authority.organisations():
        problems.setdefault("organisation", translate()("Choose one of the organisations."))
    if problems:
        raise FormProblems(problems)

    def make() -> str:
        made = appliance.accounts.administration.invite(new, by=by)
        return url_for("office.person", subject=made.subject, done="invite")

    return once(by, make)


@pages.get("/departed")
def departed() -> Answer:
    """Whom their directory has disabled or removed, with what is still to be done."""
    office_reader()
    own, after = whole_view(), request.args.get("after", "")[:80]
    gone, following = appliance.office.members.departed(own=own, after=after)
    returned = appliance.office.members.came_back(own=own) if not after else []
    return render("office/departed.html", gone=gone, following=following, after=after, returned=returned)


@pages.get("/people/<subject>")
def person(subject: str) -> Answer:
    office_reader()
    member = appliance.office.members.member(subject, own=whole_view())
    return render(
        "office/person.html",
        member=member,
        requests=appliance.office.requests.requests_of(subject),
        possible=sorted(possible_roles(subject)),
        checks=not member.entry.guest or appliance.disclosing.invited(subject, visitor().audience),
        left=appliance.capture_handing_over.left_behind(subject),
        link=_link(subject),
        manager=_manager_of(member.entry),
    )


@pages.post("/people/<subject>/roles")
@form(person, visiting_officer)
def change_roles(by: str, subject: str) -> Answer:
    appliance.accounts.administration.set_roles(subject, _roles(), by=by)
    return see_other("office.person", subject=subject)


def _work_place(refusal: RefusalError) -> str:
    return "manager" if "manager" in refusal.values else "department"


@pages.post("/people/<subject>/department")
@form(person, visiting_officer, _work_place, status=unprocessable)
def change_department(by: str, subject: str) -> Answer:
    accounts = appliance.accounts.administration
    if "manager" in request.form:
        accounts.set_manager(subject, field("manager", 254), by=by)
    accounts.set_department(subject, field("department"), by=by)
    return see_other("office.person", subject=subject, done="department")


@pages.post("/people/<subject>/<any(suspend, resume, recover, invite):what>")
@form(person, visiting_officer)
def change_account(by: str, subject: str, what: str) -> Answer:
    accounts = appliance.accounts.administration
    change: Callable[..., object] = {
        "suspend": accounts.suspend,
        "resume": accounts.resume,
        "recover": accounts.recover,
        "invite": accounts.invite_again,
    }[what]
    change(subject, by=by)
    return see_other("office.person", subject=subject, done=what)


@pages.post("/people/<subject>/credential")
@form(person, visiting_officer)
def revoke_credential(by: str, subject: str) -> Answer:
    return to_decision(by, appliance.office.drafts.draft_revocation(subject, field("credential", 2100), by=by))


@pages.post("/people/<subject>/remote-key")
@form(person, visiting_officer)
def add_remote_key(by: str, subject: str) -> Answer:
    use = member_of(RemoteUse, field("use"))
    if use is None:
        raise BadRequest
    return to_decision(by, appliance.office.drafts.draft_remote_key(subject, use, by=by))


@pages.post("/people/<subject>/leave")
@form(person, visiting_officer)
def leave(by: str, subject: str) -> Answer:
    decision = appliance.office.members.let_go(subject, by=by)
    if decision is None:
        return see_other("office.person", subject=subject)
    return to_decision(by, decision)


def _manager_of(entry: MemberEntry) -> str:
    """By which the form names the manager: the mail address."""
    return "" if entry.manager is None else appliance.registry.person(entry.manager).email


def _link(subject: str) -> str:
    """The link that an officer has just had made and hands over, where no mail is sent; else nothing."""
    made = request.args.get("done", "") in ("invite", "recover")
    if not made or appliance.mail.configured or AccountRole.OFFICER not in visitor().roles:
        return ""
    link = None if visitor().subject == subject else appliance.accounts.administration.open_link(subject)
    return "" if link is None else appliance.addresses.account_link_url(link)


def _invitation() -> NewAccount:
    kind = field("kind") if field("kind") in KINDS else "person"
    roles = _roles() if kind == "person" else ROLES_OF[kind]
    if request.method == "GET":
        roles = frozenset({AccountRole.INITIATOR, AccountRole.SIGNER})
    return NewAccount(kind, field("login"), field("name"), field("organisation"), field("email"), roles)


def _roles() -> frozenset[AccountRole]:
    """The roles that were ticked; what is no role is left out, and with nothing left the form says so."""
    known = {each.value for each in AccountRole}
    return frozenset(AccountRole(each) for each in request.form.getlist("role") if each in known)
