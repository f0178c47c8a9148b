"""A real authority for tests: fresh SoftHSM tokens, the development ceremony, the daemon in its own process."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hsm import config
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused, AuthorityError, AuthorityUnreachable, BadRequest
from hsm.home import make_home
from hsm.intents import Activation, OfficerIntent, SigningIntent, WebAuthnActivation
from hsm.operation_types import Approvals
from tests.shared import made_once
from tests.warm_programs import StartedCopy, start_authority

ORGANISATION = "甲公司示例有限公司"
OFFICER = "officer-wang"
RP_ID, ORIGIN = "localhost", "http://localhost:8083"

T = TypeVar("T")
Operation = Callable[[Any], object]


@dataclass(slots=True)
class RunningAuthority:
    """A home whose daemon runs, and its officer's authenticator. ``warm``: how it was started (:func:`start`)."""

    root: Path
    process: subprocess.Popen[bytes] | StartedCopy
    officer: SoftwareAuthenticator
    warm: bool = True
    clients: dict[str, AuthorityClient] = field(default_factory=dict)

    def client(self, role: str) -> AuthorityClient:
        """The client of *role*, such as web or activation."""
        if role not in self.clients:
            self.clients[role] = AuthorityClient(self.socket(role))
        return self.clients[role]

    def socket(self, role: str) -> Path:
        return self.root / f"run/authority-{role}.sock"

    @property
    def log(self) -> str:
        """What the daemon wrote."""
        return (self.root / "daemon.log").read_text()

    def officer_act(self, kind: str, /, **details: object) -> OfficerIntent:
        return OfficerIntent(kind, details, soon(), secrets.token_bytes(16))

    def by_officer(self, act: OfficerIntent) -> list[Activation]:
        return [self.officer.activate(OFFICER, act)]

    def officer_does(self, operation: Callable[[OfficerIntent], T], act: OfficerIntent) -> T:
        """The officer activates *act*, then *operation* of a client does it."""
        self.confirm(self.officer, OFFICER, act)
        return operation(act)

    def confirm(
        self, device: SoftwareAuthenticator, subject: str, act: SigningIntent | OfficerIntent
    ) -> Approvals:
        """What the activation service does when *subject* activates *act* by *device*."""
        return self.approve(act, device.activate(subject, act))

    def approve(self, act: SigningIntent | OfficerIntent, activation: Activation) -> Approvals:
        """What the activation service does with an *activation*."""
        return self.client("activation").approve(act, activation)

    def sign(self, intent: SigningIntent, *by: tuple[SoftwareAuthenticator, str]) -> bytes:
        """What the portal gets after each of *by*, a device and whose it is, has activated *intent*."""
        for device, subject in by:
            self.confirm(device, subject, intent)
        return self.client("web").sign_document(intent)

    def refuses(self, operation: Operation, act: SigningIntent | OfficerIntent, activation: Activation) -> str:
        """The sentence with which *activation* of *act* is refused. Nothing of it is remembered then, and the
        *operation* of a client, which has no activation with it, is refused as well."""
        service = self.client("activation")
        before = service.approvals(act)
        with pytest.raises(AuthorityError) as caught:
            service.approve(act, activation)
        assert isinstance(caught.value, (ActivationRefused, BadRequest)), caught.value
        assert service.approvals(act) == before
        with pytest.raises(ActivationRefused):
            operation(act)
        return str(caught.value)

    def register(self, subject: str, device: SoftwareAuthenticator) -> str:
        """What the activation service does when *subject* sets up *device*; the fingerprint."""
        service = self.client("activation")
        return service.register_passkey(
            subject, device.register(service.begin_registration(subject).challenge)
        ).fingerprint

    def appoint(
        self,
        code: str,
        subject: str,
        device: SoftwareAuthenticator,
        *,
        name: str = "钱见证",
        organisation: str = ORGANISATION,
    ) -> None:
        """What it does when a first officer types *code* and sets up *device*."""
        service = self.client("activation")
        answer = device.register(service.begin_registration(subject).challenge)
        service.appoint_officer(code, subject, name, organisation, answer, "a form")

    def restore(self, code: str, subject: str, device: SoftwareAuthenticator) -> None:
        """What it does when an officer types the *code* of a recovery and sets up *device*."""
        service = self.client("activation")
        answer = device.register(service.begin_registration(subject).challenge)
        service.restore_officer(code, subject, answer, "a form")

    def enrol_person(self, subject: str, *, organisation: str = ORGANISATION) -> SoftwareAuthenticator:
        """Enrols *subject* with a new authenticator."""
        device = SoftwareAuthenticator.create(RP_ID, ORIGIN)
        act = self.officer_act(
            "enrol_person",
            subject=subject,
            name="张示例",
            organisation=organisation,
            credentials=[self.register(subject, device)],
        )
        self.officer_does(self.client("operator").enrol_person, act)
        return device

    def enrol_seal(
        self, subject: str, custodians: Sequence[str], *, needed: int = 1, organisation: str = ORGANISATION
    ) -> None:
        act = self.officer_act(
            "enrol_seal",
            subject=subject,
            name=f"{organisation}合同专用章",
            organisation=organisation,
            custodians=list(custodians),
            kind="合同专用章",
            needed=needed,
        )
        self.officer_does(self.client("operator").enrol_seal, act)

    def restart(self) -> None:
        """Ends the daemon in order and starts it again on the same home."""
        end(self.process)
        self.process = start(self.root, warm=self.warm)


@dataclass(frozen=True, slots=True)
class _Given:
    value: bytes

    def challenge(self) -> bytes:
        return self.value


def assertion_over(device: SoftwareAuthenticator, subject: str, challenge: bytes) -> WebAuthnActivation:
    """An assertion of *device* over a *challenge* that is of no intent."""
    return device.activate(subject, _Given(challenge))


def soon(minutes: float = 5) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def intent_for(signer: str, *, document: bytes = b"a contract") -> SigningIntent:
    """An intent of *signer* to sign *document*, for the next five minutes."""
    return SigningIntent(
        contract="contract-1",
        party="party-1",
        field="Signature1",
        signer=signer,
        digest=hashlib.sha256(document).digest(),
        expires=soon(),
        nonce=secrets.token_bytes(16),
    )


@contextmanager
def running_authority(
    *, settings: str = "", workers: int = 2, another: bool = False, warm: bool = True
) -> Iterator[RunningAuthority]:
    """A home of its own, its ceremony held, its daemon serving; *settings* is more TOML for ``authority.toml``.

    The ceremony is held once in a process of tests, and its home copied; ``another`` authority has its own keys.
    Those whose processes are looked at are not *warm*.
    """
    root = Path(tempfile.mkdtemp(prefix="vermilion-"))
    try:
        if another:
            _hold_ceremony(root)
        else:
            shutil.copytree(_template_home(), root, dirs_exist_ok=True)
            configuration = root / "hsm/softhsm2.conf"
            configuration.write_text(configuration.read_text().replace(str(_template_home()), str(root)))
        with (root / "config/authority.toml").open("a", encoding="utf-8") as stream:
            stream.write(f"\n[workers]\ncount = {workers}\n{settings}")
        officer = SoftwareAuthenticator.load(root / f"people/{OFFICER}.json")
        authority = RunningAuthority(root, start(root, warm=warm), officer, warm)
        try:
            yield authority
        finally:
            for client in authority.clients.values():
                client.close()
            end(authority.process)
    finally:
        shutil.rmtree(root)


@cache
def _template_home() -> Path:
    """A home after its ceremony, in which nothing has run."""
    return made_once("authority", _hold_ceremony)


def _hold_ceremony(root: Path) -> None:
    make_home(root)
    plan = resources.files("hsm.ceremonies").joinpath("development.toml")
    run(root, "ceremony", str(plan), "--codes-to", str(root / "secrets/setup.code"))


def run(root: Path, *arguments: str) -> str:
    """What ``vermilion-authority`` prints for *arguments* in the home *root*."""
    done = subprocess.run(
        [sys.executable, "-m", "hsm.cli", *arguments],
        env={**os.environ, "VERMILION_HOME": str(root)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def start(root: Path, *, module: str = "hsm.cli", warm: bool = False) -> subprocess.Popen[bytes] | StartedCopy:
    """The daemon of *root*, once it answers; *module* is another one that serves. A *warm* one is a copy of a
    process that has loaded its code."""
    environment = {**os.environ, "VERMILION_HOME": str(root)}
    process: subprocess.Popen[bytes] | StartedCopy
    if warm:
        process = start_authority(environment, root / "daemon.log")
    else:
        with (root / "daemon.log").open("ab") as log:
            command = [sys.executable, "-m", module, "serve"]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    home = config.AuthorityHome(root)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with AuthorityClient(home.socket(config.PeerRole.OPERATOR)) as client:
                client.status()
                return process
        except AuthorityUnreachable:
            time.sleep(0.02)
    end(process)
    raise AssertionError((root / "daemon.log").read_text())


def end(process: subprocess.Popen[bytes] | StartedCopy) -> None:
    """SIGTERM, and wait. A daemon that does not end is a failure, and killed: no later test meets it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=60)
            raise


def wait_until_unlocked(root: Path) -> None:
    """Nobody holds the daemon's lock of *root* any more. After a kill a worker that was just forked, and has not
    run yet, has it for a moment longer than the daemon."""
    deadline = time.monotonic() + 60
    with config.AuthorityHome(root).single.open("ab") as lock:
        while time.monotonic() < deadline:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.02)
    raise AssertionError(f"somebody holds the lock of the authority in {root}")
