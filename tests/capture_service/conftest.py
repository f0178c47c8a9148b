"""The service as it is in development: the real program, the real browser, pages on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.capture_service.client import CaptureService
from appliance.config import load
from appliance.home import Home
from tests.web_capture.servers import Server, Site

ENABLED = '[capture]\nenabled = true\nallowed_hosts = ["localhost", "127.0.0.1"]\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/appliance.toml").write_text(ENABLED)
    return tmp_path


@pytest.fixture
def service(home: Path) -> CaptureService:
    return service_of(home)


def service_of(home: Path) -> CaptureService:
    """The client of a home, whose settings are read now."""
    settings = load(Home(home))
    return CaptureService(settings, settings.home.capture_socket)


@pytest.fixture
def serve() -> Iterator[Callable[[Site], str]]:
    """Serves a site on loopback, and says its address."""
    servers: list[Server] = []

    def start(site: Site) -> str:
        servers.append(Server({"localhost": site, "127.0.0.1": site}))
        return f"http://localhost:{servers[-1].port}/"

    yield start
    for each in servers:
        each.close()
