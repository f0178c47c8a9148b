"""The authority's settings as the role writes them, read by the authority: on a server too, signatures are
confirmed on the activation service's origin and on no other."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, StrictUndefined

from appliance import config as appliance_settings
from appliance.home import Home
from hsm import config as authority_settings
from tests.provisioning.test_roles import PROVISIONING, ROLES, defaults

HOST = "sign.enterprise.example"


def written(name: str, **given: Any) -> dict[str, Any]:
    """The settings that the role writes from its template *name* with these settings, the others as by default."""
    return tomllib.loads(rendered(f"application/templates/{name}.toml.j2", **given))


def rendered(template: str, **given: Any) -> str:
    """The file that a role writes from *template* with these settings, the others as by default."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True)  # noqa: S701 # no HTML
    environment.filters["to_json"] = lambda value, ensure_ascii=True: json.dumps(value, ensure_ascii=ensure_ascii)
    environment.filters["bool"] = bool
    environment.tests["search"] = lambda value, pattern: re.search(pattern, value) is not None
    known = {key: value for role in ROLES for key, value in defaults(role).items()}
    known |= {"ansible_managed": "managed", "application_takes_pin": False, "application_host": HOST}
    known |= {"application_organisation": "示例企业有限公司", **given}
    text = (PROVISIONING / "roles" / template).read_text(encoding="utf-8")
    return environment.from_string(text).render(known)


@pytest.mark.parametrize(
    ("given", "own", "portal"),
    [
        ({}, f"https://{HOST}:8445", f"https://{HOST}"),
        ({"firewall_activation_port": 9445}, f"https://{HOST}:9445", f"https://{HOST}"),
        (
            {"firewall_portal_port": 9443, "firewall_activation_port": 443},
            f"https://{HOST}",
            f"https://{HOST}:9443",
        ),
        (
            {"web_front_activation_host": f"confirm.{HOST}", "firewall_activation_port": 443},
            f"https://confirm.{HOST}",
            f"https://{HOST}",
        ),
        ({"web_front_activation_host": f"confirm.{HOST}"}, f"https://confirm.{HOST}:8445", f"https://{HOST}"),
        (
            {"web_front_console_host": f"console.{HOST}", "firewall_console_port": 443},
            f"https://{HOST}:8445",
            f"https://{HOST}",
        ),
    ],
    ids=["default", "port", "the portal elsewhere", "host", "host and port", "console"],
)
def test_signatures_are_confirmed_where_the_portal_is_not(
    given: dict[str, Any], own: str, portal: str, tmp_path: Path
) -> None:
    of_authority = written("authority", **given) | {"peers": {}}  # users that are on a server alone
    authority = authority_settings.parse(of_authority, authority_settings.AuthorityHome(tmp_path))
    appliance = appliance_settings.parse(written("appliance", **given), Home(tmp_path), tmp_path)

    assert appliance.web.origin == portal
    assert authority.activation.origins == [own] == [appliance.activation.origin]
    assert portal not in authority.activation.origins
    assert authority.activation.rp_id == appliance.web.relying_party == HOST
    assert authority.activation.console_origins == [appliance.console.origin]
    assert not {portal, own} & set(authority.activation.console_origins)
