"""A real appliance that captures pages on loopback: the real service, browser, authority and log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from appliance.captures.orders import CaptureDraft
from appliance.config import load
from appliance.demonstration.participants import LI, ZHANG
from appliance.model.accounts import AccountRole
from appliance.model.captures import OrderedCapture
from appliance.store import captures
from appliance.wiring import Appliance
from tests.portal.office_visits import account_of
from tests.web_capture.servers import Answer, Asked, Server, page
from tests.world import World, sequenced, shared_world

HOST = "localhost"
SETTINGS = (
    '\n[capture]\nenabled = true\nallowed_hosts = ["localhost"]\nseconds = 20\nper_day = 12\nkeep_days = 30\n'
    "live_view = true\n"
)
INVESTIGATOR = frozenset({AccountRole.INVESTIGATOR})


@dataclass
class Web:
    """A site whose pages a test changes: text by path; ``asked`` is called with each request before its answer."""

    pages: dict[str, str] = field(default_factory=lambda: {"/": "<title>夏季新款</title><h1>¥ 99.00</h1>"})
    asked: Callable[[Asked], None] = lambda _: None
    port: int = 0

    def answer(self, asked: Asked) -> Answer:
        self.asked(asked)
        text = self.pages.get(asked.path)
        return page(text) if text is not None else page("missing", status="404 Not Found")

    def address(self, path: str = "/") -> str:
        return f"http://{HOST}:{self.port}{path}"


@contextmanager
def house_that_captures() -> Iterator[World]:
    """A world whose settings allow captures of this machine, and two people with the role."""
    with shared_world() as world:
        file = world.home.settings
        others = re.sub(r"(?ms)^\[capture\].*?(?=^\[|\Z)", "", file.read_text(encoding="utf-8"))
        file.write_text(others + SETTINGS, encoding="utf-8")
        allowed = World(world.home, load(world.home))
        with allowed.opened() as appliance:
            for person in (ZHANG, LI):
                account_of(appliance, person.subject, INVESTIGATOR)
        yield allowed


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with house_that_captures() as world:
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


@pytest.fixture(scope="module")
def log(world: World, appliance: Appliance) -> Iterator[None]:
    """Entries get their places meanwhile."""
    with sequenced(appliance, world):
        yield


@pytest.fixture
def web() -> Iterator[Web]:
    found = Web()
    server = Server({HOST: lambda asked: found.answer(asked)})  # noqa: PLW0108 - a test may exchange it
    found.port = server.port
    yield found
    server.close()


def ordered(appliance: Appliance, address: str, *, by: str = ZHANG.subject) -> OrderedCapture:
    return appliance.captures.order(CaptureDraft(address, "固定侵权页面"), by=by)


def now_of(appliance: Appliance, capture: OrderedCapture) -> OrderedCapture:
    """The capture as it stands."""
    return appliance.database.query(captures.load_capture, capture.id)


def forget_all(appliance: Appliance) -> None:
    """No capture waits, and nobody has ordered one."""
    with appliance.database.transaction() as tx:
        tx.execute(
            "UPDATE captures SET ordered = '2026-01-01T00:00:00Z' WHERE state NOT IN ('waiting', 'running')"
        )
        tx.execute(
            "UPDATE captures SET state = 'cancelled', claimant = NULL, ended = '2026-01-01T00:00:00Z',"
            " ordered = '2026-01-01T00:00:00Z' WHERE state IN ('waiting', 'running')"
        )
        tx.execute("UPDATE capture_schedules SET due = NULL")
        tx.execute("DELETE FROM captures_to_finish")


LATER = timedelta(minutes=1)
