"""``/directory``: what waits, what is wrong and what a dry run found, in words; and who may ask for what."""

from __future__ import annotations

import html
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.administration.actions import find_action
from appliance.errors import PreconditionRefused
from appliance.model.directories import (
    DirectoryProblem,
    DirectoryReport,
    DirectoryRound,
    DirectorySource,
    HeldKind,
    HeldUsers,
    ProblemUser,
    RoundOutcome,
)
from appliance.model.directory_status import (
    DirectoryDifference,
    DirectoryDifferences,
    DirectoryStatus,
    ProviderState,
    PushingProgram,
)
from hsm.errors import Sentence
from tests.console.conftest import Console, id_of

AT = datetime(2026, 11, 25, 8, 5, tzinfo=UTC)
URL, ISSUER, DIGEST = "ldaps://directory.enterprise.example", "https://id.enterprise.example", "0f" * 32
NAMES = tuple(f"人员 {number} <b>" for number in range(12))
LDAP = DirectorySource.LDAP
REPORT = DirectoryReport(
    rounds=(
        DirectoryRound(
            LDAP, AT, AT + timedelta(seconds=4), RoundOutcome.HELD, {"added": 3, "held": 40, "recorded": 9}
        ),
        DirectoryRound(
            LDAP, AT - timedelta(minutes=3), AT - timedelta(minutes=3), RoundOutcome.FAILED, {}, "Not reached."
        ),
    ),
    users={LDAP: 10_240},
    held=(HeldUsers(HeldKind.REMOVAL, 40, DIGEST, AT, NAMES), HeldUsers(HeldKind.LINK, 1, "1f" * 32, AT, ("李",))),
    problems=(ProblemUser(LDAP, "wang", "王示例", "wang@enterprise.example", DirectoryProblem.FORBIDDEN_ROLES),),
    problem_count=8,
    successes={LDAP: AT},
)
_NO_ROLE = {"name": "钱", "login": "qian", "after": DirectoryProblem.NO_ROLE.sentence}
LINES = (
    DirectoryDifference("added", Sentence("{name} is new.", {"name": "赵 <i>"})),
    DirectoryDifference("problem", Sentence("{name} ({login}): {after}", _NO_ROLE)),
)
STATUS = DirectoryStatus(
    ldap=URL,
    minutes=3,
    provider=ProviderState(ISSUER),
    report=REPORT,
    programs=(PushingProgram("client-0123456789abcdef", "IdP 示例", True, AT),),
    differences=DirectoryDifferences(AT, 10_240, {"added": 30, "problem": 1, "recorded": 5}, LINES),
)
EMPTY = DirectoryStatus("", 3, ProviderState(""), DirectoryReport((), {}, (), (), 0, {}))


@pytest.fixture(autouse=True)
def published(console: Console) -> None:
    console.site.administration.directory.publish(STATUS)


def test_what_was_published_is_what_is_read(console: Console) -> None:
    directory = console.site.administration.directory
    assert directory.status() == STATUS
    failed = replace(
        EMPTY,
        provider=ProviderState(ISSUER, AT, AT, "Late."),
        differences=DirectoryDifferences(AT, problem=Sentence("{why}", {"why": "示例"})),
    )
    directory.publish(failed)
    assert directory.status() == failed


def test_it_is_written_only_when_it_is_another(console: Console) -> None:
    def changes() -> int:
        with console.database.reading() as tx:
            return tx.count("SELECT total_changes()") + tx.count("PRAGMA data_version")

    before = changes()
    console.site.administration.directory.publish(replace(STATUS, asked=""))
    assert changes() == before
    console.site.administration.directory.publish(replace(STATUS, asked="round"))
    assert changes() != before


def test_synchronisations_are_told_in_words(console: Console) -> None:
    page = console.browser("wu").get("/directory").text
    for said in (URL, "read every 3 min", "last success 2026-11-25", "10,240", ISSUER, "IdP 示例"):
        assert said in page
    assert "New accounts: 3 · Waiting for two administrators: 40" in page and "recorded" not in page
    assert "Not reached." in page and "Done, but for what waits" in page
    chinese = console.browser("wu", language="zh").get("/directory").text
    assert "每 3 分钟读取一次" in chinese and "Done, but" not in chinese


def test_what_waits_is_listed_with_its_digest(console: Console) -> None:
    page = console.browser("wu").get("/directory").text
    assert "人员 11 &lt;b&gt;" in page and "and 28 more" in page and DIGEST in page
    assert "/runbook/directory-removals" in page and "/runbook/directory-held" in page


def test_problems_say_what_to_do(console: Console) -> None:
    page = console.browser("wu").get("/directory").text
    assert "王示例" in page and html.escape(DirectoryProblem.FORBIDDEN_ROLES.sentence) in page
    assert "and 7 more" in page


def test_a_dry_run_tells_each_difference(console: Console) -> None:
    page = console.browser("wu").get("/directory").text
    assert (
        "users: 10240. Nothing was changed." in page
        and "New accounts: 30 · Users whose accounts cannot follow: 1" in page
    )
    assert "赵 &lt;i&gt; is new." in page and f"钱 (qian): {DirectoryProblem.NO_ROLE.sentence}" in page
    assert "and 29 more" in page
    same = DirectoryDifferences(AT, 3, {"recorded": 2})
    console.site.administration.directory.publish(replace(STATUS, differences=same))
    assert "A synchronisation would change nothing." in console.browser("wu").get("/directory").text
    problem = Sentence("The directory {server} cannot be reached: {why}.", {"server": URL, "why": "refused"})
    failed = DirectoryDifferences(AT, problem=problem)
    console.site.administration.directory.publish(replace(STATUS, differences=failed))
    assert f"The directory {URL} cannot be reached: refused." in console.browser("wu").get("/directory").text


@pytest.mark.parametrize("login", ["sun", "zhou", "wu"])
def test_who_may_ask_finds_the_actions(console: Console, login: str) -> None:
    page, offered = console.browser(login).get("/directory").text, login != "wu"
    for name in ("directory.synchronise", "directory.dry_run"):
        assert (f"/operations/{name}" in page) is offered
    link = f"/operations/directory.release?kind=removal&amp;count=40&amp;digest={DIGEST}"
    assert (link in page) is offered
    if login == "sun":
        form = console.browser(login).get(html.unescape(link)).text
        assert 'value="40"' in form and DIGEST in form


def test_a_release_takes_two_and_names_what_was_shown(console: Console) -> None:
    asked = id_of(console.act("sun", "directory.release", kind="removal", count="40", digest=DIGEST))
    page = console.browser("zheng").get(f"/requests/{asked}").text
    assert "Release what waits of a directory" in page and DIGEST in page
    console.approve("zheng", asked)
    act = console.site.administration.requests.find_request(asked)
    assert dict(act.arguments) == {"kind": "removal", "count": "40", "digest": DIGEST}
    assert (act.asked_by, act.decided_by) == ("sun", "zheng")


def test_a_release_without_a_digest_is_refused_on_the_form(console: Console) -> None:
    action = find_action("directory.release")
    given = {"kind": "removal", "count": "40", "digest": "40 people"}
    assert action.precheck is not None
    with pytest.raises(PreconditionRefused, match="64 hexadecimal digits"):
        action.precheck(console.site.settings, action.checked(given))


def test_a_reading_that_was_asked_for_is_told(console: Console) -> None:
    assert "asked for the directory to be read" not in console.browser("sun").get("/directory").text
    console.site.administration.directory.publish(replace(STATUS, asked="dry-run"))
    assert "asked for the directory to be read" in console.browser("sun").get("/directory").text


def test_a_provider_that_fails_is_told_for_some_minutes(console: Console) -> None:
    def shown(ago: timedelta) -> str:
        at = console.site.at - ago
        console.site.administration.directory.publish(
            replace(STATUS, provider=ProviderState(ISSUER, at, at, "It is late."))
        )
        return console.browser("sun").get("/directory").text

    page = shown(timedelta(minutes=1))
    assert "Does not answer" in page and "It is late." in page and "/runbook/provider-down" in page
    assert "It is late." not in shown(timedelta(hours=1))


def test_without_any_directory_the_page_says_what_to_read(console: Console) -> None:
    console.site.administration.directory.publish(EMPTY)
    page = console.browser("sun").get("/directory").text
    assert "No directory is configured" in page and "docs/operations.md" in page
    assert "directory.synchronise" not in page
    only_provider = replace(EMPTY, provider=ProviderState(ISSUER))
    console.site.administration.directory.publish(only_provider)
    page = console.browser("sun").get("/directory").text
    assert "Nothing was synchronised yet" in page and "directory.synchronise" not in page


def test_the_console_loads_nothing_of_what_follows_a_directory() -> None:
    code = (
        "import sys, webui.console.process\n"
        "others = ('appliance.directories', 'appliance.directory_service', 'appliance.contracts', 'authlib')\n"
        "print(*(name for name in sys.modules if name.startswith(others)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
