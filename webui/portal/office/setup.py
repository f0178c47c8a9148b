"""``/setup``: the first officer registers with the code of the key ceremony; afterwards it only says so.

``/setup/recovery``: an officer who lost the passkey registers a new one, with the code of a recovery.
"""

from __future__ import annotations

from flask import Blueprint, request

from appliance.activation_requests import RegistrationPurpose
from appliance.errors import StateRefused
from appliance.model.office import NewOfficer
from appliance.office import OfficerAccountForm, OfficerForm
from hsm.names import LONGEST_LOGIN
from webui.portal import access
from webui.portal.activations import to_appointment
from webui.portal.office.forms import organisations, unprintable_names
from webui.portal.pages import appliance
from webui.shared import passkeys
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other
from webui.shared.forms import field, sentences
from webui.shared.language import current_language
from webui.shared.session_cookies import client_info
from webui.shared.sign_in_forms import LONGEST_TICKET

_PLACES = {"login": "login", "organisation": "organisation"}
_ACCOUNT_PLACES = {"address of mail": "email"}

pages = Blueprint("setup", __name__)


def _typed() -> OfficerForm:
    names = ("login", "name", "organisation")
    return OfficerForm(*(request.form.get(name, "")[:1000] for name in names))


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
    """Keeps what was typed; the code and the passkey are the activation service's."""
    appointing = appliance.appointing
    problems = unprintable_names({"name": typed.name}) | sentences(appointing.problems(typed))
    if problems:
        raise FormProblems(problems)
    return to_appointment(appointing.begin(typed, client_info()), RegistrationPurpose.APPOINTMENT)


@pages.get("/setup/registered/<ticket>")
def registered(ticket: str) -> Answer:
    """Back from the activation service: the rest of the account, and the new passkey once more."""
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


def _made(ticket: str) -> NewOfficer:
    found = appliance.appointing.made(ticket)
    if found is None:
        raise StateRefused("This page is too old or was used already; load it again and repeat the last step.")
    return found


@pages.post("/setup/registered/<ticket>")
@form(registered, _made, _ACCOUNT_PLACES)
def finish(new: NewOfficer, ticket: str) -> Answer:
    appointing, answer = appliance.appointing, field(passkeys.FIELD, passkeys.LONGEST_ANSWER)
    typed = OfficerAccountForm(field("email"), field("password"), field("offer", LONGEST_TICKET), answer)
    problems = appointing.account_problems(new, typed)
    if problems:
        raise FormProblems(sentences(problems))
    opened = appointing.finish(new, typed, client_info())
    return access.start_session(see_other("office.everything"), opened, speaking=current_language())


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
