"""The files by which the portal asks: what is none, or too old, shows nothing."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cbor2
import pytest

from appliance.activation_requests import LASTS
from appliance.demonstration.participants import ZHANG
from hsm.codec import encode
from tests.activation.conftest import Desk
from tests.activation.shown import shows_nothing

GONE = "There is nothing to confirm at this address any more"


def is_gone(desk: Desk, path: str) -> bool:
    answer = desk.get(path)
    return answer.status_code == 404 and GONE in answer.text and "<form" not in answer.text


@pytest.fixture(autouse=True)
def reads_english(desk: Desk) -> Iterator[None]:
    """Of an act that is not there nobody knows who reads it."""
    desk.browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    yield
    del desk.browser.environ_base["HTTP_ACCEPT_LANGUAGE"]


def test_an_unknown_ticket(desk: Desk) -> None:
    assert is_gone(desk, f"/act/{secrets.token_urlsafe(24)}")


@pytest.mark.parametrize(
    "ticket",
    [
        "x",
        "x" * 31,
        "x" * 33,
        "." * 32,
        "%2e%2e%2f" + "x" * 29,
        "%00" * 32,
        "é" * 32,
        "x" * 31 + "%0a",
        "x" * 4000,
    ],
)
def test_a_ticket_that_is_none(desk: Desk, ticket: str) -> None:
    assert desk.get(f"/act/{ticket}").status_code == 404


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
def test_an_act_that_expires_on_the_last_day_of_the_calendar(desk: Desk, zone: str) -> None:
    """No page could say until when it is valid, wherever its reader is."""
    request = desk.document({"expires": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)}, zone=zone)
    assert is_gone(desk, desk.put(request))


def test_a_path_out_of_the_folder_is_no_ticket(desk: Desk) -> None:
    for path in ("/act/../config/appliance.toml", "/act/..%2f..%2fconfig%2fappliance.toml", "/act/", "/act"):
        assert desk.get(path).status_code == 404


def test_a_request_is_over_after_its_time(desk: Desk) -> None:
    request = desk.document()
    path = desk.put(request)
    form = desk.form(path)
    then = time.time() - LASTS.total_seconds() - 1
    os.utime(desk.folder / path[5:], (then, then))
    assert is_gone(desk, path)
    assert desk.send(form, credential=desk.answer(ZHANG.subject, form)).status_code == 404
    assert desk.given(request) == ()
    desk.put(desk.document())
    assert not (desk.folder / path[5:]).exists(), "it is thrown away with the next"


def linked(path: Path) -> None:
    real = path.with_name(secrets.token_urlsafe(24))
    path.rename(real)
    path.symlink_to(real)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def huge(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.truncate(128 * 1024 * 1024 + 1)  # sparse


def still_written(path: Path) -> None:
    """As :func:`appliance.sharing.write_whole` does, under a name that is no ticket."""
    path.rename(path.with_name(f".{path.name}.part"))


def cut(third: int) -> Callable[[Path], None]:
    """So much of it was written."""
    return lambda path: os.truncate(path, path.stat().st_size * third // 3)


def unreadable(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


@pytest.mark.parametrize(
    "spoil",
    [
        linked,
        a_pipe,
        a_folder,
        huge,
        still_written,
        cut(1),
        cut(2),
        *map(
            unreadable,
            [b"", b"\xff", b"\x00", cbor2.dumps({}), cbor2.dumps([1]), b"\x81" * 5000, b"\x9f" * 5000, b"\xbf"],
        ),
    ],
)
def test_a_file_that_is_no_request(desk: Desk, spoil: Callable[[Path], None]) -> None:
    request = desk.document()
    path = desk.put(request)
    spoil(desk.folder / path[5:])
    try:
        assert is_gone(desk, path)
        assert desk.confirm_anyway(request, path).status_code == 404
        assert desk.given(request) == ()
    finally:
        if (desk.folder / path[5:]).is_dir():
            (desk.folder / path[5:]).rmdir()


@pytest.mark.parametrize("third", [0, 1, 2])
def test_a_document_of_which_a_part_is_prepared(desk: Desk, third: int) -> None:
    request = desk.document()
    shows_nothing(desk, replace(request, content=request.content[: len(request.content) * third // 3]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject", 1),
        ("subject", None),
        ("intent", {}),
        ("intent", {"act": "sign"}),
        ("back", b"/"),
        ("content", "text"),
        ("base", "1"),
        ("base", True),
        ("gap", ["1"]),
        ("parties", "x"),
        ("more", 1),
    ],
)
def test_a_field_of_another_kind(desk: Desk, name: str, value: object) -> None:
    request = desk.document()
    path = desk.put(request)
    (desk.folder / path[5:]).write_bytes(cbor2.dumps({**encode(request), name: value}))
    assert is_gone(desk, path)


def test_whose_language_is_none_of_ours_reads_the_house_s(desk: Desk) -> None:
    for language, zone in (("xx", "../../etc/passwd"), ("", ""), ("en\n", "Nowhere/Nowhere"), ("en", "\x00")):
        answer = desk.get(desk.put(desk.document(language=language, zone=zone)))
        assert answer.status_code == 200, (language, zone)
