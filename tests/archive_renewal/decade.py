"""A site whose clock can be set forward by years: authority (SoftHSM) and appliance are real, and share it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

from appliance.config import load
from appliance.home import Home
from appliance.model.contract import Contract
from appliance.wiring import Appliance, open_appliance
from hsm.client import AuthorityClient
from hsm.errors import AuthorityUnreachable
from tests.authority import end
from tests.world import confirm, copy_home, sample_document, send, shared_confinement, template_home

YEAR = timedelta(days=365.25)
OFFICER = "officer-wang"
RENEWAL = resources.files("hsm.ceremonies").joinpath("renewal.toml").read_text(encoding="utf-8")
PARTICIPANTS = RENEWAL[: RENEWAL.index("# Every year")]


class Decade:
    """The site. Its clock starts at the machine's time and goes on with it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.started = datetime.now(UTC)
        self._ahead = home.root / "ahead"
        self._ahead.write_text("0")

    def now(self) -> datetime:
        """The time at the site."""
        return datetime.now(UTC) + timedelta(seconds=int(self._ahead.read_text()))

    def later(self, *, seconds: float) -> datetime:
        """So many seconds after now: what is made just now is dated, to the second, before then."""
        return self.now() + timedelta(seconds=seconds)

    def move_to(self, years: float) -> datetime:
        """Sets the clock forward, to so many years after the beginning."""
        ahead = self.started + years * YEAR - datetime.now(UTC)
        self._ahead.write_text(str(int(ahead.total_seconds())))
        return self.now()

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The authority serves."""
        log = self.home.root / "log-authority.txt"
        with log.open("ab") as stream:
            process = subprocess.Popen(self._command("serve"), env=self._environment(), stderr=stream)
        try:
            self._wait(process, log)
            yield
        finally:
            end(process)

    def renew(self, *steps: str) -> str:
        """A renewal with these steps (TOML), held while the authority stands still; its transcript."""
        plan = self.home.root / "renewal.toml"
        plan.write_text(PARTICIPANTS + "\n".join(steps), encoding="utf-8")
        done = subprocess.run(
            self._command("renew", str(plan), "--in-software", OFFICER),
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def opened(self, role: str = "web") -> Iterator[Appliance]:
        """The appliance as a process of *role* sees it."""
        with open_appliance(
            load(self.home), role=role, now=self.now, confinement=shared_confinement()
        ) as appliance:
            yield appliance

    @contextmanager
    def sequenced(self) -> Iterator[None]:
        """What waits for its place in the log gets it, as the scheduler does it."""
        over = threading.Event()

        def run() -> None:
            with self.opened("scheduler") as appliance:
                while not over.wait(0.1):
                    appliance.sequencer.run_once()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _command(self, *arguments: str) -> Sequence[str]:
        return [sys.executable, "-m", "tests.archive_renewal.authority_at", str(self._ahead), *arguments]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "VERMILION_HOME": str(self.home.root)}

    def _wait(self, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with AuthorityClient(self.home.authority_socket("web")) as client:
                    client.status()
                    return
            except AuthorityUnreachable:
                time.sleep(0.05)
        raise AssertionError(f"the authority does not serve: {log.read_text()}")


@contextmanager
def decade() -> Iterator[Decade]:
    """A new site, with everybody enrolled and agreed."""
    with tempfile.TemporaryDirectory(prefix="vermilion-") as directory:
        yield Decade(copy_home(template_home(), Path(directory)))


def completed(appliance: Appliance) -> Contract:
    """A contract between Zhang and Li, with a seal, signed by all and sealed off."""
    contract = send(appliance, sample_document(2))
    for party in contract.parties:
        prepared = appliance.cycle.prepare(contract.id, party.id)
        confirm(appliance, prepared.intent)
        appliance.cycle.sign(prepared.id)
        appliance.cycle.complete(prepared.id)
    return appliance.finalisation.finalise(contract.id)
