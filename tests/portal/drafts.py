"""Filling in the forms of a new contract as a browser does: every field that the page shows is sent back."""

from __future__ import annotations

import html
import io
import re
from dataclasses import dataclass
from html.parser import HTMLParser

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.world import sample_document


class _Form(HTMLParser):
    """Collects what the form with the id ``step`` would send without a button; templates are no part of it."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[tuple[str, str]] = []
        self._inside = False
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        if tag == "form":
            self._inside = has.get("id") == "step"
        if not self._inside:
            return
        if tag == "input" and has.get("name") and has.get("type") not in ("checkbox", "radio", "file"):
            self.values.append((has["name"] or "", has.get("value") or ""))
        if tag == "input" and has.get("type") in ("checkbox", "radio") and "checked" in has:
            self.values.append((has["name"] or "", has.get("value") or ""))
        if tag == "select":
            self._select = has.get("name") or ""
        if tag == "option" and self._select and "selected" in has:
            self.values.append((self._select, has.get("value") or ""))
        if tag == "textarea":
            self._area = has.get("name") or ""
            self.values.append((self._area, ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[-1] = (self._area, self.values[-1][1] + data.lstrip("\n"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._area = ""


@dataclass(slots=True)
class Wizard:
    """One draft in one browser."""

    client: FlaskClient
    contract: str

    def step(self, step: str, query: str = "") -> str:
        return self.client.get(f"/contracts/{self.contract}/draft/{step}{query}").text

    def form(self, step: str, query: str = "") -> MultiDict[str, str]:
        """What the step's form would send as it stands."""
        form = _Form()
        form.feed(self.step(step, query))
        return MultiDict(form.values)

    def send(self, step: str, form: MultiDict[str, str], *, json: bool = False, **changes: str) -> TestResponse:
        """Sends *form* with some fields *changes*d; an underscore in a name stands for a hyphen."""
        sent = form.copy()
        for name, value in changes.items():
            sent.setlist(name.replace("_", "-"), [value])
        headers = {"Accept": "application/json"} if json else {}
        return self.client.post(f"/contracts/{self.contract}/draft/{step}", data=sent, headers=headers)

    def save(self, step: str, **changes: str) -> TestResponse:
        """Opens the step, changes some fields, and sends it."""
        return self.send(step, self.form(step), **changes)


def upload(
    client: FlaskClient, document: bytes | None = None, *, name: str = "设备采购合同.pdf", **more: str
) -> TestResponse:
    """Uploads *document* (a sample by default) on the page for a new contract."""
    content = sample_document(3) if document is None else document
    page = client.get("/contracts/new").text
    data: dict[str, object] = {field: hidden(page, field) for field in ("form_token", "once")}
    data["document"] = (io.BytesIO(content), name)
    answer = client.post("/contracts/new", data={**data, **more})
    answer.request.environ["wsgi.input"].close()  # a large form is a file on disk, which the client leaves open
    return answer


def hidden(page: str, name: str) -> str:
    """The value of the first hidden field *name*."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None, name
    return html.unescape(found[1])


def begun(client: FlaskClient, *, pages: int = 3) -> Wizard:
    """A new draft of a document with so many pages."""
    answer = upload(client, sample_document(pages))
    assert answer.status_code == 303, answer.text
    return Wizard(client, answer.headers["Location"].split("/")[2])
