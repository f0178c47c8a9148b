"""What `make test-appliance` is made of, where it needs no machine: its steps, its browser, its NTP server."""

from __future__ import annotations

import re
import struct
import time
from pathlib import Path

import pytest

import tests.machine.steps  # noqa: F401  # registers them
from tests.machine import ntp
from tests.machine.bed import Recap, refusal
from tests.machine.browsing import look_around
from tests.machine.failure import LeftOut, StepFailed
from tests.machine.forms import Page
from tests.machine.load import Acknowledged
from tests.machine.plan import STEPS, Step, chosen, perform

PAGE = Page(
    "/here",
    200,
    b"""<button form="late" name="go" value="on">On</button>
<form id="late" method="post"><input type="hidden" name="token" value="a&amp;b">
<input type="checkbox" name="off" value="1"><input type="radio" name="role" value="x" checked>
<select name="zone"><option value="1"><option value="2" selected></select>
<textarea name="words">
first line</textarea><button name="act" value="up:3" disabled>Up</button>
<button name="act" value="down:3">Down</button></form>
<form action="/key" data-passkey="get" data-options="{&quot;challenge&quot;: &quot;AA&quot;}">
<input name="credential"></form>""",
)


def test_steps_come_with_what_they_need_in_the_order_of_the_run() -> None:
    names = [each.name for each in chosen(["reboot"])]

    assert names == ["bundle", "debian", "boot", "install", "people", "contract", "reboot"]
    assert [each.name for each in chosen([])] == list(STEPS)


def test_the_chapter_lists_every_step() -> None:
    chapter = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z`, ]+`) \|", chapter, re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"`([a-z]+)`", row)} >= set(STEPS)


def test_continuous_integration_leaves_no_step_out() -> None:
    script = (Path(__file__).parents[2] / ".ci/run").read_text(encoding="utf-8")
    commands = [line for line in script.splitlines() if "test-appliance" in line and "printf" not in line]

    assert len(commands) == 1 and "ONLY" not in commands[0]


def test_a_step_that_fails_stops_those_that_need_it_and_no_others() -> None:
    def fails(_bed: object) -> str:
        raise StepFailed("broken")

    def cannot(_bed: object) -> str:
        raise LeftOut("no such thing here")

    steps = [
        Step("one", "", fails, ()),
        Step("two", "", lambda _bed: "fine", ("one",)),
        Step("three", "", lambda _bed: "fine", ()),
        Step("four", "", cannot, ()),
    ]
    outcome = perform(steps, None)

    assert (outcome.failed, outcome.passed, outcome.left_out) == (["one"], ["three"], ["two", "four"])


def test_where_no_machine_can_be_booted_the_rest_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_bed: object) -> str:
        raise StepFailed("the kernel forbids it")

    steps = [Step("boot", "", forbidden, ()), Step("install", "", lambda _bed: "fine", ("boot",))]
    monkeypatch.delenv("WHERE_POSSIBLE", raising=False)
    assert perform(steps, None).failed == ["boot"]

    monkeypatch.setenv("WHERE_POSSIBLE", "1")
    outcome = perform(steps, None)
    assert (outcome.failed, outcome.left_out) == ([], ["boot", "install"])


def test_no_step_begins_when_the_time_is_over() -> None:
    outcome = perform([Step("one", "", lambda _bed: "fine", ())], None, seconds=-1)

    assert (outcome.passed, outcome.left_out) == ([], ["one"])


def test_forms_are_read_as_browsers_read_them() -> None:
    form = PAGE.form(having="token")

    assert form.action == "/here"
    assert form.filled(("go", "on"), {"words": "typed"}) == [
        ("token", "a&b"),
        ("role", "x"),
        ("zone", "2"),
        ("words", "typed"),
        ("go", "on"),
    ]
    assert form.value("words") == "first line"
    assert form.button("act", "down:") == ("act", "down:3")
    assert form.button("go") == ("go", "on")
    with pytest.raises(AssertionError, match="no button"):
        form.button("act", "up:")
    assert PAGE.form(action="^/key$").options == '{"challenge": "AA"}'


def test_a_form_of_the_activation_service_is_sent_where_its_page_is() -> None:
    page = Page("https://sign.example:8445/act/x?y", 200, b'<form action="/act/x"></form><form></form>')

    assert [form.action for form in page.forms] == ["https://sign.example:8445/act/x", page.path]


def test_an_answer_of_the_time_server_is_of_now() -> None:
    query = struct.pack("!BBbb11I", 0x23, 0, 6, -20, *range(9), 7, 8)
    answer = ntp.answer(query, time.time())
    mode, stratum, originate, transmit = (
        answer[0] & 7,
        answer[1],
        answer[24:32],
        struct.unpack("!Q", answer[40:])[0],
    )

    assert (len(answer), mode, stratum, originate) == (48, 4, 1, query[40:48])
    assert abs(transmit / 2**32 - ntp.SINCE_1900 - time.time()) < 5


def test_what_was_broken_off_was_acknowledged_to_nobody(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_text("token 0a\nsent c1\nsigned ivan c1\nsigned cora c")

    found = Acknowledged.read(journal)

    assert (found.tokens, found.sent, found.signed) == ([b"\n"], ["c1"], [("ivan", "c1")])


def test_what_ansible_changed_is_told_by_task() -> None:
    told = "TASK [base : Packages] ***\nchanged: [localhost]\nTASK [time : Servers] ***\nok: [localhost]\n"
    recap = Recap(f"{told}localhost : ok=2    changed=1    unreachable=0    failed=0    skipped=0\n")

    assert (recap.ok, recap.changed, recap.failed, recap.tasks_that_changed()) == (2, 1, 0, "base : Packages")
    with pytest.raises(StepFailed, match="did not come to its end"):
        Recap("ERROR! no")


def test_a_refusal_is_read_as_ansible_prints_it_and_as_install_does() -> None:
    failed = 'fatal: [localhost]: FAILED! => {\n  "msg": "\\"a\\" is 3 GB, too little."\n}\nPLAY RECAP\n'

    assert refusal(f'ok: => {{"msg": "fine"}}\n{failed}') == '"a" is 3 GB, too little.'
    assert refusal("install: keeping it\ninstall: only 3 MiB are free.\n") == "only 3 MiB are free."
    with pytest.raises(StepFailed, match="without a word"):
        refusal("Segmentation fault")


class _Someone:
    """Sees a portal of three pages, one of them missing."""

    login = "ivan"

    def __init__(self, **pages: tuple[int, bytes]) -> None:
        self.visitor, self._pages, self.seen = self, pages, list[str]()

    def get(self, path: str) -> Page:
        self.seen.append(path)
        return Page(path, *self._pages[path.strip("/") or "home"])


def test_whoever_looks_around_follows_every_link_once_and_stumbles_over_a_failure() -> None:
    home = b'<a href="/a?x=1&amp;y=2#end">a</a> <a href="b">b</a> <a href="https://elsewhere.example/">c</a>'
    someone = _Someone(home=(200, home), b=(404, b""), **{"a?x=1&y=2": (200, b'<a href="/">home</a>')})

    assert look_around(someone, 9) == {200: 2, 404: 1}  # type: ignore[arg-type]
    assert someone.seen == ["/", "/a?x=1&y=2", "/b"]
    with pytest.raises(AssertionError, match="answered with 500"):
        look_around(_Someone(home=(500, b"")), 9)  # type: ignore[arg-type]
