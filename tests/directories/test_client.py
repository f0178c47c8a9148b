"""The program's answer is not believed before it is whole and in its form."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.config import LdapSettings, OpenIdSettings, Settings
from appliance.confinement import frames
from appliance.directory_service.client import SENTENCES, DirectoryService, DirectoryUnavailable
from appliance.directory_service.messages import FINDINGS, LONGEST_VALUE, DirectoryFault, Outcome
from appliance.home import Home
from appliance.language import chinese_messages

GROUPS = {"groups": [["staff", "cn=staff,dc=example"], ["cn=other,dc=example"]]}


def user(key: str = "1", **more: object) -> dict[str, Any]:
    """A user as the program says it."""
    texts = {name: name for name in ("login", "name", "email", "department", "manager")}
    return {"key": key, **texts, "enabled": True, "groups": [0], **more}


def users(*all_of_them: dict[str, Any]) -> dict[str, Any]:
    return {"users": list(all_of_them)}


Say = Callable[..., Any]


@pytest.fixture
def say(tmp_path: Path) -> Callable[..., DirectoryService]:
    """A service behind whose socket somebody says the given frames, once."""
    threads: list[threading.Thread] = []

    @contextmanager
    def saying(*said: object) -> Iterator[DirectoryService]:
        at = tmp_path / "directory.sock"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(at))
            listening.listen()

            def once() -> None:
                with suppress(OSError), listening.accept()[0] as stream:  # of a client that has gone
                    frames.read(stream, limit=1 << 20)
                    for each in said:
                        frames.write(stream, each)

            threads.append(threading.Thread(target=once))
            threads[-1].start()
            settings = Settings(home=Home(tmp_path), ldap=LdapSettings(url="ldaps://d.example", seconds=5))
            settings = replace(settings, openid=OpenIdSettings(issuer="https://id.example", client="c"))
            yield DirectoryService(settings, at)
            threads[-1].join(30)
            at.unlink()

    return saying  # type: ignore[return-value]


def cause(service: DirectoryService) -> DirectoryFault:
    with pytest.raises(DirectoryUnavailable) as failure:
        service.read_users()
    return failure.value.cause


def test_users_are_given_out_with_the_names_of_their_groups(say: Say) -> None:
    with say(GROUPS, users(user("1"), user("2", groups=[1, 0])), {"complete": 2}) as service:
        one, two = service.read_users()
    assert (one.key, one.groups) == ("1", {"staff", "cn=staff,dc=example"})
    assert two.groups == {"staff", "cn=staff,dc=example", "cn=other,dc=example"}


@pytest.mark.parametrize(
    "said",
    [
        [users(user(groups=[]))],
        [users(user(groups=[])), {"complete": 2}],
        [users(user(groups=[2])), {"complete": 1}],
        [users(user(groups=[-1])), {"complete": 1}],
        [users(user(groups=["0"])), {"complete": 1}],
        [users(user(groups=[], email=None)), {"complete": 1}],
        [users(user(groups=[], email="x" * (LONGEST_VALUE + 1))), {"complete": 1}],
        [users(user(groups=[], enabled=1)), {"complete": 1}],
        [users(user(groups=[], role="officer")), {"complete": 1}],
        [users({"key": "1"}), {"complete": 1}],
        [{"groups": [["a", "b", "c"]]}, users(user(groups=[])), {"complete": 1}],
        [users(*(user(str(number), groups=[]) for number in range(501))), {"complete": 501}],
        [{"users": "everybody"}],
        [["users"]],
        ["users"],
        [{"failed": {"fault": "no-such", "why": "?"}}],
        [{"failed": None}],
    ],
)
def test_whatever_else_is_said_gives_out_nobody(say: Say, said: list[object]) -> None:
    with say(*said) as service:
        assert cause(service) is DirectoryFault.PROGRAM


@pytest.mark.parametrize(
    "said",
    [
        [{"complete": 0}],
        [users(user("1", groups=[]), user("1", groups=[])), {"complete": 2}],
        [users(user("", groups=[])), {"complete": 1}],
    ],
)
def test_what_cannot_be_true_gives_out_nobody(say: Say, said: list[object]) -> None:
    with say(*said) as service:
        assert cause(service) is DirectoryFault.UNBELIEVABLE


def test_users_before_a_failure_are_not_given_out(say: Say) -> None:
    failed = {"failed": {"fault": "incomplete", "why": "Size limit exceeded\nand\x1b[31m more"}}
    with say(users(user(groups=[])), failed) as service, pytest.raises(DirectoryUnavailable) as failure:
        service.read_users()
    assert failure.value.cause is DirectoryFault.INCOMPLETE
    assert str(failure.value) == (
        "The directory ldaps://d.example answered only in part: Size limit exceeded and [31m more."
    )


def test_a_service_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "config").symlink_to(
        tmp_path / "etc"
    )  # as on an appliance, where no program of our own is started
    service = DirectoryService(Settings(home=Home(tmp_path)), tmp_path / "directory.sock")
    assert cause(service) is DirectoryFault.PROGRAM


def test_a_check_ends_with_what_failed(say: Say) -> None:
    found = {"code": "bound", "outcome": "good", "values": {"account": "cn=reader"}}
    with say({"finding": found}, {"failed": {"fault": "refused", "why": "no"}}) as service:
        good, bad = service.check()
    assert str(good) == "The directory takes cn=reader and its password."
    assert bad.outcome is Outcome.BAD
    assert str(bad) == "The check ends here. The directory ldaps://d.example does not let us read: no."


@pytest.mark.parametrize(
    "finding",
    [
        {"code": "no-such", "outcome": "good", "values": {}},
        {"code": "bound", "outcome": "good", "values": {}},
        {"code": "bound", "outcome": "well", "values": {"account": "a"}},
    ],
)
def test_a_finding_that_is_none(say: Say, finding: dict[str, Any]) -> None:
    with say({"finding": finding}, {"complete": 1}) as service:
        assert [each.code for each in service.check()] == ["failed"]


@pytest.mark.parametrize("reply", [{"provider": {}}, {"tokens": {"id_token": "t"}}, {"provider": 7}])
def test_another_answer_than_the_one_that_was_asked_for(say: Say, reply: dict[str, Any]) -> None:
    with say(reply) as service, pytest.raises(DirectoryUnavailable, match="identity provider") as failure:
        service.provider()
    assert failure.value.cause is DirectoryFault.PROGRAM


def test_every_sentence_is_there_in_both_languages() -> None:
    assert not {*SENTENCES, *FINDINGS.values()} - set(chinese_messages())
