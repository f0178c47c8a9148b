"""The quick start of the API, done word for word on an appliance that runs: who follows it gets where it says."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.standard_webhooks import WebhookKeys, new_secret, shown_secret
from tests.browser.house import ROW
from tests.ports import free_port
from tests.world import sample_document
from webui.api import openapi
from webui.api.batches import ApiNewBatch
from webui.csc.parameters import ask_in, document_in

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sh|python|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = ("api.md", "api.zh.md")
ADDRESS = "http://localhost:8080"
KEPT = "kept.sh"
PATIENCE = 300.0
"""Seconds that one block may take."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody with two terminals in a folder: one for the shell, one for Python."""

    folder: Path
    environment: dict[str, str]

    def run_sh(self, block: str) -> str:
        """What the shell says; its variables and functions are there for the next block."""
        (self.folder / KEPT).touch()
        script = f"set -aeuo pipefail\n. ./{KEPT}\n{block}\n{{ export -p; declare -f; }} > {KEPT}\n"
        return self._run("bash", "-c", script)

    def run_python(self, blocks: str) -> str:
        """What Python says."""
        return self._run(sys.executable, "-c", blocks)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def said_on(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return [content for found, content in BLOCK.findall(said_on(page)) if found == language]


def answering(tmp_path: Path, *lines: str) -> Reader:
    """Somebody whose `curl` answers with this script, and who has got as far as a token."""
    (tmp_path / "bin").mkdir()
    curl = tmp_path / "bin" / "curl"
    curl.write_text("\n".join(["#!/bin/bash", *lines]))
    curl.chmod(0o700)
    path = os.pathsep.join([str(curl.parent), os.environ["PATH"]])
    reader = Reader(tmp_path, {**os.environ, "PATH": path})
    [token] = [each for each in blocks("api.md", "sh") if "api() {" in each]
    reader.run_sh("token=x API=x contract=c\n" + token[token.index("api() {") : token.index("api $API")])
    return reader


@contextmanager
def up(home: Path, environment: dict[str, str]) -> Iterator[str]:
    """The address of a new home that `make up` would serve."""
    address = f"http://localhost:{free_port(ROW)}"
    command = ["vermilion", "up", "--port", address.rpartition(":")[2]]
    log = home.with_suffix(".log")
    with log.open("w") as said, subprocess.Popen(command, stdout=said, stderr=said, env=environment) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while address not in log.read_text() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            assert address in log.read_text(), log.read_text()
            yield address
        finally:
            process.terminate()
            process.wait()
    assert process.returncode == 0, log.read_text()


@pytest.mark.slow
def test_the_quick_start_leads_to_verified_evidence(tmp_path: Path) -> None:
    (tmp_path / "contract.pdf").write_bytes(sample_document())
    with tempfile.TemporaryDirectory(prefix="vermilion-") as folder:
        home = Path(folder) / "trial"
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        own = {"VERMILION_HOME": str(home), "PATH": path, "LC_ALL": "C.UTF-8"}
        reader = Reader(tmp_path, {**os.environ, **own, "PYTHONPATH": str(ROOT / "clients/python")})
        with up(home, reader.environment) as address:
            said = [reader.run_sh(each.replace(ADDRESS, address)) for each in blocks("api.md", "sh")]
            together = "\n".join(blocks("api.md", "python")).replace(ADDRESS, address)
            said.append(reader.run_python(together))
    assert sum(each.count("TOTAL-PASSED") for each in said) >= 4, said


def test_the_chinese_page_has_the_same_steps() -> None:
    chinese, english = blocks("api.zh.md", "sh"), blocks("api.md", "sh")
    assert chinese == english[: len(chinese)] and len(english) - len(chinese) == 1  # the example of a refusal


REFUSING = (
    'while [ "$1" != -o ]; do shift; done',
    """echo '{"code": "state-refused", "detail": "No.", "state": "sent"}' > "$2"; exit 22""",
)
ENDED = ('while [ "$1" != -o ]; do shift; done', """echo '{"state": "declined"}' > "$2\"""")


def test_what_is_refused_is_shown_and_ends_the_wait(tmp_path: Path) -> None:
    [wait] = [each for each in blocks("api.md", "sh") if each.startswith("while")]
    with pytest.raises(AssertionError, match=r"The contract is unknown\n(?s:.)*state-refused"):
        answering(tmp_path, *REFUSING).run_sh(wait)


def test_the_wait_says_how_a_contract_has_ended(tmp_path: Path) -> None:
    [wait] = [each for each in blocks("api.md", "sh") if each.startswith("while")]
    with pytest.raises(AssertionError, match="The contract is declined"):
        answering(tmp_path, *ENDED).run_sh(wait)


@pytest.mark.parametrize("page", PAGES)
def test_the_table_of_problems_has_the_statuses_of_the_api(page: str) -> None:
    rows = [line.split("|")[1] for line in said_on(page).splitlines() if re.match(r"\| [45]\d\d", line)]
    told = {code: set(re.findall(r"\d{3}", row)) for row in rows for code in re.findall(r"`([a-z-]+)`", row)}
    assert told and told == {code: {str(openapi.status_of_code(code))} for code in told}
    paths = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))["paths"].values()
    answers = [each["responses"] for path in paths for each in path.values() if "responses" in each]
    given = {status for each in answers for status in each if status >= "400"}
    assert {status for row in rows for status in re.findall(r"\d{3}", row)} == given


@pytest.mark.parametrize("page", PAGES)
def test_the_batch_is_one_that_the_api_takes(page: str) -> None:
    [batch] = blocks(page, "json")
    assert [each.reference for each in msgspec.json.decode(batch, type=ApiNewBatch).rows] == ["PO-4711", "PO-4712"]


def test_the_request_for_a_signature_is_one_that_is_taken() -> None:
    [asked] = re.findall(r"printf '(\"credentialID\": .*)' ", said_on("csc.md"))
    pdf = sample_document()
    body = msgspec.json.decode("{" + asked % base64.b64encode(pdf).decode() + "}")
    assert ask_in(body).content == pdf and document_in(body) is not None


def test_the_verifier_takes_what_is_ours_and_recent() -> None:
    [block] = [each for each in blocks("api.md", "python") if "webhook-signature" in each]
    known: dict[str, Any] = {}
    exec(block, known)  # noqa: S102 -- what the page says
    secret, other, now = new_secret(), new_secret(), datetime.now(UTC)
    keys = WebhookKeys([other, secret])  # two, as while a secret is changed
    headers = keys.headers("evt_1", now, b"{}")
    is_ours = known["is_ours"]
    assert is_ours(shown_secret(secret), headers, b"{}") and is_ours(shown_secret(other), headers, b"{}")
    assert not is_ours(shown_secret(new_secret()), headers, b"{}")
    assert not is_ours(shown_secret(secret), headers, b"{ }")
    assert not is_ours(shown_secret(secret), headers | {"webhook-id": "evt_2"}, b"{}")
    assert not is_ours(shown_secret(secret), keys.headers("evt_1", now - timedelta(minutes=6), b"{}"), b"{}")
