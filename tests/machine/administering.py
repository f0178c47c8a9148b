"""The administrators of the tested machine, on its console's pages: how they come, and what two decide."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path

from hsm.activation.credentials import code_at, step_of
from tests.machine.company import ADMINISTRATORS, NAMES, PASSWORD, Company
from tests.machine.failure import StepFailed
from tests.machine.forms import Form

_VERMILION = "/usr/local/sbin/vermilion"
_REQUEST = re.compile(r"/requests/[0-9a-f]+")
_OUTCOME = re.compile(r"<dt>结果</dt><dd>(.*?)</dd>", re.DOTALL)


def asked_for(
    on_machine: Callable[[str], str], outside: Callable[..., str], scopes: Sequence[str], secret: Path
) -> None:
    """Root has both come, and asks for a client of the API that may do *scopes*: its id and secret, in the file
    *secret*, count once the second one has approved it. *on_machine* runs a command as root, *outside* is what
    ``outside.py`` says."""
    add = f"{_VERMILION} administrators add {{0}} --role {{1}} --name {{2}} --email {{0}}@mail.example"
    told = [on_machine(add.format(login, role, NAMES[login])) for login, role in ADMINISTRATORS.items()]
    on_machine("systemctl restart vermilion-console.service")
    links = [_found(r"https://\S+/welcome/\S+", each) for each in told]
    for login, fingerprint in json.loads(outside("administrators", *links)).items():
        on_machine(f"{_VERMILION} administrators confirm {login} --yes {fingerprint}")
    asked = on_machine(f"{_VERMILION} api client ERP {' '.join(f'--scope {each}' for each in scopes)} 2>&1")
    held = [_found(rf"(?m)^{name}=(\S+)$", asked) for name in ("client_id", "client_secret")]
    secret.write_text("\n".join(held))


def arrived(company: Company, links: Sequence[str]) -> dict[str, str]:
    """They set their accounts up by *links*, and register passkeys; the fingerprints, which they read to root."""
    return {
        login: _arrive(company.administration(), login, link)
        for login, link in zip(ADMINISTRATORS, links, strict=True)
    }


def _arrive(administration: Company, login: str, link: str) -> str:
    someone = administration.newcomer(login)
    visitor = someone.visitor
    page = visitor.good(link.removeprefix(visitor.address.origin))
    page = visitor.send(page.form(having="again"), password=PASSWORD, again=PASSWORD)
    secret = re.findall(r"otpauth://totp/[^\"]*?secret=([A-Z2-7]+)", page.text)[0]
    _authenticator(administration, login).write_text(secret)
    visitor.send(page.form(having="sealed"), code=_code(administration, login))
    page = visitor.good("/settings/passkeys/new")
    page = visitor.send(page.form(having="old"), old=PASSWORD)
    page = visitor.send(page.form(having="ticket"), label="示例")
    someone.keep()
    [fingerprint] = re.findall(r"<code>([0-9a-f ]{19,})</code>", page.text)
    return str(fingerprint)


def _authenticator(administration: Company, login: str) -> Path:
    return administration.folder / f"{login}.totp"


def _code(administration: Company, login: str) -> str:
    """What the authenticator app of *login* shows now; as each code counts once, the next one is waited for."""
    app = _authenticator(administration, login)
    secret, _, used = app.read_text().partition(" ")
    while (step := step_of(datetime.now(UTC))) <= int(used or 0):
        time.sleep(1)
    app.write_text(f"{secret} {step}")
    return code_at(base64.b32decode(secret), step)


def sign_in(company: Company, login: str) -> None:
    """With the password and a code, whatever became of an earlier session."""
    administration = company.administration()
    someone = administration.person(login)
    visitor = someone.visitor
    visitor.cookies.clear()
    page = visitor.send(visitor.good("/login").form(having="password"), login=login, password=PASSWORD)
    visitor.send(page.form(having="code"), code=_code(administration, login))
    someone.keep()


def ask_for(company: Company, action: str, **arguments: str) -> None:
    """The system administrator asks for *action*, and signs; the security administrator reads it, and signs."""
    approve(company, _asked(company, action, **arguments))


def _asked(company: Company, action: str, **arguments: str) -> str:
    """The address of the request for *action*, signed by the system administrator alone."""
    someone = company.administration().person("shi")
    page = someone.visitor.good(f"/operations/{action}")
    if arguments:
        page = someone.visitor.send(page.form(having=next(iter(arguments))), **arguments)
    page = someone.visitor.send(page.form(having="credential"))
    someone.keep()
    return _request_in(page.path)


def outcome_of(company: Company, action: str, patience: float) -> str:
    """Both sign in, and decide on *action*, which asks for nothing and may stop the console for a while: what its
    page says came of it, within *patience* seconds. Raises AssertionError."""
    for login in ADMINISTRATORS:
        sign_in(company, login)
    request = _asked(company, action)
    # Whoever approves may not be answered any more; whether it was approved, the page says.
    with suppress(AssertionError, HTTPException, OSError):
        approve(company, request)
    visitor, deadline = company.administration().person("shi").visitor, time.monotonic() + patience
    said = "nothing"
    while time.monotonic() < deadline:
        with suppress(HTTPException, OSError):
            page = visitor.get(request)
            said = page.said()
            if found := _OUTCOME.search(page.text):
                return re.sub("<[^>]*>", "", found[1]).strip()
        time.sleep(2)
    raise AssertionError(f"{request} has no outcome after {patience:.0f} s: {said}")


def approve_what_waits(company: Company) -> None:
    """The security administrator reads what waits, which is one request, and signs."""
    visitor = company.administration().person("wei").visitor
    listed = dict.fromkeys(_request_in(each) for each, _ in visitor.good("/operations").links(_REQUEST.pattern))
    waiting = [each for each in listed if any(_is_approval(form) for form in visitor.good(each).forms)]
    assert len(waiting) == 1, waiting
    approve(company, waiting[0])


def approve(company: Company, request: str) -> None:
    """The security administrator signs *request* (its address)."""
    someone = company.administration().person("wei")
    page = someone.visitor.good(request)
    someone.visitor.send(page.form(action="/approve$"))
    someone.keep()


def _is_approval(form: Form) -> bool:
    return form.action.endswith("/approve")


def _request_in(path: str) -> str:
    found = _REQUEST.search(path)
    assert found is not None, path
    return found[0]


def _found(pattern: str, told: str) -> str:
    found = re.search(pattern, told)
    if found is None:
        raise StepFailed(f"no {pattern} in: {told}")
    return found[found.re.groups]
