"""``/settings``: profile and password, and what else there is to the own account at a glance.

``/settings/code`` and ``/settings/passkeys``: another login code; adding and removing passkeys. Each after the
password was proven again. ``/settings/signing``: what one signs with, setting it up at the activation service.
"""

from __future__ import annotations

from zoneinfo import available_timezones

from flask import Blueprint, Response, redirect, request, url_for
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from appliance.accounts.codes import CodeDraft
from appliance.accounts.passkeys import LONGEST_ANSWER, LONGEST_LABEL
from appliance.errors import (
    NotAllowed,
    NotFound,
    PreconditionRefused,
    StateRefused,
)
from appliance.language import Language
from appliance.model.accounts import AT_SET_UP, Passkey, Strength
from appliance.model.office import EnrolmentRequestState
from webui.portal import access
from webui.portal.access import PortalVisitor, require_signer
from webui.portal.activations import to_registration
from webui.portal.office.forms import unprintable_names
from webui.portal.pages import appliance
from webui.shared import passkeys
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other, unprocessable
from webui.shared.forms import field, member_of, sentence
from webui.shared.language import NAMES, current_language, local_path, translate
from webui.shared.session_cookies import client_info
from webui.shared.sign_in_forms import (
    LONGEST_CODE,
    LONGEST_SEALED,
    LONGEST_TICKET,
    code_form,
    repeated_password,
    require_old_password,
)

LONGEST_FIELD = 1000
"""Letters that are looked at; what is too long is refused by the rule for names, and stays in the form."""
ZONES = tuple(sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")))

_SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Mac OS X", "CrOS", "Linux")
_BROWSERS = ("MicroMessenger", "Edg", "OPR", "Firefox", "Chrome", "Safari")
_NAMES = {"Mac OS X": "macOS", "CrOS": "ChromeOS", "Edg": "Edge", "OPR": "Opera", "MicroMessenger": "WeChat"}

pages = Blueprint("accounts", __name__)
pages.add_app_template_filter(bytes_to_base64url, "base64url")


def zones(own: str) -> list[tuple[str, str]]:
    """What a form offers to somebody whose zone is *own*: that one too where it is not of the list, such as UTC,
    since a browser takes the first zone for a missing one, and saving another setting would store it."""
    offered = (own, *ZONES) if own in available_timezones() and own not in ZONES else ZONES
    return [(zone, zone) for zone in offered]


def device(agent: str) -> str:
    """What browser and system an agent line speaks of, such as “Chrome · Windows”; empty when it says nothing."""
    parts = [next((each for each in known if each in agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(_NAMES.get(part, part) for part in parts if part)


def typed_label() -> dict[str, str]:
    """The name of a passkey in its form: as typed, or what the visitor's device is."""
    return {"label": field("label", LONGEST_LABEL) or device(client_info().agent)}


def passkey_name(passkey: Passkey) -> str:
    """The name that its owner gave it; else what it is, in the reader's language."""
    return translate()(AT_SET_UP) if passkey.made_at_set_up else passkey.label


def owner() -> PortalVisitor:
    """The visitor with an account of their own. Raises :class:`NotAllowed` for outside signers."""
    found = access.visitor()
    if found.guest_of is not None:
        raise NotAllowed("Outside signers have no account and no settings.")
    return found


def local_owner() -> PortalVisitor:
    """The same for the local ways to sign in, which nobody changes who came by the identity provider: who controls
    that for an hour would come in here for good."""
    found = owner()
    if found.strength is Strength.SINGLE_SIGN_ON:
        raise NotAllowed(
            "You came in through the identity provider; a password, login code or passkey to sign in with here is"
            " changed only by somebody who has signed in with one."
        )
    return found


@pages.get("/settings")
def settings() -> Answer:
    who, own = owner(), appliance.accounts.own
    person = appliance.registry.person(who.subject)
    typed = {
        "name": request.form.get("name", person.name)[:LONGEST_FIELD],
        "language": request.form.get("language", person.language),
        "zone": request.form.get("zone", person.zone),
    }
    return render(
        "accounts/settings.html",
        person=person,
        account=appliance.accounts.administration.account(who.subject),
        name_stays=own.name_stays(who.subject),
        follows_directory=own.follows_directory(who.subject),
        passkeys=[(each, passkey_name(each)) for each in own.passkeys(who.subject)],
        sessions=[(session, device(session.agent)) for session in appliance.sessions.sessions_of(who.subject)],
        zones=zones(typed["zone"]),
        languages=NAMES,
        typed=typed,
    )


@pages.post("/settings/profile")
@form(
    settings,
    owner,
    lambda refusal: "zone" if "zone" in refusal.values else "name",
    refusals=(PreconditionRefused,),
    status=unprocessable,
)
def profile(who: PortalVisitor) -> Answer:
    name = field("name", LONGEST_FIELD)
    problems = unprintable_names({"name": name})
    if problems:
        raise FormProblems(problems)
    language = member_of(Language, field("language", 5)) or current_language()
    appliance.accounts.own.change_profile(who.subject, name=name, language=language, zone=field("zone", 60))
    return see_other("accounts.settings", done="profile")


@pages.post("/settings/told")
def told() -> Answer:
    """The owner has read where signatures are confirmed now, on whatever page."""
    appliance.accounts.own.mark_told(owner().subject)
    return redirect(local_path(field("back", LONGEST_FIELD)), 303)


@pages.post("/settings/password")
@form(settings, local_owner, "password", refusals=(PreconditionRefused,), status=unprocessable)
def change_password(who: PortalVisitor) -> Answer:
    new = repeated_password()
    _require_old_password(who)
    appliance.accounts.own.change_password(who.subject, new, session=who.session)
    return see_other("accounts.settings", done="password")


@pages.post("/settings/sessions/end")
def end_session() -> Answer:
    appliance.sessions.revoke_session(field("session", 64), by=owner().subject)
    return see_other("accounts.settings", done="session", _anchor="sessions")


@pages.post("/settings/sessions/end-others")
def end_others() -> Answer:
    who = owner()
    appliance.sessions.revoke_others(who.session, by=who.subject)
    return see_other("accounts.settings", done="sessions", _anchor="sessions")


def _require_old_password(who: PortalVisitor) -> None:
    require_old_password(appliance.accounts.sign_in.confirm_password, who.subject)


def code_page(template: str, subject: str, login: str, **shown: object) -> Response:
    """A page with a login code to scan, for the account of *subject*."""

    def draft(sealed: str) -> CodeDraft:
        return appliance.accounts.codes.draft_secret(subject, login, sealed=sealed)

    return code_form(template, draft, **shown)


@pages.get("/settings/code")
def login_code() -> Answer:
    account = appliance.accounts.administration.account(local_owner().subject)
    return code_page("login_code.html", account.subject, account.login, has_code=account.has_code)


@pages.post("/settings/code")
@form(login_code, local_owner, "code", refusals=(PreconditionRefused,), status=unprocessable)
def change_code(who: PortalVisitor) -> Answer:
    _require_old_password(who)
    sealed, code = field("sealed", LONGEST_SEALED), field("code", LONGEST_CODE)
    appliance.accounts.own.change_code(who.subject, sealed, code)
    return see_other("accounts.settings", done="code")


@pages.get("/settings/passkeys/new")
def new_passkey() -> Answer:
    """First the password is asked for, then a passkey is offered, then its answer comes."""
    local_owner()
    return render("accounts/prove.html")


def _offer() -> Answer:
    who, accounts = local_owner(), appliance.accounts
    login = accounts.administration.account(who.subject).login
    known = [each.credential_id for each in accounts.own.passkeys(who.subject)]
    offer = accounts.passkeys.offer_registration(who.subject, login=login, name=who.name, known=known)
    return render("accounts/new_passkey.html", offer=offer, typed=typed_label())


@pages.post("/settings/passkeys/new")
@form(new_passkey, local_owner, refusals=())
def proven(who: PortalVisitor) -> Answer:
    _require_old_password(who)
    return _offer()


@pages.post("/settings/passkeys")
@form(_offer, local_owner, "label", refusals=(PreconditionRefused, StateRefused), status=unprocessable)
def add_passkey(who: PortalVisitor) -> Answer:
    ticket, answer = field("ticket", LONGEST_TICKET), field(passkeys.FIELD, LONGEST_ANSWER)
    try:
        made = appliance.accounts.passkeys.verify_registration(who.subject, ticket, answer)
    except StateRefused as refusal:  # the offer is over: the password is asked for again
        return render("accounts/prove.html", problems={"": sentence(refusal)}, status=409)
    except PreconditionRefused as refusal:
        raise FormProblems({"": sentence(refusal)}) from refusal
    appliance.accounts.own.add_passkey(who.subject, made, field("label", LONGEST_LABEL))
    return see_other("accounts.settings", done="passkey", _anchor="passkeys")


@pages.get("/settings/passkeys/<named>/remove")
def remove_passkey(named: str) -> Answer:
    wanted, subject = _identifier(named), local_owner().subject
    found = [each for each in appliance.accounts.own.passkeys(subject) if each.credential_id == wanted]
    if not found:
        raise _no_such_passkey()
    return render("accounts/remove_passkey.html", passkey=found[0], name=passkey_name(found[0]))


@pages.post("/settings/passkeys/<named>/remove")
@form(remove_passkey, local_owner, refusals=(PreconditionRefused,), status=unprocessable)
def removed(who: PortalVisitor, named: str) -> Answer:
    _require_old_password(who)
    appliance.accounts.own.remove_passkey(who.subject, _identifier(named))
    return see_other("accounts.settings", done="removed", _anchor="passkeys")


def _identifier(named: str) -> bytes:
    try:
        return base64url_to_bytes(named)
    except ValueError as error:
        raise _no_such_passkey() from error


def _no_such_passkey() -> NotFound:
    return NotFound("There is no such passkey; it may have been removed already.")


@pages.get("/settings/signing")
def means() -> Answer:
    subject = require_signer()
    appliance.office.requests.collect_of(subject)
    asked = appliance.office.requests.requests_of(subject)
    return render(
        "accounts/signing.html",
        enrolled=appliance.registry.is_enrolled(subject),
        known=appliance.authority.credentials(subject),
        labels={each.credential_id: passkey_name(each) for each in appliance.accounts.own.passkeys(subject)},
        waiting=next((each for each in asked if each.state is EnrolmentRequestState.OPEN), None),
        refused=asked[0] if asked and asked[0].state is EnrolmentRequestState.REFUSED else None,
    )


@pages.post("/settings/signing")
@form(means, require_signer, refusals=())
def set_up(by: str) -> Answer:
    login = appliance.accounts.administration.account(by).login
    return to_registration(appliance.registry.person(by), login, url_for("accounts.registered"))


@pages.get("/settings/signing/registered")
@form(means, require_signer, refusals=())
def registered(by: str) -> Answer:
    """Back from the activation service: asks an officer for what was set up there, if anything was."""
    if appliance.authority.pending_credentials(by):
        try:
            appliance.office.requests.submit_request(by, by=by)
        except (PreconditionRefused, StateRefused) as refusal:
            raise FormProblems({"": sentence(refusal)}, 409) from refusal
    return see_other("accounts.means")


@pages.post("/settings/signing/withdraw")
def withdraw() -> Answer:
    appliance.office.requests.withdraw_request(field("request", 64), by=require_signer())
    return see_other("accounts.means")
