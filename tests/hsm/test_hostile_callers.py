"""Whoever speaks to the authority without being meant to: other users, junk, crowds, half frames."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import cbor2
import pytest

from hsm import protocol
from hsm.client import OPERATIONS, AuthorityClient
from hsm.errors import (
    AuthorityError,
    BadRequest,
    NotPermitted,
)
from hsm.timestamp import order_for
from hsm.worker import PATIENCE
from tests.authority import RunningAuthority, running_authority
from tests.sweeps import one_in

ORDER = order_for(bytes(32))


@pytest.fixture(scope="module")
def own() -> Iterator[RunningAuthority]:
    """An authority that these tests may hurt."""
    with running_authority(warm=False) as running:
        yield running


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
    with running_authority(workers=1, warm=False) as fresh, AuthorityClient(fresh.socket("tsa")) as client:
        assert client.timestamp([ORDER])
        flood = [socket.socket(socket.AF_UNIX) for _ in range(100)]
        for connection in flood:
            connection.connect(str(fresh.socket("web")))
            connection.setblocking(False)
        for connection in flood:
            connection.send(request * 3)
        assert client.timestamp([ORDER])
        assert not all(_has_answer(connection) for connection in flood), "all of them came before"
        for connection in flood:
            connection.close()


def test_those_who_never_read_or_never_finish_cost_little_and_are_cut_off() -> None:
    """Each request comes back in its refusal, so that memory could grow by whatever is sent. Others go on."""
    request = protocol.request("certificate", {"subject": "x" * 900_000})
    with running_authority(workers=1, warm=False) as fresh, AuthorityClient(fresh.socket("tsa")) as client:
        assert client.timestamp([ORDER])
        [worker] = _children(fresh.process.pid)
        before, began = _resident(worker), time.monotonic()
        held = [_connected(fresh.socket("web")) for _ in range(60)]
        many = memoryview(request * 16)
        unsent = [many if number % 2 else many[: len(request) - 1] for number in range(len(held))]
        while any(unsent) and time.monotonic() - began < PATIENCE / 2:
            unsent = [_left(connection, data) for connection, data in zip(held, unsent, strict=True)]
            assert client.timestamp([ORDER])
        # For each connection a request and its answer; what was sent, and held back, is four times as much.
        assert _resident(worker) - before < len(held) * 2 * len(request) + (32 << 20)

        deadline = time.monotonic() + 3 * PATIENCE
        while not all(_is_cut_off(connection) for connection in held):
            assert time.monotonic() < deadline
            assert client.timestamp([ORDER])
            time.sleep(0.2)
        assert fresh.client("web").timestamp([ORDER])
        assert "failed inside" not in fresh.log
        for connection in held:
            connection.close()


def test_who_reads_slowly_gets_everything(own: RunningAuthority) -> None:
    """Waiting for a reader is no reason to lose what was asked for."""
    request = protocol.request("certificate", {"subject": "x" * 900_000})
    with socket.socket(socket.AF_UNIX) as slow, slow.makefile("rb") as replies:
        slow.settimeout(60)
        slow.connect(str(own.socket("web")))
        sender = threading.Thread(target=lambda: [slow.sendall(request) for _ in range(4)])
        sender.start()
        time.sleep(0.5)
        for _ in range(4):
            body = replies.read(struct.unpack(">I", replies.read(4))[0])
            assert cbor2.loads(body)["error"]["code"] == "unknown-key"
        sender.join()


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    connection.setblocking(False)
    return connection


def _left(connection: socket.socket, data: memoryview) -> memoryview:
    """What of *data* does not fit into the connection now; nothing once that is cut off."""
    try:
        while data:
            data = data[connection.send(data) :]
    except BlockingIOError:
        return data
    except OSError:
        return data[:0]
    return data


def _has_answer(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return any(events & select.POLLIN for _, events in poll.poll(0))


def _is_cut_off(connection: socket.socket) -> bool:
    """Whether the other side has closed. Nothing is read, so that nothing moves."""
    poll = select.poll()
    poll.register(connection, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))


def _children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _resident(process: int) -> int:
    """Bytes of memory."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


JUNK = [None, 1, -1, 2**70, "x", b"x", [], {}, [{}], {"act": "sign"}, [[1, 2, 3, 4]], [None] * 300, True, 1.5]


@pytest.mark.parametrize("operation", one_in(4, sorted(OPERATIONS)))
def test_junk_arguments_are_refused_and_never_break_anything(own: RunningAuthority, operation: str) -> None:
    role = sorted(OPERATIONS[operation].roles)[0].value
    names = [each.name for each in fields(OPERATIONS[operation].request)]
    harmless = {"status", "chain", "authorities", "crls", "issue_crl", "organisations", "appointment"}
    harmless |= {"credentials", "begin_backup", "ocsp_reply", "ceremonies", "transcript", "keepers"}
    harmless |= {"pending_credentials", "pending_subjects", "batch_limit", "powers_stated_since", "remote_limits"}
    harmless |= {"vouching_limit"}
    if operation == "lock":
        return
    for junk in JUNK:
        try:
            own.client(role).ask(operation, dict.fromkeys(names, junk))
        except AuthorityError as error:
            assert type(error) is not AuthorityError, error
        else:
            assert operation in harmless
    assert "failed inside" not in own.log


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_field_too_many_a_missing_one_and_wrong_types_are_refused(own: RunningAuthority, operation: str) -> None:
    """Before anything is done: the PIN in a request that is refused is in no answer either."""
    client = own.client(sorted(OPERATIONS[operation].roles)[0].value)
    names = [each.name for each in fields(OPERATIONS[operation].request)]
    with pytest.raises(BadRequest):
        client.ask(operation, {**dict.fromkeys(names, "x"), "more": 1})
    for name in names:
        for junk in (1.5, [1.5], {"4711": 4711}):
            with pytest.raises(BadRequest) as refused:
                client.ask(operation, {**dict.fromkeys(names, "x"), name: junk})
            assert "4711" not in str(refused.value)
    assert "failed inside" not in own.log


def test_roles_may_ask_only_for_their_own(own: RunningAuthority) -> None:
    for operation, roles in ((name, each.roles) for name, each in OPERATIONS.items()):
        for role in ("web", "tsa", "scheduler", "operator", "backup"):
            if role not in roles:
                with pytest.raises(NotPermitted):
                    own.client(role).ask(operation, {})
    with pytest.raises(BadRequest):
        own.client("operator").ask("sign", {"data": b"anything"})


def exchange(path: Path, sent: bytes) -> tuple[dict[str, dict[str, str]], bool]:
    """The reply to raw bytes, and whether the authority then closed."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(path))
        if sent:
            connection.sendall(sent)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return cbor2.loads(received[4:]), True
