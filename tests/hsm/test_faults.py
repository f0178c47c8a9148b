"""What goes wrong around the authority: the HSM leaves, workers die, PINs are wrong, frames are hostile."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import cbor2
import pytest

from hsm import protocol
from hsm.client import AuthorityClient
from hsm.errors import (
    AuthorityError,
    AuthorityLocked,
    AuthorityUnreachable,
    BadRequest,
    ConfigurationRefused,
    ModuleUnavailable,
    NotPermitted,
)
from hsm.operations import PERMITTED
from hsm.status import AuthorityState
from hsm.timestamp import order_for
from tests.authority import RunningAuthority, end, intent_for, run, running_authority, start

ORDER = order_for(bytes(32))


@pytest.fixture(scope="module")
def own() -> Iterator[RunningAuthority]:
    """An authority that these tests may hurt."""
    with running_authority() as running:
        yield running


def eventually(act: Callable[[], object], *, seconds: float = 20) -> object:
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
    activation = device.activate("person-patient", intent)
    with pytest.raises(ModuleUnavailable):
        client.sign_document(intent, [activation])
    assert client.status().state is AuthorityState.UNAVAILABLE

    away.rename(tokens)
    assert eventually(lambda: client.timestamp([ORDER]))
    # The activation was not used up by the attempt that could not be served.
    assert eventually(lambda: client.sign_document(intent, [activation]))


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
    deadline = time.monotonic() + 10
    while len(workers_of(own)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(workers_of(own)) == 2
    assert set(workers_of(own)).isdisjoint(children)


def test_times_never_go_back_over_kill_9(own: RunningAuthority) -> None:
    before = own.client("tsa").timestamp([ORDER])[0]
    own.process.kill()
    own.process.wait()
    own.process = start(own.root)

    after = eventually(lambda: own.client("tsa").timestamp([ORDER])[0])

    assert after.gen_time > before.gen_time  # type: ignore[attr-defined]


def test_workers_end_with_their_parent(own: RunningAuthority) -> None:
    children = workers_of(own)
    own.process.kill()
    own.process.wait()

    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    own.process = start(own.root)


def test_sigterm_lets_begun_work_finish(own: RunningAuthority) -> None:
    answers: list[object] = []
    client = AuthorityClient(own.socket("tsa"))
    client.status()

    connected = threading.Event()

    def ask() -> None:
        client.status()
        connected.set()
        with suppress(AuthorityUnreachable):
            answers.extend(client.timestamp([ORDER] * 200))

    asking = threading.Thread(target=ask)
    asking.start()
    connected.wait()
    time.sleep(0.02)
    end(own.process)
    asking.join()
    assert len(answers) == 200
    assert own.process.returncode == 0
    assert not own.socket("web").exists()
    with pytest.raises(AuthorityUnreachable):
        client.status()
    own.process = start(own.root)


def test_the_parent_never_loads_the_module() -> None:
    """All that it imports is imported here: a worker imports the rest after the fork."""
    asked = "import sys, hsm.cli; print([name for name in sys.modules if 'pkcs11' in name])"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout
    assert told.strip() == b"[]"


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
    with running_authority() as fresh:
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


@pytest.mark.parametrize("restarted", [False, True], ids=["in one run", "over a restart"])
def test_releasing_the_latch_gives_no_worker_a_second_try_of_the_wrong_pin(restarted: bool) -> None:
    with running_authority() as fresh:
        pin = fresh.root / "secrets/user.pin"
        right = pin.read_text().strip()
        pin.write_text("000000000000\n")
        fresh.restart()
        with pytest.raises(AuthorityLocked):
            fresh.client("web").timestamp([ORDER])
        if restarted:
            fresh.restart()
        time.sleep(0.5)  # for every worker to hear of it
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
    with running_authority() as fresh:
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
        assert fresh.client("web").timestamp([ORDER])


def test_attended_mode_locks_and_unlocks_every_worker() -> None:
    with running_authority() as fresh:
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
        os.kill(workers_of(fresh)[0], signal.SIGKILL)
        time.sleep(0.7)
        for client in clients:
            assert eventually(lambda client=client: client.timestamp([ORDER]))  # type: ignore[misc]


def eventually_locked(clients: list[AuthorityClient]) -> None:
    deadline = time.monotonic() + 5
    for client in clients:
        while time.monotonic() < deadline:
            try:
                client.timestamp([ORDER])
            except AuthorityLocked:
                break
        else:
            raise AssertionError("a worker did not lock")


def test_other_users_are_refused() -> None:
    """The one user who may is somebody else than the caller, whoever runs the tests."""
    somebody_else = os.getuid() + 1
    with running_authority(settings=f"[peers]\nweb = [{somebody_else}]\n") as fresh:
        answer, ended = exchange(fresh.socket("web"), b"")

        assert answer["error"]["code"] == "not-permitted"
        assert ended
        assert fresh.client("operator").status()


HOSTILE = {
    "no CBOR": b"\xff\xff\xff",
    "a number": cbor2.dumps(1),
    "a list": cbor2.dumps([1, 2]),
    "no operation": cbor2.dumps({"args": {}}),
    "arguments that are none": cbor2.dumps({"op": "status", "args": 1}),
    "deep nesting": b"\x81" * 300000 + b"\x01",
    "an indefinite string": b"\xbf\x62op\x7f\x66status\xff\x64args\xa0\xff",
    "a repeated key": b"\xa3\x62op\x66status\x62op\x64lock\x64args\xa0",
    "a shared reference": cbor2.dumps({"op": "status", "args": {"x": cbor2.CBORTag(28, [])}}),
    "a pattern": cbor2.dumps({"op": "status", "args": {"x": cbor2.CBORTag(35, "(a+)+$")}}),
    "a huge length inside": b"\xa1\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    "trailing bytes": cbor2.dumps({"op": "status", "args": {}}) + b"\x00",
    "empty": b"",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_frames_get_one_sentence_and_the_door(own: RunningAuthority, body: bytes) -> None:
    answer, ended = exchange(own.socket("web"), struct.pack(">I", len(body)) + body)

    assert answer["error"]["code"] == "bad-request"
    assert ended
    assert own.client("web").status()
    assert "failed inside" not in own.log


def test_a_frame_that_claims_too_much_is_refused_at_its_header(own: RunningAuthority) -> None:
    answer, ended = exchange(own.socket("web"), struct.pack(">I", protocol.REQUEST_LIMIT + 1))

    assert answer["error"]["code"] == "bad-request"
    assert ended


def test_half_frames_and_leavers_do_no_harm(own: RunningAuthority) -> None:
    held = []
    for _ in range(60):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(own.socket("web")))
        connection.sendall(struct.pack(">I", 1000) + b"half")
        held.append(connection)
    assert own.client("web").timestamp([ORDER])
    for connection in held:
        connection.close()
    assert own.client("web").timestamp([ORDER])


def test_a_crowd_on_one_socket_leaves_places_on_the_others(own: RunningAuthority) -> None:
    held = []
    for _ in range(400):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(own.socket("web")))
        held.append(connection)
    try:
        with AuthorityClient(own.socket("tsa")) as client:
            assert client.timestamp([ORDER])
    finally:
        for connection in held:
            connection.close()


def test_a_flood_on_one_socket_makes_another_wait_for_one_frame_not_for_all() -> None:
    request = protocol.request("status", {"junk": [[]] * 60_000})
    with running_authority(workers=1) as fresh, AuthorityClient(fresh.socket("tsa")) as client:
        assert client.timestamp([ORDER])
        flood = [socket.socket(socket.AF_UNIX) for _ in range(100)]
        for connection in flood:
            connection.connect(str(fresh.socket("web")))
            connection.setblocking(False)
        for connection in flood:
            connection.send(request * 3)
        began = time.monotonic()
        assert client.timestamp([ORDER])
        assert time.monotonic() - began < 1
        for connection in flood:
            connection.close()


def test_one_who_never_reads_is_cut_off(own: RunningAuthority) -> None:
    request = protocol.request("chain", {})
    with socket.socket(socket.AF_UNIX) as greedy:
        greedy.connect(str(own.socket("web")))
        greedy.settimeout(5)
        with pytest.raises(ConnectionError):
            for _ in range(200_000):
                greedy.sendall(request)
    assert own.client("web").timestamp([ORDER])


JUNK = [None, 1, -1, 2**70, "x", b"x", [], {}, [{}], {"act": "sign"}, [[1, 2, 3, 4]], [None] * 300, True, 1.5]


@pytest.mark.parametrize("operation", sorted(PERMITTED))
def test_junk_arguments_are_refused_and_never_break_anything(own: RunningAuthority, operation: str) -> None:
    role = sorted(PERMITTED[operation])[0].value
    names = (
        "act", "activations", "intent", "orders", "size", "root", "consistency", "manifest", "subject", "context",
        "key", "wrapped", "pins",
    )  # fmt: skip
    harmless = {"status", "chain", "crls", "issue_crl"}
    if operation == "lock":
        return
    for junk in JUNK:
        try:
            own.client(role)._connections.ask(operation, dict.fromkeys(names, junk))
        except AuthorityError as error:
            assert type(error) is not AuthorityError, error
        else:
            assert operation in harmless
    assert "failed inside" not in own.log


def test_roles_may_ask_only_for_their_own(own: RunningAuthority) -> None:
    for operation, roles in PERMITTED.items():
        for role in ("web", "tsa", "scheduler", "operator"):
            if role not in roles:
                with pytest.raises(NotPermitted):
                    own.client(role)._connections.ask(operation, {})
    with pytest.raises(BadRequest):
        own.client("operator")._connections.ask("sign", {"data": b"anything"})


def test_a_wrong_setting_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"workers\.cuont does not exist"):
        (tmp_path / "config").mkdir()
        (tmp_path / "config/authority.toml").write_text("[workers]\ncuont = 2\n")
        run(tmp_path, "serve")
    assert ConfigurationRefused.code == "configuration-refused"


def exchange(path: Path, sent: bytes) -> tuple[dict[str, dict[str, str]], bool]:
    """The reply to raw bytes, and whether the authority then closed."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        if sent:
            connection.sendall(sent)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return cbor2.loads(received[4:]), True


def workers_of(authority: RunningAuthority) -> list[int]:
    pid = authority.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]
