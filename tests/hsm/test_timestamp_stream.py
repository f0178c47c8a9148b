"""A stream of timestamps beside the real authority, and beside one that misbehaves."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hsm import protocol
from hsm.errors import AuthorityUnreachable, BadRequest
from hsm.timestamp import TimestampRequest, order_for, verify_token
from hsm.timestamp_stream import Signed, TimestampStream
from tests.authority import RunningAuthority, end, running_authority, start

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def authority() -> Iterator[RunningAuthority]:
    with running_authority() as running:
        yield running


def promised(stream: TimestampStream, orders: list[TimestampRequest]) -> asyncio.Future[Signed]:
    promise: asyncio.Future[Signed] = asyncio.get_running_loop().create_future()
    stream.sign_orders(orders, promise.set_result)
    return promise


def test_batches_that_follow_one_another_are_answered_in_order(authority: RunningAuthority) -> None:
    digests = [[secrets.token_bytes(32) for _ in range(size)] for size in (1, 7, 2, 16, 1)]

    async def ask() -> list[Signed]:
        stream = authority.client("tsa").timestamp_stream()
        answers = await asyncio.gather(
            *(promised(stream, [order_for(digest) for digest in each]) for each in digests)
        )
        stream.close()
        return answers

    for signed, asked in zip(asyncio.run(ask()), digests, strict=True):
        assert isinstance(signed, list)
        for token, digest in zip(signed, asked, strict=True):
            assert verify_token(token.token, digest=digest).serial == token.serial


def test_a_refusal_is_the_authoritys_own(authority: RunningAuthority) -> None:
    async def ask() -> list[Signed]:
        stream = authority.client("tsa").timestamp_stream()
        answers = [
            await promised(stream, []),
            await promised(stream, [order_for(bytes(32))]),
        ]
        stream.close()
        return answers

    refused, served = asyncio.run(ask())
    assert isinstance(refused, BadRequest)
    assert isinstance(served, list)


def test_an_authority_that_went_and_came_back_is_asked_again(authority: RunningAuthority) -> None:
    async def ask() -> list[Signed]:
        stream = authority.client("tsa").timestamp_stream()
        answers = [await promised(stream, [order_for(bytes(32))])]
        end(authority.process)
        answers.append(await promised(stream, [order_for(bytes(32))]))
        authority.process = start(authority.root)
        answers.append(await promised(stream, [order_for(bytes(32))]))
        stream.close()
        return answers

    before, without, after = asyncio.run(ask())
    assert isinstance(before, list)
    assert isinstance(without, AuthorityUnreachable)
    assert isinstance(after, list)


def beside(folder: Path, serve: Serve, orders: int, *, timeout: float = 10.0) -> list[Signed]:
    """What becomes of *orders* batches that are given at once to a stand-in for the authority."""

    async def ask() -> list[Signed]:
        server = await asyncio.start_unix_server(serve, folder / "socket")
        stream = TimestampStream(folder / "socket", timeout=timeout)
        answers = await asyncio.gather(*(promised(stream, [order_for(bytes(32))]) for _ in range(orders)))
        stream.close()
        server.close()
        return answers

    return asyncio.run(ask())


def test_who_never_answers_is_waited_for_so_long_and_no_longer(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    for answer in beside(tmp_path, silent, 3, timeout=0.2):
        assert isinstance(answer, AuthorityUnreachable)
        assert "0.2 s;" in str(answer)


def test_a_connection_that_breaks_is_tried_once_more_and_no_more(tmp_path: Path) -> None:
    calls = []

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(await reader.readexactly(protocol.HEADER))
        writer.close()

    assert all(isinstance(answer, AuthorityUnreachable) for answer in beside(tmp_path, closing, 2))
    assert len(calls) == 2


async def frame_from(reader: asyncio.StreamReader) -> dict[str, Any]:
    return protocol.message(await reader.readexactly(protocol.length(await reader.readexactly(protocol.HEADER))))


def test_orders_given_when_others_fail_get_their_own_tokens(tmp_path: Path) -> None:
    """As the pipeline gives them; the stand-in breaks off twice, then answers each order with its own imprint."""
    calls: list[int] = []
    ended = asyncio.Event()

    async def breaking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(1)
        try:
            while len(calls) > 2:
                orders = (await frame_from(reader))["args"]["orders"]
                await asyncio.sleep(0.02)  # a second connection would be open by now
                writer.write(protocol.frame({"ok": [[1, 0, order[0]] for order in orders]}))
            await frame_from(reader)
        except asyncio.IncompleteReadError:
            ended.set()
        finally:
            writer.close()

    async def ask() -> list[tuple[bytes, Signed]]:
        server = await asyncio.start_unix_server(breaking, tmp_path / "socket")
        stream, waiting = (
            TimestampStream(tmp_path / "socket", timeout=10.0),
            [bytes([number] * 32) for number in range(8)],
        )
        found: list[tuple[bytes, Signed]] = []
        over = asyncio.Event()

        def give() -> None:
            if waiting:
                order = order_for(waiting.pop())
                stream.sign_orders([order], lambda signed: taken(order.imprint, signed))

        def taken(imprint: bytes, signed: Signed) -> None:
            found.append((imprint, signed))
            over.set() if len(found) == 8 else give()

        give()
        give()
        await asyncio.wait_for(over.wait(), 60)
        stream.close()
        await asyncio.wait_for(ended.wait(), 60)
        server.close()
        return found

    found = asyncio.run(ask())
    assert [isinstance(signed, AuthorityUnreachable) for _, signed in found] == [True] * 2 + [False] * 6
    for imprint, signed in found[2:]:
        assert isinstance(signed, list)
        assert signed[0].token == imprint
    assert len(calls) == 3


def test_an_order_given_when_nobody_answers_is_refused_as_quickly(tmp_path: Path) -> None:
    async def ask() -> list[Signed]:
        stream, over = TimestampStream(tmp_path / "nowhere", timeout=600.0), asyncio.Event()
        found: list[Signed] = []

        def taken(signed: Signed) -> None:
            found.append(signed)
            over.set() if len(found) == 3 else stream.sign_orders([order_for(bytes(32))], taken)

        stream.sign_orders([order_for(bytes(32))], taken)
        await asyncio.wait_for(over.wait(), 60)
        stream.close()
        return found

    assert all(isinstance(signed, AuthorityUnreachable) for signed in asyncio.run(ask()))


@pytest.mark.parametrize(
    "reply", [[], [[1, 0, b"token"]] * 2, [[1, 2]], 7, [["a", "b", "c"]], [[1, 1 << 99, b""]]]
)
def test_what_is_no_token_for_each_order_is_nobodys(tmp_path: Path, reply: object) -> None:
    async def mistaken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await frame_from(reader)
        writer.write(protocol.frame({"ok": reply}))
        writer.close()

    assert [type(answer) for answer in beside(tmp_path, mistaken, 1)] == [BadRequest]


def test_nonsense_and_endless_answers_end_the_connection(tmp_path: Path) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(protocol.HEADER)
        writer.write(b"\xff\xff\xff\xff")
        writer.close()

    assert all(isinstance(answer, BadRequest) for answer in beside(tmp_path, endless, 2))
