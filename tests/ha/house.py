"""The house that the two nodes stand in: a network namespace with two rings and the front, their management
controllers, the time, and the outside witness. Nothing in it reaches any other network."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.ha.places import FRONT, HARNESS, NETWORKS, NODES, WITNESS, WITNESS_PORT, Place
from tests.machine import making
from tests.machine.commands import run
from tests.machine.failure import StepFailed

USER, PASSWORD = "fence", "nur-zum-Testen"
_CONTROLLER = """name "{name}"
set_working_mc 0x20
  startlan 1
    addr {address} 623
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa1234567890000{number:02}
  endlan
  chassis_control "{python} -I {script} {folder}"
  user 1 false "" "" user 10 none md2 md5 straight
  user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""
_EMULATION = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n"
"""One management controller with nothing but its chassis."""


class House:
    """Made when it is made, gone with :meth:`close`. Not thread-safe."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        # Whoever is in the namespace keeps it; this one does nothing else.
        self._keeper = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while Path(f"/proc/{self._keeper.pid}/comm").read_text() != "sleep\n":
            if time.monotonic() > deadline:
                raise StepFailed("there is no network namespace")
            time.sleep(0.02)
        self._lay_cables()

    def _lay_cables(self) -> None:
        self.inside("ip", "link", "set", "lo", "up")
        for network in NETWORKS:
            self.inside("ip", "link", "add", network, "type", "bridge")
            self.inside("ip", "link", "set", network, "up")
            for node in NODES:
                self.inside("ip", "tuntap", "add", "dev", node.cable(network), "mode", "tap")
                self.inside("ip", "link", "set", node.cable(network), "master", network, "up")
        for address in (HARNESS, WITNESS, *(node.controller for node in NODES)):
            self.inside("ip", "address", "add", f"{address}/24", "dev", FRONT)

    def network(self) -> Sequence[str]:
        """What to put before a command that shall run in the house."""
        return ("nsenter", "--target", str(self._keeper.pid), "--net")

    def inside(self, *command: str, check: bool = True, patience: float = 60) -> str:
        """What the *command* prints there. Raises :class:`StepFailed`."""
        return run((*self.network(), *command), check=check, patience=patience)

    def begin(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Something that serves there until :meth:`end`; its words are in the folder."""
        with (self._folder / f"{name}.log").open("ab") as words:
            self._processes[name] = subprocess.Popen(
                [*self.network(), *command],
                cwd=making.CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
            )
        return self._processes[name]

    def end(self, name: str) -> None:
        """It is over, whether it was still there or not."""
        process = self._processes.pop(name, None)
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def is_there(self, name: str) -> bool:
        """Whether it has not ended by itself."""
        return name in self._processes and self._processes[name].poll() is None

    def said(self, name: str) -> str:
        """What it said."""
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def start_controller(self, node: Place, folder: Path) -> None:
        """The management controller of *node*, whose machine is in *folder*: IPMI 2.0, on a current of its own."""
        settings = self._folder / f"{node.name}.conf"
        script = Path(__file__).with_name("power.py")
        settings.write_text(
            _CONTROLLER.format(
                name=node.name,
                number=node.number,
                address=node.controller,
                python=sys.executable,
                script=script,
                folder=folder,
                user=USER,
                password=PASSWORD,
            )
        )
        (self._folder / "controller.emu").write_text(_EMULATION)
        (self._folder / f"{node.name}.state").mkdir(exist_ok=True)
        where = ("-c", str(settings), "-f", str(self._folder / "controller.emu"))
        command = ("ipmi_sim", *where, "-s", str(self._folder / f"{node.name}.state"), "-n")
        for _ in range(5):  # it ends at once where the one before still has its port
            process = self.begin(f"controller-{node.name}", *command)
            time.sleep(1)
            if process.poll() is None:
                return
        raise StepFailed(f"no controller for {node.name}: {self.said(f'controller-{node.name}')[-300:]}")

    def stop_controller(self, node: Place) -> None:
        """It is without current, too."""
        self.end(f"controller-{node.name}")

    def start_clock(self) -> None:
        """The NTP server of the house."""
        self.begin("clock", sys.executable, "-m", "tests.machine.ntp", HARNESS)

    def start_witness(self, settings: Path) -> None:
        """The outside witness, as ``vermilion witness serve`` has it."""
        program = str(Path(sys.executable).with_name("vermilion"))
        self.begin("witness", program, "witness", "serve", "--settings", str(settings))

    def close(self) -> None:
        """Everything that serves there ends, and the namespace with it."""
        for name in list(self._processes):
            self.end(name)
        self._keeper.kill()
        self._keeper.wait()


def witness_settings(folder: Path, log_key: str) -> Path:
    """The settings of the house's witness, which is in *folder* and knows the log with that vkey."""
    path = folder / "witness.toml"
    path.write_text(
        "[witness]\n"
        'name = "witness.house.example/w1"\n'
        'directory = "witness"\n'
        f'logs = ["{log_key}"]\n'
        f'listen = "{WITNESS}:{WITNESS_PORT}"\n',
        encoding="utf-8",
    )
    return path
