"""An administrator at the console's first page: added by root's command, signed in over HTTP as a browser does."""

from __future__ import annotations

import base64
import re
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from http.cookiejar import CookieJar
from urllib.parse import urlencode

from click.testing import CliRunner
from lxml import html

from appliance.cli import main
from appliance.clock import utc_now
from appliance.home import Home
from hsm.activation.credentials import code_at, step_of

PATIENCE = 180.0
"""Seconds; nobody is measured here."""
PASSWORD = "窗外的雨下了一整夜 & 两盏灯"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a row of the page says; ``kind`` is ``failing``, ``attention`` or ``calm``, ``runbook`` an address."""

    kind: str
    title: str
    badge: str
    sentence: str
    remedy: str
    since: datetime
    runbook: str


class Onlooker:
    """Somebody with a browser at the console on *port*."""

    def __init__(self, home: Home, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._set_up(home)

    def row(self, name: str, language: str) -> Shown:
        """The row about the thing called *name* in the page as it is served now, in *language*."""
        page = self.page("/")
        if not page.get("lang").startswith(language):
            switch = next(each for each in page.forms if each.action == f"/language/{language}")
            page = self._posted(switch)
        (row,) = page.xpath(f"//*[@id='state-{name}']")
        return _calm(row) if row.tag == "details" else _trouble(row)

    def heading(self, path: str) -> str:
        """The heading of another page, in the language of the last one."""
        return _one(self.page(path), "//main//h1")

    def page(self, path: str) -> html.HtmlElement:
        """What *path* leads to. Raises HTTPError for an error's status."""
        return html.document_fromstring(self.text(path))

    def text(self, path: str) -> str:
        """The same as it came."""
        with self._browser.open(self._address + path, timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    def _set_up(self, home: Home) -> None:
        """Password and code, chosen by the link that root's command prints; whoever has chosen them is in."""
        new = ("--role", "system", "--name", "孙运维", "--email", "sun@ops.example")
        added = CliRunner().invoke(main, ["--home", str(home.root), "administrators", "add", "sun", *new])
        found = re.search(r"/welcome/\S+", added.output)
        assert found is not None, added.output
        self._send(self.page(found[0]), password=PASSWORD, again=PASSWORD)
        page = self.page(found[0])
        secret = base64.b32decode("".join(_one(page, "//*[contains(@class, 'scan')]//code").split()))
        state = self._send(page, code=code_at(secret, step_of(utc_now())))
        assert state.xpath("//*[@id='live']"), "signed in, and at the first page"

    def _send(self, page: html.HtmlElement, **typed: str) -> html.HtmlElement:
        """The page's form with what it has hidden."""
        (form,) = [each for each in page.forms if set(typed) <= set(each.fields)]
        return self._posted(form, **typed)

    def _posted(self, form: html.FormElement, **typed: str) -> html.HtmlElement:
        body = urlencode({**dict(form.form_values()), **typed}).encode()
        with self._browser.open(self._address + form.action, body, timeout=PATIENCE) as answer:
            return html.document_fromstring(answer.read().decode())


def _trouble(row: html.HtmlElement) -> Shown:
    links = row.xpath(".//*[@class='remedy']/a/@href")
    return Shown(
        kind=row.get("class").removeprefix("row "),
        title=_one(row, ".//h3"),
        badge=_one(row, ".//*[contains(@class, 'badge')]"),
        sentence=_one(row, ".//*[@class='told']"),
        remedy=_one(row, ".//*[@class='remedy']"),
        since=datetime.fromisoformat(row.xpath(".//time/@datetime")[0]),
        runbook=links[0] if links else "",
    )


def _calm(row: html.HtmlElement) -> Shown:
    since = row.xpath(".//dd")[1].text_content().partition(" UTC")[0]
    badge, sentence = _one(row, ".//*[contains(@class, 'badge')]"), _one(row, ".//*[@class='told']")
    return Shown("calm", _one(row, ".//b"), badge, sentence, "", datetime.fromisoformat(since), "")


def _one(part: html.HtmlElement, path: str) -> str:
    """The words of the one element at *path*."""
    (found,) = part.xpath(path)
    return " ".join(found.text_content().split())
