"""Two PIN custodians unlock the authority in the console; the refusals first. Authority and SoftHSM are real."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from hsm.intents import OfficerIntent
from hsm.operation_types import AuthorityState
from tests.authority import ORGANISATION, RunningAuthority, running_authority
from tests.console.conftest import Console, id_of, opened, post
from webui.shared import passkeys

CUSTODIANS = ("sun", "zhou", "zheng")


@pytest.fixture(scope="module")
def own() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as authority:
        yield authority


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory, own: RunningAuthority) -> Iterator[Console]:
    """A console whose authority knows two PIN custodians; a third administrator could be one and is none."""
    with opened(tmp_path_factory.mktemp("vault"), own.socket("console")) as console:
        for login in CUSTODIANS[:2]:
            act = enrolment(console, own, login)
            own.officer_does(own.client("web").enrol_pin_custodian, act)
        yield console


def enrolment(console: Console, own: RunningAuthority, login: str) -> OfficerIntent:
    device = console.site.devices[login].inside
    credentials = [device.credential()]
    return own.officer_act(
        "enrol_keeper", subject=f"keeper-{login}", name="示例", organisation=ORGANISATION, credentials=credentials
    )


@pytest.fixture
def locked(vault: Console, own: RunningAuthority) -> Console:
    post(vault.browser("sun"), "/unlock/forget")
    own.client("console").lock()
    return vault


def pin_of(own: RunningAuthority) -> str:
    return (own.root / "secrets/user.pin").read_text().strip()


def give(console: Console, login: str, number: int, pin: str, *, by: str = "") -> TestResponse:
    """*login* opens the page, types a part, and touches the passkey (of *by*, if that is somebody else)."""
    browser = console.browser(login)
    page = browser.get("/unlock").text
    options, act = (
        html.unescape(found) for found in re.findall(r'(?:data-options|name="act" value)="([^"]*)"', page)
    )
    answer = console.site.devices[by or login].get(options)
    return post(browser, "/unlock", {"act": act, "part": str(number), "pin": pin, "credential": answer})


def state(own: RunningAuthority) -> AuthorityState:
    return own.client("console").status().state


def told(console: Console) -> list[str]:
    lines = console.site.administration.journal.lines(limit=5)
    return [f"{line.who} {line.kind.value}" for line in reversed(lines)]


def test_two_keepers_unlock_and_the_pin_is_nowhere(locked: Console, own: RunningAuthority) -> None:
    pin = pin_of(own)
    first = give(locked, "zhou", 2, pin[2:])
    assert first.status_code == 303 and state(own) is AuthorityState.LOCKED
    page = locked.browser("sun").get("/unlock").text
    assert "Part 2 was given by zhou" in page and "Your part of the PIN (part 1)" in page
    assert "Your part of the PIN" not in locked.browser("zhou").get("/unlock").text

    assert give(locked, "sun", 1, pin[:2]).status_code == 303

    assert state(own) is AuthorityState.OPERATIONAL
    assert "there is nothing to do" in locked.browser("sun").get("/unlock").text
    assert told(locked)[-2:] == ["zhou pin-part-given", "sun authority-unlocked"]
    files = [path for path in locked.site.settings.home.root.rglob("*") if path.is_file()]
    assert files and not [path for path in files if pin[2:].encode() in path.read_bytes()]


def test_one_person_is_not_two(locked: Console, own: RunningAuthority) -> None:
    pin = pin_of(own)
    give(locked, "sun", 1, pin[:2])
    act = locked.site.administration.unlocking.status_for(locked.site.actor("sun")).act
    answer = locked.site.devices["sun"].get(passkeys.request_options(act.challenge(), [], "localhost"))
    form = {"act": json.dumps(act.fields()), "part": "2", "pin": pin[2:], "credential": answer}
    again = post(locked.browser("sun"), "/unlock", form)
    assert again.status_code == 403 and "You have given your part already" in again.text
    for broken in ("{}", "", "[]", '{"act": "rotate"}'):
        refused = post(locked.browser("zhou"), "/unlock", {**form, "act": broken})
        assert refused.status_code == 409 and "asks anew" in refused.text
    borrowed = give(locked, "zhou", 2, pin[2:], by="sun")
    assert borrowed.status_code == 403 and "no such credential" in borrowed.text
    assert state(own) is AuthorityState.LOCKED


def test_the_same_part_twice_and_no_part_at_all(locked: Console, own: RunningAuthority) -> None:
    give(locked, "sun", 1, "")
    twice = give(locked, "zhou", 1, "12345")
    assert "Part 1 was given already" in twice.text
    nothing = give(locked, "zhou", 2, "")
    assert "one has to" in nothing.text and state(own) is AuthorityState.LOCKED
    give(locked, "zhou", 2, pin_of(own))
    assert state(own) is AuthorityState.OPERATIONAL, "one had the whole PIN, two were there"


def test_a_wrong_pin_is_tried_once_and_both_begin_again(locked: Console, own: RunningAuthority) -> None:
    give(locked, "sun", 1, "wrong")
    refused = give(locked, "zhou", 2, "part")
    assert "refused the PIN" in refused.text and told(locked)[-1] == "zhou unlock-failed"
    assert "wrong" not in re.sub(r"<[^>]*>", "", refused.text).replace("wrong PIN", "")
    pin = pin_of(own)
    give(locked, "sun", 1, pin[:2])
    give(locked, "zhou", 2, pin[2:])
    assert state(own) is AuthorityState.OPERATIONAL


def test_a_part_is_forgotten_in_time_and_when_somebody_says_so(locked: Console) -> None:
    give(locked, "sun", 1, "12345")
    assert locked.site.administration.unlocking.status_for(locked.site.actor("zhou")).given == 1
    assert post(locked.browser("zhou"), "/unlock/forget").status_code == 303
    assert locked.site.administration.unlocking.status_for(locked.site.actor("zhou")).given is None
    give(locked, "sun", 1, "12345")
    before = locked.site.at
    locked.site.later(minutes=11)
    assert locked.site.administration.unlocking.status_for(locked.site.actor("zhou")).given is None
    locked.site.clock[0] = before


def test_who_is_no_keeper_is_told_how_to_become_one(locked: Console) -> None:
    page = locked.browser("zheng").get("/unlock").text
    assert "You are no keeper of the PIN" in page and "data-passkey" not in page
    assert locked.browser("wu").get("/unlock").status_code == 403, "auditors unlock nothing"
    assert "/unlock" in locked.browser("zheng").get("/keys").text


def test_who_asks_and_who_approves_is_told_that_too_few_keepers_are_left(vault: Console) -> None:
    """In a page of its own, beside the sentence that both of them sign."""
    says = "Keepers left then: 1; it takes two, so that only root on the machine unlocks the HSM"
    path, told = "/operations/administrators.remove", {"login": "sun"}
    page = post(vault.browser("zheng"), path, told)
    assert says in page.text and "fewer than two" in page.text
    assert "Keepers left" not in post(vault.browser("zheng"), path, {"login": "zheng"}).text

    asked = id_of(post(vault.browser("zheng"), path, {**told, **vault.signed("zheng", page), "sure": "yes"}))
    assert says in vault.browser("zhou").get(f"/requests/{asked}").text
    chinese = vault.browser("zhou", language="zh").get(f"/requests/{asked}").text
    assert "剩余保管人：1 名" in chinese and "vermilion-unlock 2" in chinese
    assert post(vault.browser("zhou"), f"/requests/{asked}/refuse").status_code == 303
    assert says not in vault.browser("zhou").get(f"/requests/{asked}").text


def test_who_keeps_the_pin_is_on_the_page_of_keys(vault: Console) -> None:
    assert "sun, zhou" in vault.browser("wu").get("/keys").text
