"""What the steps of one run share: folders, the bundle, the machine, and the people who use it from outside."""

from __future__ import annotations

import ctypes
import json
import os
import re
import secrets
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.events.receiver import make_certificate
from tests.machine import employing, making
from tests.machine.commands import LONGEST, run
from tests.machine.container import Container
from tests.machine.failure import StepFailed
from tests.machine.virtual import VirtualMachine

_RECAP = re.compile(r"ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")
_MESSAGE = re.compile(r'"msg": ("(?:[^"\\]|\\.)*")')
_STA_UNSYNC = 0x40
"""adjtimex(2): the kernel's clock is not synchronised."""


class Bed:
    """``kept`` outlives the run (a minimal Debian, bundles), ``folder`` does not."""

    def __init__(self, kept: Path, folder: Path) -> None:
        self.kept = kept
        self.folder = folder
        self.company = folder / "company"
        self.company.mkdir(parents=True)
        self.machine = Container(folder / "root", f"vermilion-{os.getpid()}")
        self.virtual: VirtualMachine | None = None
        self.bundle = Path()
        self.successor = Path()
        self.served = making.CHECKOUT
        """The checkout of the release that the machine runs: whoever is outside knows its pages."""
        self.log_key = ""
        self.untouched = ""
        """What is changed by hand, as it was before."""
        self.receivers = make_certificate(self.company / "receivers.pem")
        (self.company / "gateway.key").write_text(secrets.token_hex(32))
        employing.found(self.company)
        self.began = time.monotonic()
        self.to_first_contract = 0.0
        """Seconds from a bare machine to the first signed contract; 0 while there is none."""

    def carry(self, bundle: Path, to: str = "/root", keyring: str = "vermilion-bundle.asc") -> str:
        """The bundle, its key and the settings are put on the machine, and it is verified and unpacked there as
        docs/installation.md says; the folder that it is in."""
        self.bring(bundle, to)
        unpack = f"tar -xf {bundle.name} --no-same-owner && rm {bundle.name}"
        if signature_of(bundle).exists():  # early releases have none: their `install` alone checks them
            unpack = f"sqv --keyring {keyring} --signature-file {bundle.name}.sig {bundle.name} && {unpack}"
        self.machine.run(f"cd {to} && {unpack}")
        return f"{to}/{bundle.stem}"

    def bring(self, bundle: Path, to: str = "/root") -> str:
        """The archive, its signature, its key and the settings that its release knows are put on the machine, with
        the secrets and the authorities of the company's other servers; where the archive is."""
        inside = self.machine.root / to.strip("/")
        for path in (bundle, signature_of(bundle), bundle.with_name("vermilion-bundle.asc")):
            if path.exists():
                shutil.copy(path, inside)
        (inside / "settings.yml").write_text(self.settings_for(bundle), encoding="utf-8")
        for name in ("gateway.key", *employing.CARRIED):
            shutil.copy(self.company / name, inside)
        trusted = self.machine.root / "usr/local/share/ca-certificates"
        trusted.mkdir(parents=True, exist_ok=True)
        (trusted / "receivers.crt").write_text(self.receivers)
        return f"{to}/{bundle.name}"

    def settings_for(self, bundle: Path) -> str:
        """Those of :meth:`settings` that the release in *bundle* knows."""
        known, lines = making.settings_of(bundle), self.settings().splitlines(keepends=True)
        return "".join(line for line in lines if not line[0].isalpha() or line.partition(":")[0] in known)

    def settings(self, **changes: str) -> str:
        """The settings of the tested machine; *changes* are lines of YAML by name."""
        lines = (Path(__file__).parent / "settings/provisioning.yml").read_text(encoding="utf-8").splitlines()
        given = {"application_time_source": time_source(), "backup_recipients": f"[{self.recovery()}]", **changes}
        kept = [line for line in lines if line.partition(":")[0] not in given]
        return "\n".join([*kept, *(f"{name}: {value}" for name, value in given.items())]) + "\n"

    def recovery(self) -> str:
        """The public half of the recovery key, which is made when it is first asked for."""
        key, public = self.folder / "recovery.key", self.folder / "recovery.public"
        if not key.exists():
            public.write_text(self.make_recovery_key(key))
        return public.read_text()

    def make_recovery_key(self, path: Path) -> str:
        """A new recovery key in the file *path*; its public half."""
        told = run((str(Path(sys.executable).parent / "vermilion"), "backup", "key", str(path)))
        found = re.search(r"age1[0-9a-z]+", told)
        if found is None:
            raise StepFailed(f"`vermilion backup key` prints no recipient: {told}")
        return found[0]

    def install(self, *options: str, place: str = "") -> Recap:
        """Runs ``install`` of the unpacked bundle on the machine. Raises :class:`StepFailed` when it fails."""
        return Recap(self.machine.run(self._command(options, place)))

    def refused(self, *options: str, place: str = "") -> str:
        """By which sentence ``install`` refuses. Raises :class:`StepFailed` when it does not."""
        return refusal(self.machine.run(f"! {{ {self._command(options, place)}; }}"))

    def _command(self, options: Sequence[str], place: str) -> str:
        folder = place or f"/root/{self.bundle.stem}"
        given = f"--key /root/vermilion-bundle.asc --settings /root/settings.yml {' '.join(options)}"
        return f"cd {folder} && ./install {given}"

    def rely_on(self, source: str) -> None:
        """What the setting ``application_time_source`` does, without the minute of another installation."""
        self.machine.run(
            f"sed -i '/^\\[time\\]/,/^\\[/s/^source = .*/source = \"{source}\"/' /etc/vermilion/authority.toml"
            " && systemctl restart vermilion-authority.service"
        )

    def know_certificate(self) -> None:
        """People outside are told of the certificate that the machine has made for itself."""
        (self.company / "tls.pem").write_text(self.machine.read("/etc/nginx/tls/own.pem"))

    def outside(self, verb: str, *arguments: object, patience: float = LONGEST) -> str:
        """What ``outside.py`` says of *verb*, in the machine's network. Raises :class:`StepFailed`."""
        machine = self.virtual or self.machine
        command = (*machine.network(), *self.errand(verb, *arguments))
        return run(command, patience=patience, within=str(self.served)).strip()

    def errand(self, verb: str, *arguments: object) -> tuple[str, ...]:
        """The command of ``outside.py`` for that; it knows the client of the API, which is not installed."""
        python = ("env", f"PYTHONPATH={self.served}/clients/python", sys.executable, "-m", "tests.machine.outside")
        return (*python, str(self.company), verb, *map(str, arguments))

    @contextmanager
    def beside(self, verb: str) -> Iterator[None]:
        """What ``outside.py`` serves as *verb*, in the machine's network, from when it says that it is ready.
        Raises :class:`StepFailed`."""
        command = (*(self.virtual or self.machine).network(), *self.errand(verb))
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=str(self.served)
        ) as serving:
            assert serving.stdin is not None and serving.stdout is not None
            if (said := serving.stdout.readline().strip()) != employing.READY:
                raise StepFailed(f"{verb}: {said} {serving.communicate()[0][-1500:]}")
            try:
                yield
            finally:
                serving.communicate()  # closes what it reads, which ends it

    def meanwhile(self, verb: str, act: Callable[[], object]) -> str:
        """What :meth:`outside` says of *verb*; until it does, *act* is done again and again, at least once."""
        with ThreadPoolExecutor(1) as pool:
            told = pool.submit(self.outside, verb)
            act()
            while not told.done():
                act()
        return told.result()

    def with_services_stopped(self, script: str) -> None:
        """Runs *script* on the machine while the appliance is stopped; starts it again whatever comes of it."""
        sockets = "vermilion-web.socket vermilion-tsa.socket"
        # As `vermilion-stop`, which early releases lack: the target alone is inactive before its services are.
        parts = "$(systemctl show --property ConsistsOf --value vermilion.target)"
        self.machine.run(f"systemctl stop {sockets} vermilion.target {parts}")
        try:
            self.machine.run(script)
        finally:
            self.machine.run(f"systemctl start {sockets} vermilion.target")

    def close(self) -> None:
        """Takes the machine down and removes what the run made."""
        if self.virtual is not None:
            self.virtual.cut()
        self.machine.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


class Recap:
    """What Ansible says at the end of a run, and everything that it printed before."""

    def __init__(self, told: str) -> None:
        found = _RECAP.findall(told)
        if not found:
            raise StepFailed(f"Ansible did not come to its end:\n{told[-1500:]}")
        self.told = told
        self.ok, self.changed, _, self.failed = (int(number) for number in found[-1])

    def __str__(self) -> str:
        return f"ok={self.ok} changed={self.changed} failed={self.failed}"

    def changed_tasks(self) -> set[str]:
        """The names of tasks and handlers that changed something, each after that of its role."""
        names, task = set[str](), ""
        for line in self.told.splitlines():
            if line.startswith(("TASK [", "RUNNING HANDLER [")):
                task = line.partition("[")[2].partition("]")[0]
            elif line.startswith("changed:"):
                names.add(task)
        return names

    def tasks_that_changed(self) -> str:
        """The same in words, for whoever expected others."""
        return ", ".join(sorted(self.changed_tasks()))


def signature_of(bundle: Path) -> Path:
    """Where the detached signature of the archive is."""
    return bundle.with_name(f"{bundle.name}.sig")


def refusal(told: str) -> str:
    """The sentence at the end of what ``install`` printed: Ansible's, or its own."""
    if messages := _MESSAGE.findall(told):
        return str(json.loads(messages[-1]))
    last = (told.strip().splitlines() or [""])[-1]
    if not last.startswith("install: "):
        raise StepFailed(f"it refuses without a word:\n{told[-1500:]}")
    return last.removeprefix("install: ")


def time_source() -> str:
    """What the tested machine can rely on: a container has its host's clock, which may not be synchronised."""
    return "declared" if host_is_unsynchronised() else "kernel"


def host_is_unsynchronised() -> bool:
    """What this machine's kernel says of its clock."""
    state = ctypes.create_string_buffer(256)
    ctypes.CDLL(None).adjtimex(state)
    # struct timex: modes (int), then offset, freq, maxerror, esterror (long), then status (int).
    status: int = struct.unpack_from("@i4qi", state.raw)[5]
    return bool(status & _STA_UNSYNC)
