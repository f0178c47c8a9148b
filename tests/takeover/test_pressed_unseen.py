"""A page of the portal's origin has people click or type, and makes room for a page of the activation service
between two presses: what they press is a button that they have not seen, and what their passkey is asked for looks
like a sign-in."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from appliance.activation_requests import BatchedDocument, BatchRequest, RegistrationPurpose, RegistrationRequest
from appliance.demonstration.participants import ALPHA, ZHANG, ZONE
from tests.activation.test_hostile_acts import with_texts
from tests.activation.test_remote import signing_remotely
from tests.sweeps import long, one_in
from tests.takeover.origins import Scene, scene

LURE = "Sign in: double-click, and use your passkey"
HURRIED = 3.0
"""Seconds for which somebody goes on pressing."""


@pytest.fixture(scope="module")
def stage(chromium: Browser) -> Iterator[Scene]:
    with scene(chromium) as stage:
        yield stage


def act(stage: Scene) -> tuple[str, str]:
    """The address of a document to sign, and its button."""
    return stage.desk.put(stage.desk.document()), "Confirm with passkey"


def batch(stage: Scene) -> tuple[str, str]:
    """The same for two at once."""
    documents = [stage.desk.document(), stage.desk.prepared("Sample contract", 1)]
    listed = [BatchedDocument(stage.desk.put(each).rpartition("/")[2], each.intent.title) for each in documents]
    asked = BatchRequest(ZHANG.subject, tuple(listed), "/", "en", ZONE)
    return f"/batch/{stage.desk.appliance.activation_requests.add(asked)}", "Confirm all 2 with passkey"


def registration(stage: Scene) -> tuple[str, str]:
    """The same for a passkey to set up."""
    purpose, handle = RegistrationPurpose.SIGNING, bytes(16)
    asked = RegistrationRequest(ZHANG.subject, purpose, "/", "en", ZONE, "zhang", ZHANG.name, ALPHA, handle)
    return f"/register/{stage.desk.appliance.activation_requests.add(asked)}", "Set up a passkey"


def remote(stage: Scene) -> tuple[str, str]:
    """The same for a document that other software has handed in."""
    return stage.desk.put(signing_remotely(stage.desk)), "Confirm with passkey"


KINDS = pytest.mark.parametrize("kind", [act, *map(long, [batch, registration]), remote])


def middle(stage: Scene, path: str, name: str) -> tuple[float, float]:
    """Where the button is, as the attacker finds out beforehand."""
    with stage.at() as anybody:
        found = stage.open(anybody, path).get_by_role("button", name=name).bounding_box()
    assert found is not None
    return found["x"] + found["width"] / 2, found["y"] + found["height"] / 2


def sent(stage: Scene, path: str) -> int:
    return stage.asked.count(f"POST {path}")


def confirm(stage: Scene, page: Page, path: str, name: str) -> None:
    """Who has seen the page presses its button when that takes it, and once is enough."""
    with page.expect_response(lambda each: each.request.method == "POST"):
        page.get_by_role("button", name=name).click()
    assert sent(stage, path) == 1


def go_on(stage: Scene, page: Page, path: str, press: Callable[[], None]) -> None:
    """The hostile page leads to *path* at the first press; there are more."""
    page.set_content(f"<h1>{LURE}</h1>")
    page.evaluate(LEAD, f"{stage.service}{path}")
    press()
    page.wait_for_url(re.compile(re.escape(path)), wait_until="commit")
    until = time.monotonic() + HURRIED
    while time.monotonic() < until:
        press()


LEAD = "(address) => addEventListener('mousedown', () => { location = address; })"


@KINDS
def test_who_clicks_on_another_page_confirms_nothing(
    stage: Scene, kind: Callable[[Scene], tuple[str, str]]
) -> None:
    path, name = kind(stage)
    x, y = middle(stage, path, name)
    with stage.at(ZHANG.subject) as zhang:
        page = stage.hostile_page(zhang)
        go_on(stage, page, path, lambda: page.mouse.click(x, y, delay=20))
        assert sent(stage, path) == 0
        confirm(stage, page, path, name)


def test_who_types_on_another_page_confirms_nothing(stage: Scene) -> None:
    """However the button has got the focus; an address gives it none."""
    path, name = batch(stage)
    with stage.at(ZHANG.subject) as zhang:
        page = stage.open(zhang, f"{path}#what-title")
        button = page.get_by_role("button", name=name)
        page.keyboard.press("Tab")
        expect(button).not_to_be_focused()
        button.focus()
        until = time.monotonic() + HURRIED
        while time.monotonic() < until:
            page.keyboard.press("Enter", delay=20)
        assert sent(stage, path) == 0
        expect(button).to_be_enabled()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(f"{stage.portal}/"))


def without_policy(route: Route) -> None:
    """As a browser sees the answer that does not know Document-Policy, which are all but Chromium."""
    answer = route.fetch()
    kept = {name: value for name, value in answer.headers.items() if name.lower() != "document-policy"}
    route.fulfill(response=answer, headers=kept)


@pytest.mark.parametrize(
    ("size", "known", "end"),
    one_in(3, product([(240, 130), (1200, 130)], [True, False], ["#what-title", "#:~:text=Confirm%20all%202"])),
)
def test_a_small_window_begins_at_the_top(stage: Scene, size: tuple[int, int], known: bool, end: str) -> None:
    """Whatever the address names: the portal chooses both, and could show nothing but the button."""
    path, name = batch(stage)
    width, height = size
    with stage.at(ZHANG.subject) as zhang:
        if not known:
            zhang.page.context.route(f"{stage.service}{path}", without_policy)
        page = stage.hostile_page(zhang)
        page.set_content("<button>Sign in</button>")
        opening = f"(address) => onclick = () => open(address, '', 'popup,width={width},height={height}')"
        page.evaluate(opening, f"{stage.service}{path}{end}")
        with page.expect_popup() as opened:
            page.get_by_role("button").click()
        act = opened.value
        act.set_viewport_size({"width": width, "height": height})
        expect(act.get_by_role("button", name=name)).to_be_enabled()
        expect(act.get_by_role("heading", level=1)).to_be_in_viewport()
        expect(act.get_by_role("button", name=name)).not_to_be_in_viewport()
        act.mouse.move(width / 2, height / 2)
        act.mouse.wheel(0, 200)
        expect(act.get_by_role("heading", level=1)).not_to_be_in_viewport()


HELD = 1.5
"""Seconds for which somebody holds a button or a key down."""


def test_who_holds_a_press_that_began_too_early_confirms_nothing(stage: Scene) -> None:
    """“Press and hold to go on”: what is pressed was not there yet when they were told to."""
    path, name = act(stage)
    x, y = middle(stage, path, name)
    with stage.at(ZHANG.subject) as zhang:
        page = stage.hostile_page(zhang)
        page.set_content(f"<h1>{LURE}</h1>")
        page.evaluate(LEAD, f"{stage.service}{path}")
        page.mouse.click(x, y)
        page.wait_for_url(re.compile(re.escape(path)), wait_until="domcontentloaded")
        page.mouse.down()
        page.keyboard.press("Enter")  # another press, which ends
        time.sleep(HELD)
        page.mouse.up()
        time.sleep(HELD / 2)
        assert sent(stage, path) == 0
        confirm(stage, page, path, name)


def test_who_holds_a_key_too_early_confirms_nothing(stage: Scene) -> None:
    path, name = batch(stage)
    with stage.at(ZHANG.subject) as zhang:
        page = stage.open(zhang, path)
        page.get_by_role("button", name=name).focus()
        page.keyboard.down(" ")
        time.sleep(HELD)
        page.keyboard.up(" ")
        time.sleep(HELD / 2)
        assert sent(stage, path) == 0
        confirm(stage, page, path, name)


def test_a_key_that_was_let_go_of_in_another_window_is_not_waited_for(stage: Scene) -> None:
    path, name = batch(stage)
    with stage.at(ZHANG.subject) as zhang:
        page = stage.open(zhang, path)
        page.keyboard.down(" ")
        for kind in ("blur", "focus"):
            page.evaluate("(kind) => dispatchEvent(new Event(kind))", kind)
        confirm(stage, page, path, name)


FINGER = "(named) => document.dispatchEvent(new PointerEvent(named.type, { pointerType: 'touch', ...named }))"


def test_a_finger_whose_end_was_not_told_is_not_waited_for_once_another_is_alone(stage: Scene) -> None:
    """A second finger beside it tells nothing; the first one may still be down."""
    path, name = batch(stage)
    with stage.at(ZHANG.subject) as zhang:
        page = stage.open(zhang, path)

        def finger(number: int, *types: str, alone: bool) -> None:
            for each in types:
                page.evaluate(FINGER, {"type": each, "pointerId": number, "isPrimary": alone})

        finger(11, "pointerdown", alone=True)
        finger(12, "pointerdown", "pointerup", alone=False)
        time.sleep(HELD)
        expect(page.get_by_role("button", name=name)).to_be_disabled()
        finger(13, "pointerdown", alone=True)
        time.sleep(HELD)
        expect(page.get_by_role("button", name=name)).to_be_disabled()
        finger(13, "pointerup", alone=True)
        confirm(stage, page, path, name)


@KINDS
def test_a_window_above_that_closes_between_two_clicks(
    stage: Scene, kind: Callable[[Scene], tuple[str, str]]
) -> None:
    """Browsers under test believe that all their windows are in front, so the page is told as others tell it."""
    path, name = kind(stage)
    with stage.at(ZHANG.subject) as zhang:
        page = stage.open(zhang, path)
        button = page.get_by_role("button", name=name)
        expect(button).to_be_enabled()
        for gone, back in (("blur", "focus"), ("blur", "none")):
            page.evaluate("(kind) => dispatchEvent(new Event(kind))", gone)
            expect(button).to_be_disabled()
            page.evaluate("(kind) => dispatchEvent(new Event(kind))", back)
            button.click(force=True)
            assert sent(stage, path) == 0
            expect(button).to_be_enabled()
        confirm(stage, page, path, name)


def test_no_word_in_a_list_of_an_agreement_runs_out_of_a_small_page(stage: Scene) -> None:
    """Words of an item have no paragraph around them, and each list within another is set further to the right."""
    text = f"# Agreement\n\n- Fair words{'x' * 1000}\n{'- ' * 9}a million\n"
    path = stage.desk.put(with_texts(stage.desk.agreement(), text, "# 协议"))
    with stage.at(ZHANG.subject) as zhang:
        page = stage.open(zhang, path)
        page.set_viewport_size({"width": 360, "height": 640})
        expect(page.get_by_text("a million")).to_be_visible()
        width, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width <= room


def test_no_line_of_an_agreement_runs_out_of_the_page(stage: Scene) -> None:
    """Commands are set as they stand, and nobody scrolls to the right for what is a thousand blanks away."""
    text = "# Agreement\n\n```\nFair words." + "\u00a0" * 1000 + "owes" + "x" * 1000 + "\n```\n"
    path = stage.desk.put(with_texts(stage.desk.agreement(), text, "# 协议"))
    with stage.at(ZHANG.subject) as zhang:
        page = stage.open(zhang, path)
        expect(page.get_by_text("Fair words.")).to_be_visible()
        width, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width <= room
        inner = page.evaluate(
            "(() => { const { scrollWidth, clientWidth } = document.querySelector('.agreement pre');"
            " return [scrollWidth, clientWidth]; })()"
        )
        assert inner[0] <= inner[1]
