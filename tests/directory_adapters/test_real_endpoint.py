"""The adapters against the portal itself, over HTTP: accounts follow what they push."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from appliance.config import DirectorySettings
from appliance.model.accounts import Account, AccountRole, AccountState
from appliance.model.api_clients import Scope
from appliance.model.directories import DirectorySource, HeldKind
from appliance.store import accounts
from appliance.wiring import Appliance
from directory_adapters.cli import main
from tests.api.programs import Programs
from tests.directory_adapters.company import LABEL, QUIT, Company, company
from tests.directory_adapters.servers import SECRET, Backend, Dingtalk, Wecom, serving
from tests.ports import free_port
from tests.world import shared_world
from webui.portal.application import create_app

pytestmark = pytest.mark.slow
CLIENT = "client-00000000000000f1"
SOURCES = {"wecom": (Wecom, 'corp = "ww-example"'), "dingtalk": (Dingtalk, 'key = "ding-example"')}


@dataclass
class Connected:
    """An appliance to which the address book of ``company`` is pushed; ``settings`` is the file of the adapter."""

    appliance: Appliance
    company: Company
    settings: Path
    source: str

    def run(self, *options: str) -> int:
        return main([self.source, "--config", str(self.settings), *options], pause=lambda _seconds: None)

    def account(self, userid: str) -> Account | None:
        return self.appliance.database.query(accounts.by_login, userid)

    def states(self, userids: list[str]) -> list[AccountState | None]:
        return [found.state if (found := self.account(each)) else None for each in userids]


@pytest.fixture(params=SOURCES)
def connected(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connected]:
    """An appliance of its own for each address book, as people who came from one stay."""
    speaks, identity = SOURCES[request.param]
    with ExitStack() as stack:
        world = stack.enter_context(shared_world())
        groups = DirectorySettings(initiator=[LABEL], reviewer=["法务部"])
        api = replace(world.settings.api, requests_per_minute=1_000_000)
        world = replace(world, settings=replace(world.settings, directory=groups, api=api))
        appliance = stack.enter_context(world.opened())
        known = Programs(appliance.api_clients)
        known.add(CLIENT, scopes=frozenset({Scope.DIRECTORY_WRITE}))
        firm = company()
        book = stack.enter_context(serving(Backend(speaks(firm))))
        address = stack.enter_context(_served(appliance))
        for name, text in (("scim.token", f"{CLIENT}.{known.secrets[CLIENT]}"), ("book.secret", SECRET)):
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o600)
        path = tmp_path / "adapter.toml"
        path.write_text(
            f'[appliance]\naddress = "{address}"\ntoken = "scim.token"\nper_second = 1000\n'
            f'[{request.param}]\naddress = "{book.address}"\nsecret = "book.secret"\nper_second = 1000\n'
            f"{identity}\n"
            + (f'tokens = "{book.address}"\n' if request.param == "dingtalk" else "")
            + f'[groups]\nlabels = ["{LABEL}"]\ndepartments = ["法务部"]\n',
            encoding="utf-8",
        )
        yield Connected(appliance, firm, path, request.param)


@contextmanager
def _served(appliance: Appliance) -> Iterator[str]:
    """The address of the portal of *appliance*, until the context ends."""
    portal = create_app(appliance, form_key=bytes(range(32)))
    server = make_server("127.0.0.1", free_port(), portal, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_accounts_follow_the_address_book(connected: Connected, capsys: pytest.CaptureFixture[str]) -> None:
    assert connected.run() == 4, "one has no address"
    assert connected.states(["u00001", "u00042", "u00052", "u00051", "u00053"]) == [
        *(AccountState.INVITED,) * 3,
        *(None,) * 2,
    ]
    initiator, plain, reviewer = (connected.account(each) for each in ("u00001", "u00042", "u00044"))
    assert initiator and plain and reviewer
    assert initiator.roles == {AccountRole.INITIATOR, AccountRole.SIGNER}
    assert plain.roles == {AccountRole.SIGNER}
    assert reviewer.roles == {AccountRole.REVIEWER, AccountRole.SIGNER}
    capsys.readouterr()
    assert connected.run() == 4
    assert "0 created, 0 changed, 0 left, 0 groups changed" in capsys.readouterr().out
    _one_leaves_and_comes_back(connected)
    _somebody_gets_another_role(connected)
    _many_leave(connected)


def _one_leaves_and_comes_back(connected: Connected) -> None:
    before = connected.account("u00048")
    person = connected.company.people.pop("u00048")
    connected.run()
    assert connected.states(["u00048"]) == [AccountState.SUSPENDED]
    connected.company.people["u00048"] = person
    connected.run()
    after = connected.account("u00048")
    assert before and after and after.subject == before.subject and after.state is AccountState.INVITED


def _somebody_gets_another_role(connected: Connected) -> None:
    connected.company.labels[LABEL].append("u00042")
    connected.run()
    found = connected.account("u00042")
    assert found and AccountRole.INITIATOR in found.roles


def _many_leave(connected: Connected) -> None:
    """More than the adapter lets go; and when it is told to, most wait at the appliance."""
    gone = [f"u{number:05d}" for number in range(20, 32)]
    for each in gone:
        connected.company.change(each, status=QUIT)
    assert connected.run() == 3
    assert set(connected.states(gone)) == {AccountState.INVITED}
    assert connected.run("--allow-removals", "12") == 4
    states = connected.states(gone)
    [held] = connected.appliance.directory_accounts.report().held
    assert held.kind is HeldKind.REMOVAL and held.count == states.count(AccountState.INVITED) >= 9
    assert connected.appliance.directory_accounts.report().users[DirectorySource.SCIM] >= 50
