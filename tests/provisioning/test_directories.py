"""Directories and single sign-on as the playbook writes them: what is set is what the appliance reads."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from appliance.config import parse
from appliance.home import Home
from tests.provisioning.test_preflight import EXAMPLE, LDAP, OPENID, ROLES, templar, trusted

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

TEMPLATES = ROLES / "application/templates"
CHOSEN = {
    **LDAP,
    **OPENID,
    "application_ldap_kind": "active-directory",
    "application_ldap_filter": "(memberOf=cn=合同,ou=groups,dc=enterprise,dc=example)",
    "application_ldap_groups": "ou=groups,dc=enterprise,dc=example",
    "application_ldap_minutes": 5,
    "application_ldap_ca": "/etc/ssl/house/ca.pem",
    "application_openid_name": "企业账号（示例）",
    "application_openid_acr": ["urn:example:two-factors"],
    "application_directory_everybody": ["signer", "initiator"],
    "application_directory_groups": {"auditor": ['内审 "甲"'], "reviewer": ["legal", "法务"]},
    "application_directory_most_removed": 50,
    "application_directory_work_goes_to": "officers",
}


def rendered(template: str, **given: Any) -> str:
    variables: dict[str, Any] = {"ansible_managed": "Ansible"}
    for path in sorted(ROLES.glob("*/defaults/main.yml")):
        variables |= yaml.safe_load(path.read_text(encoding="utf-8"))
    variables |= yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")) | given
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    return str(templar(variables).template(trusted(text)))


def read(home: Path, **given: Any) -> Any:
    place = Home(home)
    return parse(tomllib.loads(rendered("appliance.toml.j2", **given)), place, place.settings)


def test_what_is_chosen_is_what_the_appliance_reads(tmp_path: Path) -> None:
    settings = read(tmp_path, **CHOSEN)
    ldap, openid, directory = settings.ldap, settings.openid, settings.directory
    assert (ldap.url, ldap.kind.value, ldap.minutes) == (CHOSEN["application_ldap_url"], "active-directory", 5)
    assert (ldap.people, ldap.filter) == (CHOSEN["application_ldap_people"], CHOSEN["application_ldap_filter"])
    assert (ldap.tls, openid.tls) == ("ldap-ca.pem", "")
    assert (openid.issuer, openid.client) == (CHOSEN["application_openid_issuer"], "vermilion")
    assert (openid.name, openid.acr) == ("企业账号（示例）", ["urn:example:two-factors"])
    assert (directory.auditor, directory.reviewer, directory.initiator) == (['内审 "甲"'], ["legal", "法务"], [])
    assert (directory.everybody, directory.most_removed) == (["signer", "initiator"], 50)
    assert directory.work_goes_to.value == "officers"


def test_the_provider_alone_says_who_is_there(tmp_path: Path) -> None:
    made = read(tmp_path, **OPENID, application_openid_provision=True, application_openid_trust_email=True)
    assert made.openid.provision and made.openid.trust_email


def test_nothing_is_configured_where_nothing_is_chosen(tmp_path: Path) -> None:
    settings, plain = read(tmp_path), parse({}, Home(tmp_path), tmp_path)
    assert not settings.ldap.configured and not settings.openid.configured
    assert (settings.ldap, settings.openid, settings.directory) == (plain.ldap, plain.openid, plain.directory)


def test_who_reads_directories_reaches_them_and_nothing_else() -> None:
    lines = rendered("directory.conf.j2", **CHOSEN).splitlines()
    assert lines[2:] == ["IPAddressAllow=192.0.2.28", "IPAddressAllow=2001:db8::28"]
    assert "192.0.2.28" not in rendered("mail.conf.j2", **CHOSEN)
