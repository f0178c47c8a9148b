"""The same table through the command: root asks for anything, each kind decides by password and code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from click.testing import CliRunner, Result

from appliance.administration import open_administration
from appliance.administration.action import ExecutedBy
from appliance.administration.actions import REGISTRY
from appliance.cli import admin_requests, main
from appliance.config import load
from appliance.home import Home, make_directory
from appliance.model.administration import AdministratorRole, AdminRequest, AdminRequestState
from hsm.files import write_private
from tests.administration.conftest import CLUSTER, GOOD, RECEIVER, START, Site
from tests.administration.matrix import APPROVED_BY, arguments_of
from tests.sweeps import one_in


def login_of(role: AdministratorRole) -> str:
    return f"{role}1"


@dataclass(frozen=True, slots=True)
class Machine:
    """A development home with one administrator of each kind."""

    site: Site

    def run(self, *arguments: str, typed: str = "") -> Result:
        root = str(self.site.settings.home.root)
        return CliRunner().invoke(main, ["--home", root, *arguments], input=typed, env={"LC_ALL": "C"})

    def asked(self, name: str) -> str:
        """What root asked for, on one of two machines if it is about both; its id."""
        of_two = self.site.settings.home.cluster_settings
        if name.startswith("cluster."):
            of_two.write_text(CLUSTER, encoding="utf-8")
        else:
            of_two.unlink(missing_ok=True)
        given = [part for key, value in arguments_of(REGISTRY[name]).items() for part in (f"--{key}", value)]
        done = self.run("do", name, *(part.replace("_", "-") if part.startswith("--") else part for part in given))
        found = re.search(r"`vermilion approve ([0-9a-f]{12}) --login", done.output)
        assert found is not None, done.output
        return found[1]

    def decide(self, act: str, role: AdministratorRole, *more: str) -> Result:
        """By the administrator of that kind, with the code that comes next."""
        self.site.later(seconds=30)
        typed = f"{GOOD}\n{self.site.code(login_of(role))}\n"
        return self.run("approve", act, "--login", login_of(role), *more, typed=typed)

    def act(self, act: str) -> AdminRequest:
        return self.site.administration.requests.find_request(act)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    home, clock = Home(tmp_path_factory.mktemp("machine")), [START]
    for directory in (home.secrets, home.settings.parent, home.logs):
        make_directory(directory)
    write_private(home.secrets / "console.key", b"5a" * 32 + b"\n")
    write_private(home.settings, f'[webhooks]\ntargets = ["{RECEIVER}"]\n'.encode())
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for module in (admin_requests,):
            patch.setattr(module, "utc_now", lambda: clock[0])
        patch.setattr(admin_requests, "PATIENCE", 0.0)  # no scheduler runs here, whose acts it would wait for
        administration = stack.enter_context(open_administration(load(home), now=lambda: clock[0]))
        site = Site(load(home), administration, clock)
        for role in AdministratorRole:
            site.set_up(login_of(role), role)
        yield Machine(site)


@pytest.mark.parametrize("name", one_in(4, APPROVED_BY))
@pytest.mark.parametrize("role", AdministratorRole)
def test_who_decides_on_what_root_asked_for(machine: Machine, name: str, role: AdministratorRole) -> None:
    refused = machine.asked(name)
    if role not in APPROVED_BY[name]:
        for more in ((), ("--refuse",)):
            done = machine.decide(refused, role, *more)
            assert done.exit_code == 1 and done.exception.__class__ is SystemExit, done.output
            assert machine.act(refused).state is AdminRequestState.WAITING
        return
    done = machine.decide(refused, role, "--refuse")
    assert (done.exit_code, machine.act(refused).state) == (0, AdminRequestState.REFUSED), done.output
    approved = machine.asked(name)
    done = machine.decide(approved, role)
    assert done.exception is None or done.exception.__class__ is SystemExit, done.output
    act = machine.act(approved)
    here = REGISTRY[name].executed_by is not ExecutedBy.SCHEDULER
    then = {AdminRequestState.DONE, AdminRequestState.FAILED} if here else {AdminRequestState.PERFORMING}
    assert (act.decided_by, act.state in then) == (login_of(role), True), act
