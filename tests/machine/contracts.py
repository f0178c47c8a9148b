"""How a contract comes about and is signed, through the portal's pages alone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from tests.machine.company import Person
from tests.machine.forms import Page
from tests.world import sample_document

PATIENCE = 900.0
"""Seconds in which the portal confirms or completes something; a machine without KVM needs minutes."""
_CONTRACT = re.compile(r"/contracts/([0-9a-f-]{8,})")


def upload(initiator: Person, title: str, document: bytes = b"") -> Page:
    """A finished PDF (*document*, or a small one), as far as it gets: the page that comes."""
    page = initiator.visitor.good("/contracts/new")
    form = page.form(having="title")
    return initiator.visitor.upload(form, "document", (f"{title}.pdf", document or sample_document(2)))


def send(initiator: Person, colleague: Person, title: str) -> str:
    """From the upload to its being out for signing by the two; the contract's id."""
    visitor = initiator.visitor
    page = upload(initiator, title)
    assert page.status == 200, f"the upload was refused ({page.status}): {page.said()}"
    contract = id_in(page.path)
    form = page.form(having="purpose")
    page = visitor.send(form, ("go", "parties"), title=title, kind="采购", purpose="采购十台示例设备。")
    page = _press(initiator, page, "act", "myself")
    form = page.form(having="query")
    page = visitor.send(form, ("act", "search"), query=colleague.name)
    page = _press(initiator, page, "act", "person:")
    page = _press(initiator, page, "act", "days:7")
    page = _press(initiator, page, "go", "fields")
    page = _press(initiator, page, "act", "usual")
    page = _press(initiator, page, "go", "check")
    _press(initiator, page, "act", "send")
    return contract


def sign(signer: Person, contract: str) -> None:
    """Accepts the agreement where it is asked for, and signs; returns when the portal has confirmed it."""
    visitor = signer.visitor
    page = visitor.good(f"/contracts/{contract}/sign")
    if "/agreement" in page.path:
        page = visitor.confirm(visitor.send(page.form(having="agreement")))
        signer.keep()
    if visitor.address.origin_of(page.path) == visitor.address.origin:  # after an agreement the act comes at once
        page = visitor.send(page.form(having="intent"))
    page = visitor.confirm(page)
    signer.keep()
    is_confirmed(signer, contract, page)


def is_confirmed(signer: Person, contract: str, page: Page) -> None:
    """Waits until the portal says that *signer* has signed: dating and verifying take a moment."""
    deadline = time.monotonic() + PATIENCE
    while f"/contracts/{contract}/signed" not in page.path:
        assert time.monotonic() < deadline, f"the signature was not confirmed: {page.path}: {page.said()}"
        time.sleep(0.5)
        page = signer.visitor.good(f"/contracts/{contract}/sign")


def completed(someone: Person, contract: str) -> tuple[bytes, bytes]:
    """The signed document and the evidence package, once the contract is complete."""
    evidence = eventually(lambda: someone.visitor.get(f"/contracts/{contract}/evidence.zip"), _is_there)
    return someone.visitor.good(f"/contracts/{contract}/document.pdf").body, evidence.body


def eventually(ask: Callable[[], Page], good: Callable[[Page], bool], patience: float = PATIENCE) -> Page:
    """Asks until the answer is *good*. Raises AssertionError with the last one."""
    deadline = time.monotonic() + patience
    while not good(page := ask()):
        assert time.monotonic() < deadline, f"{page.path} ({page.status}): {page.said()}"
        time.sleep(0.5)
    return page


def id_in(path: str) -> str:
    """The contract's id in an address."""
    found = _CONTRACT.search(path)
    assert found is not None, path
    return found[1]


def _is_there(page: Page) -> bool:
    return page.status == 200 and page.body[:2] == b"PK"


def _press(someone: Person, page: Page, name: str, start: str) -> Page:
    form = next(each for each in page.forms if each.name == "step")
    return someone.visitor.send(form, form.button(name, start))
