"""A home of before the activation service, or at another port: opened by this release it works, and nothing is
confirmed on the portal's pages."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.cli.founding import found_home
from appliance.config import load
from appliance.demonstration.new_home import NewHome
from appliance.demonstration.older_home import renew_addresses
from appliance.demonstration.participants import OFFICER, ZHANG, DemonstrationAuthenticators
from appliance.errors import ConfigurationError
from appliance.home import Home
from hsm import config
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused
from tests.authority import intent_for
from tests.demo.older_homes import AUTHORITY, CONSOLE, OWN, OWN_APPLIANCE, OWN_AUTHORITY, PORTAL, older_home
from tests.world import authority


@pytest.fixture
def home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="vermilion-") as folder:  # its name is short enough for sockets
        yield older_home(Path(folder))


def opened(home: Home, port: int | None = None) -> list[str]:
    """What `vermilion up` says of the *home* before it starts anything."""
    said: list[str] = []
    found_home(
        home,
        say=lambda template, **values: said.append(template.format(**values)),
        environment=os.environ,
        port=port,
    )
    return said


def origins(home: Home) -> tuple[list[str], list[str]]:
    taken = config.load(home.root).activation
    return taken.origins, taken.console_origins


def test_a_home_of_before_signs_where_it_has_to_and_nowhere_else(home: Home) -> None:
    home.authority_settings.chmod(0o600)
    [said] = opened(home)
    assert said.endswith(
        f"{home.authority_settings}: signatures are confirmed on {OWN} from now on, and nowhere else"
    )
    written = home.authority_settings.read_text(encoding="utf-8")
    assert written == AUTHORITY.replace(f'\norigins = ["{PORTAL}"]', f'\norigins = ["{OWN}"]')
    assert stat.S_IMODE(home.authority_settings.stat().st_mode) == 0o600
    settings = load(home)
    assert (settings.activation.port, settings.activation.origin, settings.web.origin) == (8083, OWN, PORTAL)
    assert opened(home) == [], "once"

    with authority(home), AuthorityClient(home.authority_socket("activation")) as service:
        assert service.status().activation_origins == (OWN,)
        intent = intent_for(ZHANG.subject)
        device = SoftwareAuthenticator.load(home.people / f"{ZHANG.subject}.json")
        assert device.origin == PORTAL
        with pytest.raises(ActivationRefused, match="does not verify"):
            service.approve(intent, device.activate(ZHANG.subject, intent))
        device.save(home.people / f"{ZHANG.subject}.json")
        DemonstrationAuthenticators(home).confirm(ZHANG.subject, intent)
        assert service.approvals(intent).given == (ZHANG.subject,)
        assert OFFICER in {path.stem for path in home.people.glob("*.json")}
        with AuthorityClient(home.authority_socket("web")) as web:
            assert web.sign_document(intent)


def test_another_port_is_where_signatures_are_confirmed_while_it_is_served(home: Home) -> None:
    for port in (9000, 8083, 8080, None):  # 8083 is where the activation service was
        opened(home, port)
        base = port or 8080
        assert origins(home) == ([f"http://localhost:{base + 3}"], [f"http://localhost:{base + 2}"])
    assert opened(home) == []


def test_while_an_authority_runs_its_settings_stay_as_it_has_read_them(home: Home) -> None:
    with authority(home):
        assert opened(home) == []
    assert home.authority_settings.read_text(encoding="utf-8") == AUTHORITY


@pytest.mark.parametrize(
    "line",
    [
        f'origins = ["{OWN}", "{PORTAL}"]',
        f"origins = ['{PORTAL}']",
        'origins = ["https://elsewhere.example"]',
    ],
)
def test_what_somebody_else_has_written_is_refused_and_left_as_it_is(home: Home, line: str) -> None:
    text = AUTHORITY.replace(f'\norigins = ["{PORTAL}"]', f"\n{line}")
    home.authority_settings.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"must name {OWN}.*not {PORTAL}.*Change that line"):
        opened(home)
    assert home.authority_settings.read_text(encoding="utf-8") == text


def test_an_organisations_home_behind_a_proxy_gets_an_address_for_confirming(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.settings.parent.mkdir()
    home.settings.write_text(OWN_APPLIANCE)
    home.authority_settings.write_text(OWN_AUTHORITY)
    renew_addresses(home, NewHome("Acme Ltd", "https://sign.acme.example"), port=None, say=lambda *_, **__: None)
    own = "https://sign.acme.example:8445"
    assert origins(home) == ([own], [CONSOLE])
    settings = load(home)
    assert (settings.activation.port, settings.activation.public_url) == (8083, own)
    assert settings.interface.zone == "Europe/Berlin", "all else stays"
