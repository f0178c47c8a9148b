"""``/setup``: the first officer registers with the code of the key ceremony; afterwards it only says so.

``/setup/recovery``: an officer who lost the passkey registers a new one, with the code of a recovery.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import StateRefused
from appliance.office import OfficerForm, RecoveryForm
from hsm.names import LONGEST_LOGIN
from webui.portal import access
from webui.portal.office.forms import REFUSALS, field_value, organisations, problem_of, unprintable_names
from webui.portal.parts import PortalParts
from webui.shared import passkeys
from webui.shared.language import current_language, translate
from webui.shared.session_cookies import client_info

_PLACES = {"code": "code", "login": "login", "address of mail": "email", "organisation": "organisation"}


def blueprint(parts: PortalParts) -> Blueprint:
    """``/setup``."""
    pages = Blueprint("setup", __name__)
    appointing = parts.appliance.appointing

    def page(problems: dict[str, str], status: int = 200) -> tuple[str, int]:
        state = appointing.state()
        if not state.codes and state.recovering:
            return recovery_page("", {}, status)
        if not state.codes:
            return render_template("office/set_up.html"), status
        form, subject = _form(), appointing.subject(field_value("subject"))
        shown = render_template(
            "office/setup.html",
            form=form,
            subject=subject,
            offer=appointing.offer(subject, form),
            organisations=organisations(parts),
            until=state.until,
            recovering=bool(state.recovering),
            problems=problems,
        )
        return shown, status

    def recovery_page(login: str, problems: dict[str, str], status: int = 200) -> tuple[str, int]:
        recovering = bool(appointing.state().recovering)
        offer = appointing.recovery_offer(login) if login and recovering else None
        shown = render_template(
            "office/recovery.html", recovering=recovering, login=login, offer=offer, problems=problems
        )
        return shown, status

    @pages.get("/setup")
    def setup() -> tuple[str, int]:
        return page({})

    @pages.post("/setup")
    def appoint() -> Response | tuple[str, int]:
        form, say = _form(), translate()
        problems = unprintable_names(parts.appliance.workshop, {"name": form.name})
        problems |= {place: say(each.template, **each.values) for place, each in appointing.problems(form).items()}
        if problems:
            return page(problems, 422)
        try:
            answer = field_value(passkeys.FIELD, passkeys.LONGEST_ANSWER)
            made = appointing.registered(field_value("subject"), field_value("ticket"), answer)
            opened = appointing.appoint(form, made, client_info())
        except REFUSALS as refusal:
            sentence, status = problem_of(refusal)
            place = next((place for word, place in _PLACES.items() if word in refusal.template), "")
            return page({place: sentence}, status)
        return access.start_session(
            redirect(url_for("office.everything"), 303), opened, speaking=current_language()
        )

    @pages.get("/setup/recovery")
    def recovery() -> tuple[str, int]:
        return recovery_page(request.args.get("login", "")[:LONGEST_LOGIN], {})

    @pages.post("/setup/recovery")
    def recover() -> Response | tuple[str, int]:
        form, say = (
            RecoveryForm(field_value("code"), field_value("login", LONGEST_LOGIN), field_value("password")),
            translate(),
        )
        if not appointing.state().recovering:
            raise StateRefused(
                "No officer is being given a new way in. A recovery on the machine begins that, by root and the"
                " custodians of the key ceremony."
            )
        found = appointing.recovery_problems(form)
        if found:
            problems = {place: say(each.template, **each.values) for place, each in found.items()}
            return recovery_page(form.login, problems, 422)
        try:
            answer = field_value(passkeys.FIELD, passkeys.LONGEST_ANSWER)
            opened = appointing.recover(form, field_value("ticket"), answer, client_info())
        except REFUSALS as refusal:
            sentence, status = problem_of(refusal)
            return recovery_page(form.login, {"code" if "code" in refusal.template else "": sentence}, status)
        return access.start_session(redirect(url_for("office.everything"), 303), opened)

    return pages


def _form() -> OfficerForm:
    posted = request.form if request.method == "POST" else {}
    names = ("code", "login", "name", "organisation", "email", "password")
    return OfficerForm(*(str(posted.get(name, ""))[:1000] for name in names))
