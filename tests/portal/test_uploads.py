"""Where files may come in, and that nothing large comes in elsewhere."""

from __future__ import annotations

import inspect
import io
import re
import sys
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.wiring import Appliance
from tests.portal.conftest import form_token
from webui.portal.guards import ROOM_FOR_FORM, TAKE_FILES
from webui.portal.verify import room_for


def _source_with_helpers(view: Callable[..., object]) -> str:
    """The source of *view*, and of what it names of the portal's own: a helper may read the file."""
    found, look_at = dict[str, str](), [inspect.unwrap(view)]
    while look_at:
        one = look_at.pop()
        if one.__qualname__ in found:
            continue
        source = found[one.__qualname__] = inspect.getsource(one)
        known = vars(sys.modules[one.__module__])
        named = [known.get(name) for name in set(re.findall(r"\b[A-Za-z_]\w*", source))]
        look_at += [each for each in named if inspect.isfunction(each) and _is_helper(each)]
    return "\n".join(found.values())


def _is_helper(function: Callable[..., object]) -> bool:
    """A helper of the portal, no other view."""
    return function.__module__.startswith("webui.portal.") and not hasattr(function, "__wrapped__")


def test_every_view_that_reads_a_file_is_among_them(portal: Flask) -> None:
    posts = {rule.endpoint for rule in portal.url_map.iter_rules() if "POST" in (rule.methods or ())}
    reading = {each for each in posts if "request.files" in _source_with_helpers(portal.view_functions[each])}
    assert reading <= TAKE_FILES
    assert posts >= TAKE_FILES


@pytest.mark.parametrize(
    ("method", "path", "large"),
    [
        ("POST", "/verify", True),
        ("POST", "/contracts/new", True),
        ("POST", "/contracts/x/draft/annexes", True),
        ("POST", "/contracts/x/amend/supplement", True),
        ("POST", "/templates/x/merge", True),
        ("POST", "/login", False),
        ("POST", "/contracts/x/decline", False),
        ("POST", "/ownership", False),  # for who is signed in alone
        ("GET", "/verify", False),
        ("POST", "/nothing-here", False),
        ("POST", "/verify/", False),
    ],
)
def test_the_address_decides(portal: Flask, method: str, path: str, large: bool) -> None:
    answer = portal.test_client().open(path, method=method, data=b"a=" + b"x" * ROOM_FOR_FORM)
    assert (answer.status_code == 413) is not large


@pytest.mark.parametrize(("path", "large"), [("/verify", True), ("/login", False)])
def test_so_it_does_without_a_length(portal: Flask, path: str, large: bool) -> None:
    """As gunicorn gives chunks to the application: their end is known, their length is not."""
    answer = portal.test_client().post(
        path,
        input_stream=io.BytesIO(b"a=" + b"x" * ROOM_FOR_FORM),
        content_type="application/x-www-form-urlencoded",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (answer.status_code == 413) is not large


def test_a_large_form_is_refused_with_a_sentence(browser: FlaskClient) -> None:
    answer = browser.post("/login", data={"login": "x" * (ROOM_FOR_FORM + 1)})
    assert answer.status_code == 413
    assert "<h1" in answer.text


def test_files_that_take_long_to_judge_leave_threads_for_other_pages(
    browser: FlaskClient, appliance: Appliance
) -> None:
    judging, _setting = room_for(appliance.settings.web.threads)
    token = form_token(browser)

    def asked() -> int:
        file = (io.BytesIO(b"no document"), "file.pdf")
        return browser.post("/verify", data={"form_token": token, "file": file}).status_code

    with ExitStack() as others:
        for _ in range(appliance.settings.web.threads // 2):
            others.enter_context(judging.of(b""))
        assert asked() == 503
        assert browser.get("/login").status_code == 200
    assert asked() == 200
