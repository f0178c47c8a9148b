"""`make up ORG=…`: whose a new home is, and what is refused before anything is written."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from appliance.cli.founding import found_home
from appliance.config import load
from appliance.demonstration.new_home import DEMONSTRATION, NewHome, zone_of_machine
from appliance.errors import ConfigurationError
from appliance.home import Home
from appliance.language import Language
from hsm.ceremony import plan as plans
from tests.command import started

CHECKOUT = Path(__file__).parents[2]
NAMES = ("Acme Ltd", "明德示例科技有限公司", 'O\'Neil & "Søn" \\ $HOME `id` Ltd', "A" * 200)


@pytest.mark.parametrize("name", NAMES)
def test_a_home_of_whatever_name_reads_as_it_was_written(tmp_path: Path, name: str) -> None:
    new, home = NewHome(name, language=Language.ENGLISH, zone="Europe/Berlin"), Home(tmp_path)
    home.settings.parent.mkdir()
    home.settings.write_text(new.appliance_settings(9000))
    (tmp_path / "ceremony.toml").write_text(new.ceremony())
    new.check()

    settings = load(home)
    plan = plans.load(plans.CeremonyPlan, tmp_path / "ceremony.toml")
    authority = tomllib.loads(new.authority_settings(9000))

    assert settings.organisation.name == plan.organisation == name
    assert (settings.interface.language, settings.interface.zone) == (Language.ENGLISH, "Europe/Berlin")
    assert (settings.web.public_url, settings.console.public_url) == (
        "http://localhost:9000",
        "http://localhost:9002",
    )
    assert (settings.activation.port, settings.activation.public_url) == (9003, "http://localhost:9003")
    assert authority["activation"]["origins"] == ["http://localhost:9003"], "not the portal's"
    assert authority["activation"]["pin_totp"] is False, "the weaker way is for those who ask for it"
    assert authority["certificates"]["organisations"] == [name]
    # Nobody is in it before its own officers come: none is appointed by the ceremony itself.
    assert (plan.officers, plan.appointment and plan.appointment.codes) == ((), 2)


def test_a_public_address_is_where_passkeys_belong() -> None:
    new = NewHome("Acme Ltd", "https://sign.acme.example/")
    new.check()
    authority = tomllib.loads(new.authority_settings(8080))
    assert authority["activation"]["rp_id"] == "sign.acme.example"
    assert authority["activation"]["origins"] == ["https://sign.acme.example:8445"], "not the portal's"
    settings = tomllib.loads(new.appliance_settings(8080))
    assert settings["web"]["public_url"] == "https://sign.acme.example/".rstrip("/")
    assert settings["activation"] == {"port": 8083, "public_url": "https://sign.acme.example:8445"}
    assert authority["activation"]["console_rp_id"] == "localhost"
    assert authority["certificates"]["base_url"] == "http://sign.acme.example"
    assert authority["log"]["origin"] == "sign.acme.example/log"


@pytest.mark.parametrize("name", ["", " Acme Ltd", "Acme\nLtd", "Ac\u200bme", "A" * 201])
def test_a_name_that_no_certificate_can_have_is_refused_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigurationError, match="Nothing was set up"):
        found_home(Home(tmp_path), say=print, environment={}, wanted=NewHome(name))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    ["http://sign.example.com", "sign.example.com", "https://", "https://a.example/sign", "https://a.example:x"],
)
def test_an_address_without_passkeys_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="URL must be like"):
        found_home(Home(tmp_path), say=print, environment={}, wanted=NewHome("Acme Ltd", url))
    assert list(tmp_path.iterdir()) == []


def test_a_home_stays_its_organisations(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.settings.parent.mkdir(parents=True)
    home.settings.write_text(NewHome("Acme Ltd").appliance_settings(8080))
    before = home.settings.read_bytes()

    other = NewHome("Other Ltd"), DEMONSTRATION
    elsewhere = NewHome("Acme Ltd", "https://other.example")
    for wanted, why in (
        *((each, "is the home of Acme Ltd already") for each in other),
        (elsewhere, "is reached at"),
    ):
        with pytest.raises(ConfigurationError, match=f"{why}.*Nothing was changed"):
            found_home(home, say=print, environment={}, wanted=wanted)
    assert home.settings.read_bytes() == before
    assert sorted(each.name for each in home.root.iterdir()) == ["config"]


def test_a_command_beside_a_run_at_another_port_names_that_port(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for folder in (home.settings.parent, home.run):
        folder.mkdir()
    home.settings.write_text(DEMONSTRATION.appliance_settings(8080))
    add = ("administrators", "add", "ada", "--role", "system", "--name", "Ada", "--email", "ada@acme.example")
    home.served_port.write_text("9000\n")
    assert "http://localhost:9002/welcome/" in started(home.root, *add).stdout
    home.served_port.unlink()
    assert load(home).as_served().console.public_url == "http://localhost:8082"


@pytest.mark.parametrize("name", NAMES)
def test_make_hands_the_name_on_as_it_is(tmp_path: Path, name: str) -> None:
    program = tmp_path / "vermilion"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$VERMILION_HOME" "$@"\n')
    program.chmod(0o755)
    given = f"ORG={name.replace('$', '$$')}"
    command = ("make", "--silent", "--old-file=setup", "up", f"BIN={tmp_path}", given)
    done = subprocess.run(
        command, cwd=CHECKOUT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [str(CHECKOUT / "home"), "up", "--organisation", name]


def test_the_zone_is_the_machines_or_the_default(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert zone_of_machine(link) == "Europe/Berlin"
    assert zone_of_machine(tmp_path / "nothing") == "Asia/Shanghai"
