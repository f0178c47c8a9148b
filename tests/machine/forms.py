"""Forms as a browser without scripts reads them: fields with what stands in them, buttons, passkeys."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin


@dataclass(slots=True)
class Form:
    """``kind``: "create" or "get" where a passkey answers, with the browser's ``options``."""

    action: str
    name: str = ""
    kind: str = ""
    options: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, value and what a reader is told that it is for."""

    def has(self, name: str) -> bool:
        """Whether a field or a button is called *name*."""
        return any(each[0] == name for each in (*self.fields, *self.buttons))

    def value(self, name: str) -> str:
        """What stands in the field *name*."""
        return next(value for each, value in self.fields if each == name)

    def button(self, name: str, start: str = "", told: str = "") -> tuple[str, str]:
        """The button *name* whose value begins with *start* and whose words hold *told*."""
        for each, value, words in self.buttons:
            if each == name and value.startswith(start) and told in words:
                return each, value
        raise AssertionError(f"no button {name}={start}… “{told}”; there are {self.buttons}")

    def filled(self, button: tuple[str, str] | None, values: dict[str, str | list[str]]) -> list[tuple[str, str]]:
        """What is posted when *values* are typed and *button* is pressed."""
        posted = [each for each in self.fields if each[0] not in values]
        for name, given in values.items():
            posted += [(name, each) for each in ([given] if isinstance(given, str) else given)]
        return [*posted, button] if button else posted


class _Reader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._path = path
        self._named: dict[str, Form] = {}
        self._form: Form | None = None
        self._select: tuple[Form, str] | None = None
        self._chosen: str | None = None
        self._text: tuple[Form, str] | None = None
        self._words = ""
        self._button: tuple[Form, str, str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open(given)
        owner = self._owner(given)
        if owner is None or "disabled" in given:
            return
        name = given.get("name", "")
        if tag == "input" and name and given.get("type") not in ("file", "submit"):
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                owner.fields.append((name, given.get("value", "on")))
        elif tag == "select" and name:
            self._select, self._chosen = (owner, name), None
        elif tag == "option" and self._select and (self._chosen is None or "selected" in given):
            self._chosen = given.get("value", "")
        elif tag == "textarea" and name:
            self._text, self._words = (owner, name), ""
        elif tag == "button":
            self._button, self._words = (owner, name, given.get("value", ""), given.get("aria-label", "")), ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select" and self._select:
            owner, name = self._select
            owner.fields.append((name, self._chosen or ""))
            self._select = None
        elif tag == "textarea" and self._text:
            owner, name = self._text
            owner.fields.append((name, self._words.removeprefix("\n")))
            self._text = None
        elif tag == "button" and self._button:
            owner, name, value, label = self._button
            owner.buttons.append((name, value, label or self._words.strip()))
            self._button = None

    def handle_data(self, data: str) -> None:
        if self._text or self._button:
            self._words += data

    def _open(self, given: dict[str, Any]) -> None:
        name = given.get("id", "")
        self._form = self._called(name) if name else Form("")
        self._form.action = urljoin(self._path, given.get("action", ""))
        self._form.kind, self._form.options = given.get("data-passkey", ""), given.get("data-options", "")
        self.forms.append(self._form)

    def _owner(self, given: dict[str, Any]) -> Form | None:
        return self._called(given["form"]) if "form" in given else self._form

    def _called(self, name: str) -> Form:
        """The form with that id, which may come later than what belongs to it."""
        return self._named.setdefault(name, Form("", name))


@dataclass(frozen=True, slots=True)
class Page:
    """What came: ``path`` with its query, after all redirections; before it
    the origin, where it is not the portal's."""

    path: str
    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def forms(self) -> list[Form]:
        """The page's forms, in order."""
        reader = _Reader(self.path)
        reader.feed(self.text)
        return reader.forms

    def form(self, *, having: str = "", action: str = "") -> Form:
        """The first form with the field or button *having*, whose action *action* (a pattern) is found in."""
        for each in self.forms:
            if (not having or each.has(having)) and re.search(action, each.action):
                return each
        raise AssertionError(f"{self.path} ({self.status}) has no form with {having!r} {action!r}: {self.said()}")

    def links(self, pattern: str) -> list[tuple[str, str]]:
        """Addresses of links that *pattern* is found in, with the words in the link."""
        found = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', self.text, re.S)
        return [(href, re.sub("<[^>]*>", " ", words)) for href, words in found if re.search(pattern, href)]

    def said(self) -> str:
        """What the page says of problems, else its first words."""
        problems = re.findall(
            r'class="(?:problem|problems|callout[^"]*)"[^>]*>(.*?)</(?:p|div|ul)>', self.text, re.S
        )
        words = " · ".join(problems) or self.text
        return " ".join(re.sub("<[^>]*>", " ", words).split())[:400]

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)
