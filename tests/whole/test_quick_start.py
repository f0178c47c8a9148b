"""The quick start of the API, done word for word on an appliance that runs: who follows it gets where it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.house import ROW
from tests.ports import free_port
from tests.world import sample_document

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
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


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [content for found, content in BLOCK.findall(text) if found == language]


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
