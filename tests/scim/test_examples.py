"""What docs/scim.md has people type is typed here."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from tests.api.programs import Programs
from tests.remote_signing.served import served
from tests.scim.pushing import IDP

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]


def test_the_examples_with_curl(portal: Flask, known: Programs, tmp_path: Path) -> None:
    text = (ROOT / "docs/scim.md").read_text(encoding="utf-8")
    lines = re.findall(r"^curl .*$", text, re.M)
    header = f"Authorization: Bearer {IDP}.{known.secrets[IDP]}\n"
    (tmp_path / "scim.header").write_text(header, encoding="utf-8")
    with served(portal) as address:
        found, who = [], ""
        for each in lines:
            environment = {"SCIM": f"{address}/scim/v2", "WHO": who, "PATH": "/usr/bin:/bin"}
            answer = subprocess.run(
                ["bash", "-c", each], env=environment, cwd=tmp_path, capture_output=True, check=True
            )
            found.append(json.loads(answer.stdout))
            who = who or found[-1].get("id", "")
    config, made, listed, renamed, gone, back = found
    assert config["patch"]["supported"] is True
    assert made["displayName"] == "示例员工" and listed["Resources"] == [made]
    assert (renamed["displayName"], gone["active"], back["active"]) == ("示例改名", False, True)
    assert {each["id"] for each in (renamed, gone, back)} == {made["id"]}
