"""``/setup``: the first officer registers with the code of the key ceremony; afterwards it only says so.

``/setup/recovery``: an officer who lost the passkey registers a new one, with the code of a recovery.
"""

from __future__ import annotations

from flask import Blueprint, request

from appliance.activation_requests import RegistrationPurpose
from appliance.errors import StateRefused
from appliance.model.accounts import OpenedSession
from appliance.model.office import NewOfficer
from appliance.office import OfficerAccountForm, OfficerForm
from hsm.names import LONGEST_LOGIN
from webui.portal import access
from webui.portal.activations import brought_receipt, to_appointment
from webui.portal.office.forms import organisations, unprintable_names
from webui.portal.pages import appliance
from webui.shared import passkeys
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other
from webui.shared.forms import browser_mark, field, sentences
from webui.shared.language import current_language
from webui.shared.session_cookies import client_info
from webui.shared.sign_in_forms import LONGEST_TICKET

_PLACES = {"login": "login", "organisation": "organisation", "address of mail": "email"}
_ACCOUNT_PLACES = {"address of mail": "email"}

pages = Blueprint("setup", __name__)


def _typed() -> OfficerForm:
    names = ("login", "name", "organisation", "email", "password")
    return OfficerForm(browser=browser_mark(), **{name: request.form.get(name, "")[:1000] for name in names})


@pages.get("/setup")
def setup() -> Answer:
    state = appliance.appointing.state()
    if not state.codes and state.recovering:
        return _recovery("")
    unfinished = appliance.appointing.unfinished()
    if not state.codes:
        return render("office/set_up.html", unfinished=unfinished)
    return render(
        "office/setup.html",
        form=_typed(),
        organisations=organisations(),
        until=state.until,
        unfinished=unfinished,
        recovering=bool(state.recovering),
    )


@pages.post("/setup")
@form(setup, _typed, _PLACES)
def appoint(typed: OfficerForm) -> Answer:
    """Keeps what was typed; the code and the passkey are asked for on the activation service's page."""
    appointing = appliance.appointing
    problems = unprintable_names({"name": typed.name}) | sentences(appointing.problems(typed))
    if problems:
        raise FormProblems(problems)
    return to_appointment(appointing.begin(typed, client_info()), RegistrationPurpose.APPOINTMENT)


def _made_if_any(ticket: str) -> NewOfficer | None:
    return appliance.appointing.made(ticket)


def _last_form(ticket: str) -> Answer:
    """For another browser than the one that began, and for who comes later: the rest of the account, and the new
    passkey once more."""
    appointing = appliance.appointing
    new = appointing.made(ticket)
    if new is None:
        return see_other("setup.setup")
    return render(
        "office/registered.html",
        new=new,
        restored=appointing.is_restored(new),
        offer=appointing.offer(new),
        typed={"email": field("email")},
    )


@pages.get("/setup/registered/<ticket>")
@form(_last_form, _made_if_any, _ACCOUNT_PLACES)
def registered(new: NewOfficer | None, ticket: str) -> Answer:
    """Back from the activation service: in, for whoever has made the passkey and comes from its page."""
    receipt = brought_receipt()
    if new is None or not receipt:
        return _last_form(ticket)
    opened = appliance.appointing.enter(new, receipt, browser_mark(), client_info())
    return _last_form(ticket) if opened is None else _into_the_office(opened)


def _into_the_office(opened: OpenedSession) -> Answer:
    return access.start_session(see_other("office.everything"), opened, speaking=current_language())


def _made(ticket: str) -> NewOfficer:
    found = appliance.appointing.made(ticket)
    if found is None:
        raise StateRefused("This page is too old or was used already; load it again and repeat the last step.")
    return found


@pages.post("/setup/registered/<ticket>")
@form(_last_form, _made, _ACCOUNT_PLACES)
def finish(new: NewOfficer, ticket: str) -> Answer:
    appointing, answer = appliance.appointing, field(passkeys.FIELD, passkeys.LONGEST_ANSWER)
    typed = OfficerAccountForm(field("email"), field("password"), field("offer", LONGEST_TICKET), answer)
    problems = appointing.account_problems(new, typed)
    if problems:
        raise FormProblems(sentences(problems))
    return _into_the_office(appointing.finish(new, typed, client_info()))


@pages.get("/setup/recovery")
def recovery() -> Answer:
    return _recovery((request.form if request.method == "POST" else request.args).get("login", "")[:LONGEST_LOGIN])


def _recovering() -> str:
    if not appliance.appointing.state().recovering:
        raise StateRefused(
            "No officer is being given a new way in. A recovery on the machine begins that, by root and the"
            " custodians of the key ceremony."
        )
    return field("login", LONGEST_LOGIN)


@pages.post("/setup/recovery")
@form(recovery, _recovering)
def recover(login: str) -> Answer:
    return to_appointment(appliance.appointing.begin_recovery(login, client_info()), RegistrationPurpose.RECOVERY)


def _recovery(login: str) -> Answer:
    recovering = bool(appliance.appointing.state().recovering)
    return render("office/recovery.html", recovering=recovering, login=login)
