"""Settings: typed, unknown names fatal, secrets from private files only."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import load
from appliance.errors import ConfigurationError
from appliance.home import Home, make_directory
from appliance.language import Language
from hsm.files import write_private


def written(tmp_path: Path, text: str) -> Home:
    home = Home(tmp_path)
    make_directory(home.settings.parent)
    home.settings.write_text(text, encoding="utf-8")
    return home


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ""))
    assert settings.web.port == 8080
    assert settings.interface.language is Language.CHINESE


def test_what_is_written_counts(tmp_path: Path) -> None:
    settings = load(
        written(tmp_path, '[interface]\nlanguage = "en"\n[web]\npublic_url = "https://sign.example:8443"\n')
    )
    assert settings.interface.language is Language.ENGLISH
    assert (settings.web.relying_party, settings.web.origin) == ("sign.example", "https://sign.example:8443")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[web]\nprot = 8080\n", "web.prot"),
        ("[wbe]\n", "wbe"),
        ("web = 3\n", "web"),
        ("[web]\nport = 70000\n", "web.port"),
        ('[web]\nport = "8080"\n', "web.port"),
        ("[web]\nport = true\n", "web.port"),
        ('[web]\npublic_url = "sign.example"\n', "web.public_url"),
        ("[documents]\nlargest = 1\n", "documents.largest"),
        ('[interface]\nlanguage = "fr"\n', "interface.language"),
        ('[interface]\nzone = "Nowhere/At_all"\n', "interface.zone"),
        ('[interface]\nzone = "../../etc/passwd"\n', "interface.zone"),
        ('[outside]\nurl = "ftp://tsa.example/"\ntrust = ["root.pem"]\n', "outside.url"),
        ('[outside]\nurl = "http://user@tsa.example/"\ntrust = ["root.pem"]\n', "outside.url"),
        ('[outside]\nurl = "http://tsa.example:port/"\ntrust = ["root.pem"]\n', "outside.url"),
        ('[outside]\nurl = "http://[::1"\ntrust = ["root.pem"]\n', "outside.url"),
        ('[outside]\nurl = "http://tsa.example/"\n', "outside.trust"),
        ('[capture]\nallowed_hosts = ["Wiki.example"]\n', "capture.allowed_hosts"),
        ('[capture]\nallowed_hosts = ["https://wiki.example"]\n', "capture.allowed_hosts"),
        ('[capture]\nallowed_hosts = ["*.example"]\n', "capture.allowed_hosts"),
        ('[capture]\nallowed_hosts = ["0x7f.1"]\n', "capture.allowed_hosts"),
        ('[capture]\nallowed_hosts = [""]\n', "capture.allowed_hosts"),
        ('[capture]\nonly_hosts = ["*"]\n', "capture.only_hosts"),
        ('[capture]\nembedded_hosts = ["*"]\n', "capture.embedded_hosts"),
        ("[capture]\nclosed_ports = [0]\n", "capture.closed_ports"),
        ("[capture]\nclosed_ports = [65536]\n", "capture.closed_ports"),
        ('[capture]\nonly_hosts = ["www.*.example"]\n', "capture.only_hosts"),
        ('[capture]\nproxy = "https://proxy.example:3128"\n', "capture.proxy"),
        ('[capture]\nproxy = "http://proxy.example"\n', "capture.proxy"),
        ('[capture]\nproxy = "http://user:word@proxy.example:3128"\n', "capture.proxy"),
        ('[capture]\nproxy = "http://proxy.example:99999"\n', "capture.proxy"),
        ("[capture]\nmegabytes = 0\n", "capture.megabytes"),
        ("[web\n", "TOML"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_starts(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as refused:
        load(written(tmp_path, text))
    assert "appliance.toml" in str(refused.value)


def test_a_missing_file_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="vermilion init"):
        load(Home(tmp_path))


def test_secrets_come_from_private_files(tmp_path: Path) -> None:
    home = Home(tmp_path)
    make_directory(home.secrets)
    write_private(home.secrets / "web.key", b"0123\n")
    assert home.secret("web.key", {}) == b"0123"
    with pytest.raises(FileExistsError):
        write_private(home.secrets / "web.key", b"other")
    (home.secrets / "web.key").chmod(0o640)
    with pytest.raises(ConfigurationError, match="0600"):
        home.secret("web.key", {})
    with pytest.raises(ConfigurationError, match="cannot be read"):
        home.secret("other", {})


def test_credentials_of_the_service_manager_come_first(tmp_path: Path) -> None:
    given = tmp_path / "credentials"
    given.mkdir()
    (given / "web.key").write_bytes(b"from systemd\n")
    assert Home(tmp_path).secret("web.key", {"CREDENTIALS_DIRECTORY": str(given)}) == b"from systemd"


def test_another_port_for_one_run_is_in_every_address(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ""))
    assert settings.of_run({}) == settings
    web = settings.of_run({"VERMILION_PORT": "8580"}).web
    assert (web.port, web.public_url, web.origin) == (8580, "http://localhost:8580", "http://localhost:8580")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Sign.Example:443/", "https://sign.example"),
        ("https://sign.example:8443", "https://sign.example:8443"),
        ("http://localhost:80", "http://localhost"),
        ("https://sign.example:80", "https://sign.example:80"),
    ],
)
def test_an_origin_is_what_browsers_write(tmp_path: Path, address: str, origin: str) -> None:
    """A setting that names it otherwise would be another origin to whatever compares them."""
    assert load(written(tmp_path, f'[web]\npublic_url = "{address}"\n')).web.origin == origin


def test_people_do_not_confirm_where_they_sign_in(tmp_path: Path) -> None:
    text = '[web]\npublic_url = "https://sign.example"\n[activation]\npublic_url = "https://sign.example:443/"\n'
    with pytest.raises(ConfigurationError, match=r"activation\.public_url must be of another origin than web"):
        load(written(tmp_path, text))


def test_claims_make_nobody_beside_a_directory_that_says_who_is_there(tmp_path: Path) -> None:
    ldap = '[ldap]\nurl = "ldaps://ad.example"\nbind_dn = "cn=r"\npeople = "dc=x"\n'
    openid = '[openid]\nissuer = "https://id.example"\nclient = "c"\n'
    assert load(written(tmp_path, ldap + openid)).openid.configured
    with pytest.raises(ConfigurationError, match=r"openid\.provision must be false where ldap\.url names"):
        load(written(tmp_path, f"{ldap}{openid}provision = true\n"))


def test_no_process_of_an_appliance_has_others_believe_in_another_port(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "config").symlink_to(tmp_path / "etc")
    (tmp_path / "etc/appliance.toml").write_text("")
    (tmp_path / "run").mkdir()
    home = Home(tmp_path)
    home.served_port.write_text("9000\n")
    assert load(home).as_served() == load(home)


def test_hosts_that_captures_may_visit(tmp_path: Path) -> None:
    hosts = ["wiki.enterprise.example", "10.1.2.3", "fd00::7", "xn--fiqs8s", "my_host"]
    text = f'[capture]\nallowed_hosts = {hosts}\nonly_hosts = ["*.example.com"]\nproxy = "http://10.0.0.1:3128"\n'
    settings = load(written(tmp_path, text)).capture
    assert (settings.allowed_hosts, settings.enabled, settings.allows_this_machine) == (hosts, False, False)
    assert load(written(tmp_path, '[capture]\nallowed_hosts = ["localhost"]\n')).capture.allows_this_machine


def test_the_appliances_own_ports_are_known(tmp_path: Path) -> None:
    text = '[web]\nport = 9000\npublic_url = "https://sign.example"\n[activation]\npublic_url = "https://sign.example:8445"\n'
    text += "[capture]\nclosed_ports = [8080, 8444]\n"
    assert load(written(tmp_path, text)).own_ports == {9000, 9001, 8082, 8083, 80, 443, 8445, 8080, 8444}
