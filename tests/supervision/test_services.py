"""What children are given: enough to run, nothing that is secret."""

from __future__ import annotations

from pathlib import Path

from appliance.config import Settings
from appliance.home import Home
from appliance.supervision import inherited, services


def test_children_inherit_little() -> None:
    assert inherited({"PATH": "/bin", "PASSWORD": "x", "LD_PRELOAD": "y"}) == {"PATH": "/bin"}


def test_each_process_knows_its_home_and_has_its_log(tmp_path: Path) -> None:
    found = services(Settings(home=Home(tmp_path)), {"PATH": "/bin"})
    names = [service.name for service in found]
    assert names == ["authority", "web", "tsa", "scheduler", "console", "activation"]
    assert all(service.environment["VERMILION_HOME"] == str(tmp_path) for service in found)
    assert all(service.log.parent == tmp_path / "log" for service in found)


def test_only_the_authority_is_waited_for(tmp_path: Path) -> None:
    found = services(Settings(home=Home(tmp_path)), {})
    assert [service.name for service in found if service.after != ("authority",)] == ["authority"]
    assert found[0].after == ()


def test_only_the_loopback_interface_is_served(tmp_path: Path) -> None:
    for service in services(Settings(home=Home(tmp_path)), {}):
        if "--bind" in service.command:
            assert service.command[service.command.index("--bind") + 1].startswith("127.0.0.1:")
