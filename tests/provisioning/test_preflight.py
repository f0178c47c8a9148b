"""What the settings are held against before anything is touched: a sentence for each invalid one."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

ROOT = Path(__file__).parents[2]
ROLES = ROOT / "provisioning/roles"
EXAMPLE, VAGRANT = (ROOT / f"provisioning/settings.{name}.yml" for name in ("example", "vagrant"))
TESTED = ROOT / "tests/machine/settings/provisioning.yml"
BY_TASKS = {"preflight_completed": {"stat": {"exists": False}}, "preflight_keys": {"stat": {"exists": False}}}
CASES: list[tuple[str, Any, str]] = [
    ("application_host", "Sign.Enterprise.example", "small letters"),
    ("application_host", "192.0.2.1", "has to be a name"),
    ("application_host", "sign.enterprise.example/", "has to be a name"),
    ("application_organisation", " ", "without spaces around them"),
    ("application_organisation", "长" * 201, "201 characters"),
    ("application_organisations", ["甲公司", "乙公司 "], "has 乙公司 ;"),
    ("application_contact_mail", "help", "the last one a mail address"),
    ("application_zone", "Asia/Shanghai; reboot", "zone of IANA's"),
    ("application_workers", 0, "at least one process"),
    ("time_servers", [], "never proven"),
    ("time_servers", ["ntp 1", "b.example", "c.example"], "hosts or addresses"),
    ("time_servers", ["ntp1.enterprise.example"], "time_minimum_sources is 3, but"),
    ("time_minimum_sources", 5, "name 4; name as many"),
    ("time_minimum_sources", 0, "below 3 one clock that lies"),
    ("time_keys", {"ntp1.enterprise.example": 10}, "time_keys_file"),
    ("time_keys_file", "/etc/chrony/house.keys", "both have to be set"),
    ("firewall_portal_from", ["192.0.2.0/33"], "192.0.2.0/33"),
    ("firewall_ssh_from", ["everybody"], "is no network"),
    ("application_mail_addresses", ["mail.enterprise.example"], "is no address"),
    ("application_gateway_url", "http://gateway.enterprise.example/messages", "has to be like https://"),
    ("application_gateway_url", "https://user@gateway.enterprise.example/", "has to be like https://"),
    ("application_gateway_addresses", ["gateway.enterprise.example"], "is no address"),
    ("application_alarms_addresses", ["alarms.enterprise.example"], "is no address"),
    ("application_webhooks_addresses", ["erp.enterprise.example"], "is no address"),
    ("application_webhooks_targets", ["https://erp.enterprise.example"], "is no host"),
    ("application_ldap_groups", "groups", "the entry below which groups are"),
    ("application_ldap_filter", "employeeType=internal", "in parentheses"),
    ("application_ldap_minutes", 0, "every 1 to 60 minutes"),
    ("application_directory_addresses", ["directory.enterprise.example"], "is no address"),
    ("application_openid_scopes", ["profile"], "openid has to be among them"),
    ("application_directory_organisation", "乙公司", "one of application_organisations"),
    ("application_directory_everybody", ["signer", "officer"], "has officer; everybody can be"),
    ("application_directory_groups", {"officer": ["legal"]}, "No group makes an officer"),
    ("application_directory_groups", {"auditor": "legal"}, "a list of groups"),
    ("application_directory_most_removed_percent", 0, "1 to 100 percent"),
    ("application_api_requests_per_minute", 0, "from 1 to 1000000 requests"),
    ("application_alarms_mail", ["operators"], "is no mail address"),
    ("firewall_portal_port", 80, "different ports"),
    ("firewall_portal_port", 70000, "different ports"),
    ("firewall_activation_port", 443, "may be the portal's where web_front_activation_host is set"),
    ("firewall_activation_port", 8443, "different ports"),
    ("web_front_activation_host", "sign.elsewhere.example", "below sign.enterprise.example, such as sign.sign"),
    ("web_front_activation_host", "sign.enterprise.example", "a name of its own"),
    ("web_front_activation_host", "Confirm.sign.enterprise.example", "a name of its own"),
    ("logging_collector", 'log" action.x="', "a name in small letters"),
    ("logging_collector_port", 0, "from 1 to 65535"),
    ("backup_recipients", ["age1short"], "is no recovery key"),
    ("web_front_certificate", "/etc/nginx/tls/front.pem", "only one of"),
    ("logging_collector_ca", "/home/operator/ca.pem", "cannot see /home/operator/ca.pem,"),
    ("time_nts_ca", "/root/nts.pem", "cannot see /root/nts.pem,"),
    ("application_officers_required", 3, "as many first ones"),
    ("application_officers_required", 0, "1 to 4 officers"),
    ("application_remote_documents", -1, "signs 0 to 100"),
    ("application_remote_hashes", 101, "signs 0 to 100"),
    ("hsm_participants", [], "takes somebody's hands"),
]


def templar(variables: dict[str, Any]) -> Any:
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415  # a quarter of a second, only for these
    from ansible.template import Templar  # noqa: PLC0415

    return Templar(loader=DataLoader(), variables=variables)


def trusted(value: Any) -> Any:
    """*value* with every string in it marked as Ansible marks what it reads from a role."""
    match value:
        case str():
            from ansible.template import trust_as_template  # noqa: PLC0415  # as above

            return trust_as_template(value)
        case dict():
            return {key: trusted(each) for key, each in value.items()}
        case list():
            return [trusted(each) for each in value]
    return value


def refusals(settings: Path = EXAMPLE, **given: Any) -> list[str]:
    """What the rules say against the file *settings* with those that are *given*."""
    variables: dict[str, Any] = {}
    for path in sorted(ROLES.glob("*/defaults/main.yml")):
        variables |= yaml.safe_load(path.read_text(encoding="utf-8"))
    variables |= yaml.safe_load(settings.read_text(encoding="utf-8")) | BY_TASKS | given
    variables |= trusted(yaml.safe_load((ROLES / "preflight/vars/main.yml").read_text(encoding="utf-8")))
    rules = templar(variables).template(trusted("{{ preflight_rules }}"))
    return [str(rule["otherwise"]) for rule in rules if not rule["holds"]]


@pytest.mark.parametrize("settings", [EXAMPLE, VAGRANT, TESTED], ids=lambda path: path.name)
def test_the_settings_that_we_give_can_be_meant(settings: Path) -> None:
    assert refusals(settings) == []


def test_addresses_of_both_families_can_be_meant() -> None:
    networks = ["192.0.2.7", "192.0.2.0/24", "2001:db8::/32", "2001:db8::7"]
    assert refusals(firewall_portal_from=networks, application_mail_addresses=networks) == []


@pytest.mark.parametrize(("name", "value", "sentence"), CASES)
def test_what_cannot_be_meant_is_refused_by_one_sentence(name: str, value: Any, sentence: str) -> None:
    [refusal] = refusals(**{name: value})
    assert sentence in refusal
    assert name in refusal


def test_sources_of_time_may_be_authenticated_and_few_where_that_is_said() -> None:
    keys = {"time_keys": {"ntp1.enterprise.example": 10}, "time_keys_file": "/etc/chrony/house.keys"}
    assert refusals(**keys) == []
    [strange] = refusals(**{**keys, "time_keys": {"elsewhere.example": 10}})
    assert "time_keys gives numbers" in strange
    assert refusals(time_servers=[], time_nts_servers=["a.example", "b.example", "c.example"]) == []
    assert refusals(time_servers=["a.example"], time_minimum_sources=1) == []


@pytest.mark.parametrize(
    ("had", "refused"), [("", False), ("minsources 1", False), ("minsources 2", False), ("minsources 3", True)]
)
def test_a_machine_from_before_with_few_sources_of_time_is_not_kept_from_its_upgrade(
    had: str, refused: bool
) -> None:
    """Nobody demanded more of it; one that had three to agree, or is new, names as many."""
    before = {"preflight_completed": {"stat": {"exists": True}}, "preflight_agreeing": {"stdout": had}}
    assert bool(refusals(time_servers=["a.example", "b.example"], **before)) == refused
    assert refusals(time_servers=["a.example", "b.example"]) != []


def test_what_is_signed_is_confirmed_at_the_portals_port_by_a_name_of_its_own() -> None:
    name = "sign.sign.enterprise.example"
    assert refusals(web_front_activation_host=name, firewall_activation_port=443) == []
    assert refusals(web_front_activation_host=name) == []
    [same] = refusals(web_front_activation_host=name, web_front_console_host=name)
    assert "a name of its own" in same


@pytest.mark.parametrize(
    ("setting", "before", "takes"),
    [
        ("as-before", None, False),
        ("as-before", "[activation]\nrp_id = 'x'\n", True),
        ("as-before", "[activation]\npin_totp = true\n", True),
        ("as-before", "[activation]\npin_totp = false\n", False),
        ("as-before", "[activation]\n  pin_totp=false  # by hand\n", False),
        ("as-before", "[activation]\n# pin_totp = false\n", True),
        ("refused", "[activation]\npin_totp = true\n", False),
        ("taken", None, True),
    ],
)
def test_a_new_machine_takes_no_pin_and_an_upgrade_locks_nobody_out(
    setting: str, before: str | None, takes: bool
) -> None:
    had = {} if before is None else {"content": base64.b64encode(before.encode()).decode()}
    own = trusted(yaml.safe_load((ROLES / "application/vars/main.yml").read_text(encoding="utf-8")))
    variables = {"application_pin_totp": setting, "application_authority_had": had, **own}
    assert templar(variables).template(trusted("{{ application_takes_pin | bool }}")) is takes


@pytest.mark.parametrize(
    ("certificate", "key", "hidden"),
    [
        ("/etc/nginx/tls/house.pem", "/etc/nginx/tls/house.key", ""),
        ("/root/house.pem", "/root/house.key", "/root/house.pem and /root/house.key"),
        ("/etc/nginx/tls/house.pem", "/home/operator/house.key", "/home/operator/house.key"),
        ("//run/user/1000/house.pem", "/etc/nginx/tls/house.key", "//run/user/1000/house.pem"),
        ("/rooted/house.pem", "/etc/root/house.key", ""),
    ],
)
def test_a_certificate_is_where_the_web_front_sees_it(certificate: str, key: str, hidden: str) -> None:
    """Root sees it below /root, too; so the web front would be configured, and fail at its next start."""
    refused = refusals(web_front_certificate=certificate, web_front_certificate_key=key)
    assert [f"cannot see {hidden}, being" in each for each in refused] == ([True] if hidden else [])


LDAP = {
    "application_ldap_url": "ldaps://directory.enterprise.example:636",
    "application_ldap_bind_dn": "cn=vermilion,ou=services,dc=enterprise,dc=example",
    "application_ldap_people": "ou=人员,dc=enterprise,dc=example",
    "application_directory_addresses": ["192.0.2.28", "2001:db8::28"],
}
OPENID = {
    "application_openid_issuer": "https://id.enterprise.example/realms/house",
    "application_openid_client": "vermilion",
    "application_directory_addresses": ["192.0.2.28", "2001:db8::28"],
}


def test_a_directory_and_a_provider_are_described_whole() -> None:
    groups = {"initiator": ["合同经办"], "auditor": ["audit", "内审"]}
    assert refusals(**{**LDAP, **OPENID}, application_directory_groups=groups) == []
    for whole, name, value, sentence in (
        (LDAP, "application_ldap_url", "http://directory.enterprise.example", "has to be like ldaps://"),
        (LDAP, "application_ldap_bind_dn", "", "nothing is read anonymously"),
        (LDAP, "application_ldap_people", "people", "the entry below which people are"),
        (LDAP, "application_directory_addresses", [], "cannot be reached until"),
        (OPENID, "application_openid_issuer", "http://id.enterprise.example", "has to be like https://"),
        (OPENID, "application_openid_client", "", "the id that this appliance has there"),
        (LDAP, "application_openid_provision", True, "which says who is there"),
        (OPENID, "application_directory_addresses", [], "cannot be reached until"),
    ):
        [refusal] = refusals(**{**whole, name: value})
        assert sentence in refusal and name in refusal
