"""How people sign: with a passkey, from outside on a phone, and a seal with two persons. The portal asks, and what
is signed is confirmed on the page of the activation service."""

from __future__ import annotations

from tests.browser.people import PIN, WEAKER, Actor
from tests.browser.steps import within


def confirm(someone: Actor) -> None:
    """Reads the act at the activation service, confirms it with the passkey, and is back in the portal."""
    assert someone.page.url.startswith(f"{someone.house.settings.activation.origin}/act/")
    someone.study()
    someone.press("Confirm with passkey")
    assert someone.page.url.startswith(f"{someone.house.address}/")


def agree_and_sign(signer: Actor) -> None:
    """The agreement on electronic signing, before a company's first contract, then the document."""
    assert "/agreement" in signer.page.url
    signer.study()
    with within(signer.visitor, "first signature"):
        _agree(signer)
        confirm(signer)  # the document, which comes at once
        signer.see("You have signed")
    signer.study()


def agree_and_sign_later(signer: Actor) -> None:
    """The agreement; then back to the portal, and the document from there."""
    assert "/agreement" in signer.page.url
    signer.study()
    _agree(signer)
    signer.follow("Cancel")
    sign(signer)


def _agree(signer: Actor) -> None:
    """Accepts the agreement, and has the document's act before them."""
    acts = f"{signer.house.settings.activation.origin}/act/"
    signer.press("Accept and sign")
    assert signer.page.url.startswith(acts)
    signer.study()
    signer.press("Confirm with passkey")
    assert signer.page.url.startswith(acts)


def sign(signer: Actor) -> None:
    """The document, where somebody of the own company has accepted the agreement already."""
    assert "/sign" in signer.page.url
    signer.study()
    with within(signer.visitor, "signature"):
        signer.press("Sign")
        confirm(signer)
        signer.see("You have signed")
    signer.study()


def come_in_from_outside(outsider: Actor, code: str) -> None:
    """From the letter, with the code that the initiator told, to the page that tells the fingerprint of what one
    will sign with."""
    outsider.open_mail()
    outsider.study()
    outsider.fill("Your code", code)
    outsider.press("Continue")
    assert outsider.page.url.startswith(f"{outsider.house.settings.activation.origin}/register/")
    assert outsider.page.locator("details[open]").count() == 0, "PIN and code are folded away"
    outsider.study()
    outsider.press("Set up a passkey")


def tell_the_code(initiator: Actor, contract: str, name: str) -> str:
    """The contract's page leads to the code for the one from outside."""
    initiator.go(contract)
    initiator.see("{name} needs a code from you", name=name)
    initiator.follow("Show the code")
    return initiator.page.locator(".callnumber").inner_text()


def ask_for_the_seal(requester: Actor, reason: str) -> None:
    """For the document as it stands now."""
    requester.follow("Ask for the seal")
    requester.study()
    with within(requester.visitor, "seal request"):
        requester.fill("What the seal is for", reason)
        requester.press("Ask for the seal")
        confirm(requester)
        requester.see("Waits for a custodian to read the document and approve.")


def release_the_seal(custodian: Actor) -> None:
    """With PIN and code, by whoever keeps the seal; from the first page, which says that a request waits."""
    custodian.go("/")
    custodian.see("Requests for seals that you keep: {count}", count=1)
    custodian.open_mail()
    custodian.study()
    with within(custodian.visitor, "seal release by PIN"):
        custodian.press("Approve and seal")
        custodian.study()
        custodian.see(WEAKER)
        custodian.fill("PIN for signing", PIN)
        custodian.fill("Code for signing", custodian.signing_app.code())
        custodian.press("Confirm with PIN and code")
        custodian.see("Signed, dated by the timestamp authority, and verified.")
