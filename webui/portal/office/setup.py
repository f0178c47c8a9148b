"""``/setup``: the first officer registers with the code of the key ceremony; afterwards it only says so.

``/setup/recovery``: an officer who lost the passkey registers a new one, with the code of a recovery.
"""

from __future__ import annotations

from flask import Blueprint, request

from appliance.errors import StateRefused
from appliance.office import OfficerForm, RecoveryForm
from hsm.names import LONGEST_LOGIN
from webui.portal import access
from webui.portal.office.forms import organisations, unprintable_names
from webui.portal.pages import appliance
from webui.shared import passkeys
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other
from webui.shared.forms import field, sentences
from webui.shared.language import current_language
from webui.shared.session_cookies import client_info

_PLACES = {"code": "code", "login": "login", "address of mail": "email", "organisation": "organisation"}

pages = Blueprint("setup", __name__)


def _typed() -> OfficerForm:
    names = ("code", "login", "name", "organisation", "email", "password")
    return OfficerForm(*(request.form.get(name, "")[:1000] for name in names))


@pages.get("/setup")
def setup() -> Answer:
    appointing = appliance.appointing
    state = appointing.state()
    if not state.codes and state.recovering:
        return _recovery("")
    if not state.codes:
        return render("office/set_up.html")
    typed, subject = _typed(), appointing.subject(field("subject"))
    return render(
        "office/setup.html",
        form=typed,
        subject=subject,
        offer=appointing.offer(subject, typed),
        organisations=organisations(),
        until=state.until,
        recovering=bool(state.recovering),
    )


@pages.post("/setup")
@form(setup, _typed, _PLACES)
def appoint(typed: OfficerForm) -> Answer:
    appointing = appliance.appointing
    problems = unprintable_names({"name": typed.name}) | sentences(appointing.problems(typed))
    if problems:
        raise FormProblems(problems)
    answer = field(passkeys.FIELD, passkeys.LONGEST_ANSWER)
    made = appointing.registered(field("subject"), field("ticket"), answer)
    opened = appointing.appoint(typed, made, client_info())
    return access.start_session(see_other("office.everything"), opened, speaking=current_language())


@pages.get("/setup/recovery")
def recovery() -> Answer:
    return _recovery((request.form if request.method == "POST" else request.args).get("login", "")[:LONGEST_LOGIN])


def _recovering() -> RecoveryForm:
    if not appliance.appointing.state().recovering:
        raise StateRefused(
            "No officer is being given a new way in. A recovery on the machine begins that, by root and the"
            " custodians of the key ceremony."
        )
    return RecoveryForm(field("code"), field("login", LONGEST_LOGIN), field("password"))


@pages.post("/setup/recovery")
@form(recovery, _recovering, {"code": "code"})
def recover(typed: RecoveryForm) -> Answer:
    problems = appliance.appointing.recovery_problems(typed)
    if problems:
        raise FormProblems(sentences(problems))
    answer = field(passkeys.FIELD, passkeys.LONGEST_ANSWER)
    opened = appliance.appointing.recover(typed, field("ticket"), answer, client_info())
    return access.start_session(see_other("office.everything"), opened)


def _recovery(login: str) -> Answer:
    recovering = bool(appliance.appointing.state().recovering)
    offer = appliance.appointing.recovery_offer(login) if login and recovering else None
    return render("office/recovery.html", recovering=recovering, login=login, offer=offer)
