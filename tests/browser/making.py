"""How a contract comes about in the portal: its document, its parties, its fields, and sending it."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, expect

from appliance.language import Language
from tests.browser.people import Actor
from tests.world import sample_document

TEXT = "Both parties agree to what this fictional contract says."


@dataclass(frozen=True, slots=True)
class Outsider:
    """Somebody without an account, as the initiator knows them."""

    name: str
    organisation: str
    email: str
    phone: str
    language: Language
    zone: str


def upload(initiator: Actor, title: str) -> None:
    """A finished PDF; its name becomes the title."""
    initiator.go("/contracts/new")
    initiator.study()
    initiator.names.update((title, "Helvetica"))
    initiator.page.locator("#field-document").set_input_files(
        {"name": f"{title}.pdf", "mimeType": "application/pdf", "buffer": sample_document()}
    )
    initiator.press("Upload and continue")


def write(initiator: Actor, title: str) -> None:
    """Two pages, written here with a heading, a list and strong words."""
    initiator.go("/contracts/new")
    initiator.press("Start writing")
    page = initiator.page
    initiator.names.update((title, TEXT))
    page.locator("#words").click()
    initiator.button("Title").click()
    page.keyboard.type(title)
    page.keyboard.press("Enter")
    page.keyboard.press("Control+b")
    page.keyboard.type(TEXT)
    page.keyboard.press("Control+b")
    page.keyboard.press("Enter")
    initiator.button("New page").click()
    page.keyboard.type(TEXT)
    initiator.study()
    initiator.unfold("Title, type, language")
    about = page.locator("form[action$='/about']")
    initiator.fill("Title", title, about)
    initiator.press("Save", about)
    assert page.locator("#words h1").inner_text() == title
    initiator.press("Use for a new contract")


def describe(initiator: Actor, kind: str, purpose: str) -> None:
    """The first step: what the contract is."""
    initiator.study()
    initiator.fill("Type", kind)
    initiator.fill("Purpose", purpose)
    initiator.press("Continue to the parties")


def name_parties(initiator: Actor, outsider: Outsider, requester: str) -> None:
    """Myself, somebody from outside and the company's seal, one after the other within a week."""
    page = initiator.page
    initiator.press("Add myself as a signer")
    initiator.unfold("Add a signer from outside")
    initiator.fill("Name", outsider.name, page.locator("details[open]"))
    initiator.fill("Organisation", outsider.organisation, page.locator("details[open]"))
    initiator.fill("E-mail", outsider.email, page.locator("details[open]"))
    initiator.fill("Phone", outsider.phone, page.locator("details[open]"))
    page.locator("#field-guest-language").select_option(outsider.language.value)
    page.locator("#field-guest-zone").select_option(outsider.zone)
    initiator.press("Add this person")
    initiator.unfold("Add a company seal")
    seal = f"{initiator.organisation} 公章"
    initiator.names.add(seal)
    offered = page.locator("#field-seal option", has_text=seal)
    page.locator("#field-seal").select_option(offered.get_attribute("value"))
    page.locator("#field-requester").select_option(label=requester)
    initiator.press("Add the seal")
    initiator.press("in {days} days", days=7)
    initiator.study()
    signers = page.locator(".signers .who").all_inner_texts()
    assert [each.split("\n")[0] for each in signers] == [requester, outsider.name, seal]
    initiator.press("Continue to the fields")


def place_fields(initiator: Actor, names: tuple[str, str], seal: str = "公章") -> None:
    """Dragged with the mouse, by the keyboard alone, pressed and pointed at; the seal also across the pages."""
    page, layer = initiator.page, initiator.page.locator(".folio[data-page='2'] .layer")
    mine, outsiders = names
    _drag(initiator, _chip(initiator, mine), layer)
    _chip(initiator, outsiders).focus()
    page.keyboard.press("Enter")
    box = page.locator(".box:focus")
    before = box.get_attribute("aria-label")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowDown")
    assert box.get_attribute("aria-label") != before
    _chip(initiator, seal).click()
    layer.click(position={"x": 600, "y": 800})
    page.locator(".cross input[type=checkbox]").check()
    expect(page.locator("#saved.good")).to_be_visible()
    assert page.locator(".box").count() == len(names) + 1
    initiator.look()
    initiator.study()
    initiator.press("Continue to the check")


def check_and_send(initiator: Actor) -> None:
    """Nothing is missing; from here on document and parties are fixed."""
    initiator.see("Ready to be sent")
    initiator.study()
    initiator.press("Send and sign")


def _chip(initiator: Actor, name: str) -> Locator:
    return initiator.page.locator(".chip", has_text=name)


def _drag(initiator: Actor, chip: Locator, layer: Locator) -> None:
    layer.scroll_into_view_if_needed()
    chip.hover()
    where = layer.bounding_box()
    assert where is not None
    mouse = initiator.page.mouse
    mouse.down()
    for share in (0.6, 0.65, 0.7):
        mouse.move(where["x"] + where["width"] * share, where["y"] + 200, steps=4)
    mouse.up()
