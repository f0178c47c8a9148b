"""A company seal of the tested machine, from its making to its destruction, through the portal's pages alone."""

from __future__ import annotations

import re

from tests.machine.company import OFFICERS, ORGANISATION, SIGNERS, Company
from tests.machine.founding import approve_act

SEAL = "seal.id"


def made(company: Company) -> str:
    """Both officers make a seal whose custodian is the second of the signers; its subject."""
    officers = [company.person(login) for login in OFFICERS]
    for officer in officers:
        officer.sign_in()
    page = officers[0].visitor.good("/office/seals/new")
    keeper = company.person(SIGNERS[1]).name
    [custodian] = re.findall(rf'value="(person-[^"]+)"[^>]*>\s*<label[^>]*>{keeper}', page.text)
    form = page.form(having="width")
    page = officers[0].visitor.send(
        form, organisation=ORGANISATION, kind="CONTRACT", width="40", needed="1", custodian=[custodian]
    )
    approve_act(officers, page)
    [*_, (address, _)] = officers[0].visitor.good("/office").links("/office/seals/seal-")
    subject = address.rpartition("/")[2]
    (company.folder / SEAL).write_text(subject)
    return subject


def suspended(company: Company) -> str:
    """One of the officers suspends it."""
    officer, subject = company.person(OFFICERS[0]), (company.folder / SEAL).read_text()
    officer.sign_in()
    page = officer.visitor.good(f"/office/seals/{subject}")
    officer.visitor.send(page.form(action="/suspend$"), reason="演练")
    return subject


def destroyed(company: Company) -> str:
    """Both officers destroy it."""
    officers = [company.person(login) for login in OFFICERS]
    for officer in officers:
        officer.sign_in()
    subject = (company.folder / SEAL).read_text()
    page = officers[0].visitor.good(f"/office/seals/{subject}")
    page = officers[0].visitor.send(page.form(having="destroyed_because"), destroyed_because="演练结束")
    approve_act(officers, page)
    return subject
