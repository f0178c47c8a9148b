"""A lane of timestamps beside the real authority, and beside one that misbehaves."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from hsm import protocol
from hsm.errors import AuthorityUnreachable, BadRequest
from hsm.lane import Signed, TimestampLane
from hsm.timestamp import ImprintOrder, order_for, verify_token
from tests.authority import RunningAuthority, end, running_authority, start

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def authority() -> Iterator[RunningAuthority]:
    with running_authority() as running:
        yield running


def promised(lane: TimestampLane, orders: list[ImprintOrder]) -> asyncio.Future[Signed]:
    promise: asyncio.Future[Signed] = asyncio.get_running_loop().create_future()
    lane.sign(orders, promise.set_result)
    return promise


def test_batches_that_follow_one_another_are_answered_in_order(authority: RunningAuthority) -> None:
    digests = [[secrets.token_bytes(32) for _ in range(size)] for size in (1, 7, 2, 16, 1)]

    async def ask() -> list[Signed]:
        lane = authority.client("tsa").lane()
        answers = await asyncio.gather(
            *(promised(lane, [order_for(digest) for digest in each]) for each in digests)
        )
        lane.close()
        return answers

    for signed, asked in zip(asyncio.run(ask()), digests, strict=True):
        assert isinstance(signed, list)
        for token, digest in zip(signed, asked, strict=True):
            assert verify_token(token.token, digest=digest).serial == token.serial


def test_a_refusal_is_the_authoritys_own(authority: RunningAuthority) -> None:
    async def ask() -> list[Signed]:
        lane = authority.client("tsa").lane()
        answers = [
            await promised(lane, []),
            await promised(lane, [order_for(bytes(32))]),
        ]
        lane.close()
        return answers

    refused, served = asyncio.run(ask())
    assert isinstance(refused, BadRequest)
    assert isinstance(served, list)


def test_an_authority_that_went_and_came_back_is_asked_again(authority: RunningAuthority) -> None:
    async def ask() -> list[Signed]:
        lane = authority.client("tsa").lane()
        answers = [await promised(lane, [order_for(bytes(32))])]
        end(authority.process)
        answers.append(await promised(lane, [order_for(bytes(32))]))
        authority.process = start(authority.root)
        answers.append(await promised(lane, [order_for(bytes(32))]))
        lane.close()
        return answers

    before, without, after = asyncio.run(ask())
    assert isinstance(before, list)
    assert isinstance(without, AuthorityUnreachable)
    assert isinstance(after, list)


def beside(folder: Path, serve: Serve, orders: int, *, timeout: float = 10.0) -> list[Signed]:
    """What becomes of *orders* batches that are given at once to a stand-in for the authority."""

    async def ask() -> list[Signed]:
        server = await asyncio.start_unix_server(serve, folder / "socket")
        lane = TimestampLane(folder / "socket", timeout=timeout)
        answers = await asyncio.gather(*(promised(lane, [order_for(bytes(32))]) for _ in range(orders)))
        lane.close()
        server.close()
        return answers

    return asyncio.run(ask())


def test_who_never_answers_is_waited_for_so_long_and_no_longer(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    for answer in beside(tmp_path, silent, 3, timeout=0.2):
        assert isinstance(answer, AuthorityUnreachable)
        assert "0.2 seconds" in str(answer)


def test_a_connection_that_breaks_is_tried_once_more_and_no_more(tmp_path: Path) -> None:
    calls = []

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(await reader.readexactly(protocol.HEADER))
        writer.close()

    assert all(isinstance(answer, AuthorityUnreachable) for answer in beside(tmp_path, closing, 2))
    assert len(calls) == 2


def test_nonsense_and_endless_answers_end_the_connection(tmp_path: Path) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(protocol.HEADER)
        writer.write(b"\xff\xff\xff\xff")
        writer.close()

    assert all(isinstance(answer, BadRequest) for answer in beside(tmp_path, endless, 2))
