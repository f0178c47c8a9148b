"""Homes as releases before the activation service left them, by the text of their settings."""

from __future__ import annotations

import json
from pathlib import Path

from appliance.home import Home
from tests.world import copy_home, template_home

PORTAL, OWN, CONSOLE = "http://localhost:8080", "http://localhost:8083", "http://localhost:8082"

APPLIANCE = """\
# The appliance's settings; docs/reference.md lists them all.
[organisation]
name = "甲公司示例有限公司"

[web]
port = 8080
public_url = "http://localhost:8080"

[console]
port = 8082
public_url = "http://localhost:8082"
"""

AUTHORITY = """\
# The authority's settings; docs/reference.md lists them all.

[time]
# Of this home the operator says that the machine's clock is right. On an appliance: "kernel", which proves it.
source = "declared"

[certificates]
base_url = "http://localhost:8080"
organisations = ["甲公司示例有限公司", "乙公司示例有限公司"]

[activation]
origins = ["http://localhost:8080"]
console_origins = ["http://localhost:8082"]
"""
"""Both are what commit 95f3780 wrote."""

OWN_APPLIANCE = """\
# The appliance's settings; docs/reference.md lists them all.
[organisation]
name = "Acme Ltd"

[web]
port = 8080
public_url = "https://sign.acme.example"

[console]
port = 8082
public_url = "http://localhost:8082"

[interface]
language = "en"
zone = "Europe/Berlin"
"""

OWN_AUTHORITY = """\
[activation]
rp_id = "sign.acme.example"
origins = ["https://sign.acme.example"]
console_rp_id = "localhost"
console_origins = ["http://localhost:8082"]
"""
"""And what commit b616f210 wrote for ``make up ORG="Acme Ltd" URL=https://sign.acme.example``."""


def older_home(root: Path) -> Home:
    """The demonstration's home at *root*, whose authenticators answer on the portal's pages, too."""
    home = copy_home(template_home(), root)
    home.settings.write_text(APPLIANCE, encoding="utf-8")
    home.authority_settings.write_text(AUTHORITY, encoding="utf-8")
    for path in home.people.glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"origin": PORTAL}))
    return home
