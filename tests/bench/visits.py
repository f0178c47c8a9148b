"""Visits of the portal in this process: the WSGI application itself, with a real session, and what they cost."""

from __future__ import annotations

import io
import re
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

from appliance.accounts.sessions import ClientInfo
from appliance.model.accounts import Strength
from appliance.wiring import Appliance

_ASSET = re.compile(r'<(?:link|script|img)\b[^>]*?\b(?:href|src)="(/(?:static/|mark)[^"]*)"')
_IMPORT = re.compile(rb'(?:import[^"\n]*?|url\()"(?:\./)?([\w.-]+)"')


@dataclass(frozen=True, slots=True)
class Cost:
    """What one page costs: milliseconds on the server by the clock (median and 99th percentile) and of this
    process's processor time (median); KB of HTML with everything of ours that it loads, uncompressed; how much of
    that a browser asks for again on its next visit."""

    name: str
    wall: float
    p99: float
    processor: float
    weight: float
    again: float


class Browser:
    """A signed-in person's browser, as far as the server notices."""

    def __init__(self, portal: Flask, secret: str, language: str = "zh") -> None:
        self._portal = portal
        self._cookie = f"session={secret}; language={language}"

    @classmethod
    def of(cls, portal: Flask, appliance: Appliance, subject: str) -> Browser:
        """With a new session of *subject*, who has an active account."""
        with appliance.database.transaction() as tx:
            opened = appliance.sessions.open_session(
                tx, subject, Strength.PASSKEY, ClientInfo("127.0.0.1", "bench")
            )
        return cls(portal, opened.secret)

    def get(self, address: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        found: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _problem: object = None) -> Any:
            found.update(status=int(status.split(" ", 1)[0]), headers=dict(headers))

        answer = self._portal.wsgi_app(self._environ(address), start)
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return found["status"], found["headers"], body

    def page(self, address: str) -> str:
        """The page at *address*. Raises RuntimeError unless it is one: a bench must not measure refusals."""
        status, headers, body = self.get(address)
        if status != 200 or not headers["Content-Type"].startswith("text/html"):
            raise RuntimeError(f"{address} answers {status} {headers.get('Location', '')}".strip())
        return body.decode()

    def cost(self, name: str, address: str, times: int) -> Cost:
        """What the page costs, over so many *times* after two that warm up."""
        body = self.page(address)
        self.page(address)
        wall, processor = [], []
        for _ in range(times):
            ticks, started = time.process_time(), time.perf_counter()
            self.get(address)
            wall.append((time.perf_counter() - started) * 1000)
            processor.append((time.process_time() - ticks) * 1000)
        own = len(body.encode())
        loaded = self._loaded(body)
        return Cost(
            name,
            statistics.median(wall),
            sorted(wall)[int(0.99 * (len(wall) - 1))],
            statistics.median(processor),
            (own + sum(loaded.values())) / 1024,
            (own + sum(size for address, size in loaded.items() if not _kept(self, address))) / 1024,
        )

    def _loaded(self, body: str) -> dict[str, int]:
        """Everything that the page loads besides pictures of documents, by address: bytes."""
        found: dict[str, int] = {}
        waiting = _ASSET.findall(body)
        while waiting:
            address = waiting.pop()
            if address not in found:
                content = _content(self, address)
                found[address] = len(content)
                if address.endswith((".js", ".css")):
                    folder = address.rpartition("/")[0]
                    waiting += [f"{folder}/{name.decode()}" for name in _IMPORT.findall(content)]
        return found

    def _environ(self, address: str) -> dict[str, Any]:
        parts = urlsplit(address)
        return {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_ACCEPT": "text/html,application/xhtml+xml",
            "HTTP_COOKIE": self._cookie,
            "CONTENT_LENGTH": "0",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }


@cache
def _content(browser: Browser, address: str) -> bytes:
    return browser.get(address)[2]


@cache
def _kept(browser: Browser, address: str) -> bool:
    """Whether a browser asks for it again only after an hour or later."""
    found = re.search(r"max-age=(\d+)", browser.get(address)[1].get("Cache-Control", ""))
    return found is not None and int(found[1]) >= 3600


def trivial_view() -> Browser:
    """The floor: Flask with one view that answers one line."""
    app = Flask("floor")
    app.add_url_rule("/", view_func=lambda: "<p>floor</p>")
    return Browser(app, "nobody")


def worst(costs: Iterable[Cost]) -> Cost:
    """The slowest by the clock."""
    return max(costs, key=lambda cost: cost.wall)
