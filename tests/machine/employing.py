"""The organisation's directory and its identity provider beside the tested machine, and the people whom they have:
they come by them alone, are enrolled by officers, and leave when the directory says so."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.directory_service.ldap_connection import load_ldap
from tests.accounts.device import Device
from tests.directories.authority import Authority, Pair
from tests.directories.people import GROUPS, PEOPLE, entry
from tests.directories.slapd import ADMIN, PASSWORD, SLAPD, slapd
from tests.events.receiver import secured
from tests.machine import contracts
from tests.machine.company import EMPLOYEES, NAMES, OFFICERS, SIGNERS, Company, Person
from tests.machine.forms import Page
from tests.machine.founding import approve, fingerprint_on
from tests.machine.visitor import HERE, Address, Visitor

LDAP, PROVIDER = 9635, 9446
"""Ports, which settings/provisioning.yml names: of the directory without TLS, one below that with it; of the
identity provider."""

READY = "ready"
CARRIED = ("ldap.password", "openid.secret", "directory.pem")
"""What the machine is given: the secrets of its accounts at both, and the authority of the directory's server."""

PATIENCE = 300.0
"""Seconds in which the machine follows the directory: what the product promises."""

LOCKED = "000001010000Z"
"""Since when, of an account that is locked for good (draft-behera-ldap-password-policy)."""


def found(company: Path) -> None:
    """What both servers and the machine know of each other is put into the folder *company*."""
    from tests.single_sign_on.provider import SECRET  # noqa: PLC0415

    Authority(company).issue(HERE)
    (company / "enterprise-example-root.pem").rename(company / "directory.pem")
    (company / "ldap.password").write_text(PASSWORD)
    (company / "openid.secret").write_text(SECRET)


def known(company: Company) -> bool:
    """Whether people of the directory were here."""
    return _notes(company).exists()


@contextmanager
def serving(company: Company) -> Iterator[None]:
    """A real directory and a real identity provider serve in this process's network."""
    from tests.single_sign_on.provider import running_provider  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    pair = Pair(company.folder / f"{HERE}.pem", company.folder / f"{HERE}.key")
    tls = secured(company.folder / "receivers.pem")
    with (
        tempfile.TemporaryDirectory() as folder,
        slapd(Path(folder) / "slapd", _records(company), pair, port=LDAP),
        running_provider(company.address.origin, f"https://{HERE}:{PROVIDER}", tls) as provider,
    ):
        for login in EMPLOYEES:
            provider.add_user(login, NAMES[login], company.newcomer(login).email)
        yield


def organisation(company: Company) -> str:
    """The same until nobody listens any more (standard input is closed)."""
    if SLAPD is None:
        return "slapd is not here (scripts/setup test)"
    with serving(company):
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        sys.stdin.read()
    return "over"


def employed(company: Company) -> str:
    """One comes in by the provider once the machine has read the directory, and her manager; she is enrolled, and
    signs."""
    began = time.monotonic()
    iris, mona = (company.newcomer(login) for login in EMPLOYEES)
    _until(lambda: _is_in(iris))
    waited = time.monotonic() - began
    assert _is_in(mona)
    _enrol(company, iris)
    initiator = company.person(SIGNERS[0])
    initiator.sign_in()
    title = "目录人员的合同"
    made = contracts.send(initiator, iris, title)
    for someone in (initiator, iris):
        contracts.sign(someone, made)
    contracts.completed(initiator, made)
    _notes(company).write_text(json.dumps({"left": []}))
    return f"in by the provider after {waited:.0f} s; enrolled by officers; {title} is signed by both"


def leaves(company: Company) -> str:
    """The directory locks her account, while something waits for her: her session ends, officers see her work, and
    the provider does not bring her back."""
    iris, initiator, officer = (company.person(login) for login in (EMPLOYEES[0], SIGNERS[0], OFFICERS[0]))
    for someone in (initiator, officer):
        someone.sign_in()
    made = contracts.send(initiator, iris, title := "离职时未签的合同")
    assert iris.visitor.good("/").path == "/", "she is not in"
    _lock(company, iris.login)
    began = time.monotonic()
    _until(lambda: iris.visitor.get("/settings").path.startswith("/login"))
    session = time.monotonic() - began
    people = officer.visitor.good("/office")
    [subject] = {
        href.rpartition("/")[2] for href, words in people.links("^/office/people/person-") if iris.name in words
    }
    _until(lambda: title in officer.visitor.get(f"/office/people/{subject}/contracts").text)
    work = time.monotonic() - began
    assert not _is_in(iris), "she comes in again"
    initiator.visitor.good(f"/contracts/{made}")
    return f"out {session:.0f} s after the directory had locked her; officers see her work after {work:.0f} s"


def goes_on(company: Company) -> str:
    """Who is in the directory still comes in by the provider; who has left does not."""
    iris, mona = (company.newcomer(login) for login in EMPLOYEES)
    with serving(company):
        _until(
            lambda: _is_in(mona)
        )  # the provider signs with another key now, which is asked for when that is due
        assert not _is_in(iris), "who has left comes in again"
    return f"{mona.login} comes in by the provider"


def _notes(company: Company) -> Path:
    return company.folder / "directory.json"


def _left(company: Company) -> list[str]:
    found: list[str] = json.loads(_notes(company).read_text())["left"] if known(company) else []
    return found


def _dn(login: str) -> str:
    return f"uid={login},{PEOPLE}"


def _records(company: Company) -> Iterator[str]:
    manager, left = _dn(EMPLOYEES[1]), _left(company)
    for number, login in enumerate(EMPLOYEES):
        name = NAMES[login]
        person = {"objectClass": "inetOrgPerson", "uid": login, "cn": name, "sn": name[:1], "displayName": name}
        person |= {"mail": f"{login}@mail.example", "departmentNumber": "采购部"}
        person |= {} if login == EMPLOYEES[1] else {"manager": manager}
        person |= {"pwdAccountLockedTime": LOCKED} if login in left else {}
        yield entry(_dn(login), person, key=f"0e000000-0000-4000-8000-{number:012x}")
    members = [_dn(login) for login in EMPLOYEES]
    yield entry(f"cn=contracts,{GROUPS}", {"objectClass": "groupOfNames", "cn": "contracts", "member": members})


def _lock(company: Company, login: str) -> None:
    """Whoever looks after the directory locks an account there."""
    ldap = load_ldap()
    connection = ldap.initialize(f"ldaps://{HERE}:{LDAP + 1}")
    connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(company.folder / "directory.pem"))
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    connection.simple_bind_s(ADMIN, PASSWORD)
    connection.modify_s(_dn(login), [(ldap.MOD_ADD, "pwdAccountLockedTime", [LOCKED.encode()])])
    connection.unbind_s()
    _notes(company).write_text(json.dumps({"left": [*_left(company), login]}))


def _is_in(someone: Person) -> bool:
    """Whether the provider brings *someone* in, in a browser that knows neither."""
    visitor = someone.visitor
    visitor.cookies.clear()
    visitor.leaves = True
    led = visitor.get("/login/provider?next=/settings")
    provider = f"https://{HERE}:{PROVIDER}"
    if not led.path.startswith(provider):
        return False
    there = _at_provider(visitor)
    page = there.get(led.path.removeprefix(provider))
    for _ in range(6):
        if page.path.startswith(visitor.address.origin):
            break
        page = _filled(there, page, someone.login)
    visitor.leaves = False
    back = visitor.get(page.path.removeprefix(visitor.address.origin))
    someone.keep()
    return back.status == 200 and back.path.startswith("/settings")


def _at_provider(visitor: Visitor) -> Visitor:
    address = Address(HERE, visitor.address.certificate.with_name("receivers.pem"), PROVIDER)
    return Visitor(address, Device(address.origin, HERE), leaves=True)


def _filled(there: Visitor, page: Page, login: str) -> Page:
    """The provider's page after this one: login, password, consent."""
    from tests.single_sign_on.provider import PASSWORD as OWN  # noqa: PLC0415

    for each in page.forms:
        if each.has("login"):
            return there.try_to_send(each, login=login)
        if each.has("password"):
            return there.try_to_send(each, password=OWN)
        if each.has("answer"):
            return there.try_to_send(each, each.button("answer", "accept"))
    raise AssertionError(f"the provider's page {page.path} ({page.status}): {page.said()}")


def _enrol(company: Company, someone: Person) -> None:
    """She sets up what she signs with, and two officers enrol her, having seen her."""
    officers = [company.person(login) for login in OFFICERS]
    for officer in officers:
        officer.sign_in()
    visitor = someone.visitor
    page = visitor.send(visitor.good("/settings/signing").form(action="/settings/signing$"))
    page = visitor.send(page.form(having="challenge"))
    someone.keep()
    fingerprint = fingerprint_on(page)
    for back, _ in page.links(r"/settings/signing/registered"):
        visitor.good(back)
    approve(officers, someone, fingerprint)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s"
        time.sleep(1)
