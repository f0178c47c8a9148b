"""The administrators of the tested machine, on its console's pages: how they come, and what two decide."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from hsm.activation.credentials import code_at, step_of
from tests.machine.company import ADMINISTRATORS, NAMES, PASSWORD, Company, Person
from tests.machine.failure import StepFailed
from tests.machine.forms import Form

_VERMILION = "/usr/local/sbin/vermilion"
_REQUEST = re.compile(r"/requests/[0-9a-f]+")


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
        login: _arrive(company.administration().newcomer(login), link)
        for login, link in zip(ADMINISTRATORS, links, strict=True)
    }


def _arrive(someone: Person, link: str) -> str:
    visitor = someone.visitor
    page = visitor.good(link.removeprefix(visitor.address.origin))
    page = visitor.send(page.form(having="again"), password=PASSWORD, again=PASSWORD)
    secret = re.findall(r"otpauth://totp/[^\"]*?secret=([A-Z2-7]+)", page.text)[0]
    code = code_at(base64.b32decode(secret), step_of(datetime.now(UTC)))
    visitor.send(page.form(having="sealed"), code=code)
    page = visitor.good("/settings/passkeys/new")
    page = visitor.send(page.form(having="old"), old=PASSWORD)
    page = visitor.send(page.form(having="ticket"), label="示例")
    someone.keep()
    [fingerprint] = re.findall(r"<code>([0-9a-f ]{19,})</code>", page.text)
    return str(fingerprint)


def ask_for(company: Company, action: str, **arguments: str) -> None:
    """The system administrator asks for *action*, and signs; the security administrator reads it, and signs."""
    someone = company.administration().person("shi")
    page = someone.visitor.good(f"/operations/{action}")
    page = someone.visitor.send(page.form(having=next(iter(arguments))), **arguments)
    page = someone.visitor.send(page.form(having="credential"))
    someone.keep()
    approve(company, _request_in(page.path))


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
