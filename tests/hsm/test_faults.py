"""What goes wrong around the authority: the HSM leaves, workers die, PINs are wrong."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hsm import protocol
from hsm.client import AuthorityClient
from hsm.errors import (
    ActivationRefused,
    ActivationUsed,
    AuthorityError,
    AuthorityLocked,
    AuthorityUnreachable,
    ConfigurationRefused,
    ModuleUnavailable,
    StoreUnavailable,
)
from hsm.operation_types import AuthorityState
from hsm.timestamp import order_for
from tests.authority import RunningAuthority, intent_for, run, running_authority, start, wait_until_unlocked
from tests.sweeps import first_of

ORDER = order_for(bytes(32))


@pytest.fixture(scope="module")
def own() -> Iterator[RunningAuthority]:
    """An authority that these tests may hurt."""
    with running_authority(warm=False) as running:
        yield running


def eventually(act: Callable[[], object], *, seconds: float = 60) -> object:
    """What *act* gives once it no longer raises."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return act()
        except AuthorityError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_the_hsm_goes_in_the_middle_and_comes_back(own: RunningAuthority) -> None:
    tokens, away = own.root / "hsm/tokens", own.root / "hsm/tokens-away"
    device = own.enrol_person("person-patient")
    client = own.client("web")
    assert client.timestamp([ORDER])

    tokens.rename(away)
    with pytest.raises(ModuleUnavailable, match="nothing was signed"):
        client.timestamp([ORDER])
    intent = intent_for("person-patient")
    assert own.confirm(device, "person-patient", intent).enough  # which takes no HSM
    with pytest.raises(ModuleUnavailable):
        client.sign_document(intent)
    assert client.status().state is AuthorityState.UNAVAILABLE

    away.rename(tokens)
    assert eventually(lambda: client.timestamp([ORDER]))
    # The activation was not used up by the attempt that could not be served.
    assert eventually(lambda: client.sign_document(intent))


def test_an_hsm_that_goes_between_activation_and_signature_says_that_the_activation_is_used_up(
    own: RunningAuthority,
) -> None:
    tokens, away = own.root / "hsm/tokens", own.root / "hsm/tokens-away"
    device = own.enrol_person("person-unlucky")
    client = own.client("web")
    first, intent = intent_for("person-unlucky"), intent_for("person-unlucky", document=b"another")
    own.sign(first, (device, "person-unlucky"))  # this worker knows the key now

    own.confirm(device, "person-unlucky", intent)
    tokens.rename(away)
    with pytest.raises(ActivationUsed, match="nothing was signed"):
        client.sign_document(intent)
    away.rename(tokens)
    assert eventually(lambda: client.timestamp([ORDER]))
    with pytest.raises(ActivationUsed, match="used before"):
        client.sign_document(intent)


def test_a_full_disk_uses_no_activation_up(own: RunningAuthority) -> None:
    device, intent = own.enrol_person("person-early"), intent_for("person-early")
    activation = device.activate("person-early", intent)
    client = own.client("web")
    with full_disk(own), pytest.raises(StoreUnavailable, match="nothing was signed"):
        own.approve(intent, activation)
    assert client.approvals(intent).given == ()
    with pytest.raises(ActivationRefused):
        client.sign_document(intent)
    own.approve(intent, activation)
    with full_disk(own), pytest.raises(StoreUnavailable, match="nothing was signed"):
        client.sign_document(intent)
    assert client.sign_document(intent)


@contextmanager
def full_disk(own: RunningAuthority) -> Iterator[None]:
    """No worker can write."""
    for worker in workers_of(own):
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    for worker in workers_of(own):
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_a_daemon_without_hsm_starts_and_waits_for_it(own: RunningAuthority) -> None:
    tokens, away = own.root / "hsm/tokens", own.root / "hsm/tokens-away"
    tokens.rename(away)
    own.restart()
    with pytest.raises(ModuleUnavailable):
        own.client("web").timestamp([ORDER])

    away.rename(tokens)

    assert eventually(lambda: own.client("web").timestamp([ORDER]))


def test_another_workers_death_costs_at_most_one_answer(own: RunningAuthority) -> None:
    children = workers_of(own)
    assert len(children) == 2
    for child in children:
        os.kill(child, signal.SIGKILL)

    assert eventually(lambda: own.client("web").timestamp([ORDER]))
    wait_until_replaced(own, children)


def test_times_never_go_back_over_kill_9(own: RunningAuthority) -> None:
    before = own.client("tsa").timestamp([ORDER])[0]
    own.process.kill()
    own.process.wait()
    wait_until_unlocked(own.root)
    own.process = start(own.root)

    after = eventually(lambda: own.client("tsa").timestamp([ORDER])[0])

    assert after.gen_time > before.gen_time  # type: ignore[attr-defined]


def test_workers_end_with_their_parent(own: RunningAuthority) -> None:
    children = workers_of(own)
    own.process.kill()
    own.process.wait()

    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    own.process = start(own.root)


def test_sigterm_lets_begun_work_finish(own: RunningAuthority) -> None:
    asked = protocol.request("timestamp", {"orders": [ORDER.fields()] * 200})
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(own.socket("tsa")))
        peer.sendall(protocol.request("status", {}))
        assert answer_on(peer)  # a worker has the connection
        peer.sendall(asked)  # and the request has reached it
        own.process.send_signal(signal.SIGTERM)
        answers = answer_on(peer)
    own.process.wait(timeout=60)
    assert len(answers) == 200
    assert own.process.returncode == 0
    assert not own.socket("web").exists()
    with pytest.raises(AuthorityUnreachable):
        own.client("web").status()
    own.process = start(own.root)


def answer_on(peer: socket.socket) -> Any:
    """The result in the next frame."""
    with peer.makefile("rb") as stream:
        return protocol.result(protocol.message(stream.read(protocol.length(stream.read(protocol.HEADER)))))


def test_the_parent_never_loads_the_module() -> None:
    """All that it imports is imported here, also what it loads for its workers; they import the rest."""
    asked = (
        "import sys, hsm.cli, hsm.daemon; hsm.daemon._load_shared_code();"
        " print('hsm.activation' in sys.modules, [name for name in sys.modules if 'pkcs11' in name])"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout
    assert told.strip() == b"True []"


def test_the_pin_is_in_no_argument_and_no_environment(own: RunningAuthority) -> None:
    pins = [(own.root / "secrets" / name).read_bytes().strip() for name in ("user.pin", "so.pin", "root.pin")]
    for process in (own.process.pid, *workers_of(own)):
        for place in ("cmdline", "environ"):
            try:
                content = Path(f"/proc/{process}/{place}").read_bytes()
            except PermissionError:  # nobody but root can read it at all
                continue
            assert not any(pin in content for pin in pins)
    assert not any(pin.decode() in own.log for pin in pins)


def test_no_worker_dumps_core(own: RunningAuthority) -> None:
    for process in (own.process.pid, *workers_of(own)):
        limits = Path(f"/proc/{process}/limits").read_text()
        assert re.search(r"Max core file size\s+0\s+0\s", limits)


def test_a_second_daemon_is_refused(own: RunningAuthority) -> None:
    with pytest.raises(AssertionError, match="already runs"):
        run(own.root, "serve")
    assert own.client("web").timestamp([ORDER])


def test_a_wrong_pin_is_tried_once_and_never_again() -> None:
    with running_authority(warm=False) as fresh:
        pin = fresh.root / "secrets/user.pin"
        right = pin.read_text()
        pin.write_text("000000000000\n")
        fresh.restart()
        clients = [AuthorityClient(fresh.socket("web")) for _ in range(4)]
        for client in clients * 2:
            with pytest.raises(AuthorityLocked):
                client.timestamp([ORDER])
        assert fresh.client("web").status().state is AuthorityState.LOCKED
        fresh.restart()
        pin.write_text(right)
        fresh.restart()
        with pytest.raises(AuthorityLocked, match="not tried again"):
            fresh.client("web").timestamp([ORDER])

        # The latch outlived two restarts and a corrected PIN; only the operator opens it.
        assert "permitted" in run(fresh.root, "release-latch")
        fresh.restart()
        assert fresh.client("web").timestamp([ORDER])


@pytest.mark.long
@pytest.mark.parametrize("restarted", first_of([False, True]), ids=["in one run", "over a restart"])
def test_releasing_the_latch_gives_no_worker_a_second_try_of_the_wrong_pin(restarted: bool) -> None:
    with running_authority(warm=False) as fresh:
        pin = fresh.root / "secrets/user.pin"
        right = pin.read_text().strip()
        pin.write_text("000000000000\n")
        fresh.restart()
        with pytest.raises(AuthorityLocked):
            fresh.client("web").timestamp([ORDER])
        if restarted:
            fresh.restart()
        run(fresh.root, "release-latch")
        clients = [AuthorityClient(fresh.socket("tsa")) for _ in range(4)]
        for client in clients:
            with pytest.raises(AuthorityLocked, match="has no PIN"):
                client.timestamp([ORDER])

        act = fresh.officer_act("unlock")
        fresh.client("operator").unlock(act, fresh.by_officer(act), pins=[right])
        for client in clients:
            assert eventually(lambda client=client: client.timestamp([ORDER]))  # type: ignore[misc]


def test_an_officer_unlocks_past_the_latch_with_a_newer_pin_that_is_tried_once() -> None:
    with running_authority(warm=False) as fresh:
        pin = fresh.root / "secrets/user.pin"
        right = pin.read_text().strip()
        pin.write_text("000000000000\n")
        fresh.restart()
        operator = fresh.client("operator")
        for tried in ("000000000000", "111111111111"):
            act = fresh.officer_act("unlock")
            with pytest.raises(AuthorityLocked, match=r"refused the PIN|not tried again"):
                operator.unlock(act, fresh.by_officer(act), pins=[tried])
        with pytest.raises(AuthorityLocked, match="not tried again"):
            fresh.client("web").timestamp([ORDER])
        act = fresh.officer_act("unlock")
        operator.unlock(act, fresh.by_officer(act), pins=[right])
        assert operator.status().state is AuthorityState.OPERATIONAL
        assert eventually(lambda: fresh.client("web").timestamp([ORDER]))  # another worker, which is told


def test_attended_mode_locks_and_unlocks_every_worker() -> None:
    with running_authority(warm=False) as fresh:
        pin = (fresh.root / "secrets/user.pin").read_text().strip()
        fresh.client("operator").lock()
        clients = [AuthorityClient(fresh.socket("tsa")) for _ in range(4)]
        eventually_locked(clients)
        act = fresh.officer_act("unlock")

        with pytest.raises(AuthorityError):
            fresh.client("operator").unlock(act, [], pins=[pin])
        fresh.client("operator").unlock(act, fresh.by_officer(act), pins=[pin[:6], pin[6:]])

        for client in clients:
            assert eventually(lambda client=client: client.timestamp([ORDER]))  # type: ignore[misc]
        before = workers_of(fresh)
        os.kill(before[0], signal.SIGKILL)
        wait_until_replaced(fresh, before[:1])
        for client in clients:
            assert eventually(lambda client=client: client.timestamp([ORDER]))  # type: ignore[misc]


def eventually_locked(clients: list[AuthorityClient]) -> None:
    deadline = time.monotonic() + 60
    for client in clients:
        while time.monotonic() < deadline:
            try:
                client.timestamp([ORDER])
            except AuthorityLocked:
                break
        else:
            raise AssertionError("a worker did not lock")


def test_a_wrong_setting_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"workers\.cuont does not exist"):
        (tmp_path / "config").mkdir()
        (tmp_path / "config/authority.toml").write_text("[workers]\ncuont = 2\n")
        run(tmp_path, "serve")
    assert ConfigurationRefused.code == "configuration-refused"


def wait_until_replaced(authority: RunningAuthority, ended: list[int]) -> None:
    """There are two workers again, and none of those that *ended*."""
    deadline = time.monotonic() + 60
    while len(now := workers_of(authority)) < 2 or not set(now).isdisjoint(ended):
        assert time.monotonic() < deadline, now
        time.sleep(0.05)


def workers_of(authority: RunningAuthority) -> list[int]:
    pid = authority.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]
