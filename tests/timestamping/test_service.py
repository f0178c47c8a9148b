"""Timestamps: recorded before they are given out, shared writes, refusals in the protocol's words."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pysqlite3.dbapi2 import IntegrityError

from appliance.errors import ApplianceError
from appliance.ledger import LedgerEntry, Sequencer, record
from appliance.ledger.timestamp_feeder import TimestampFeeder
from appliance.ledger.timestamp_spool import spool_files
from appliance.store import ledger
from appliance.store.database import Database
from appliance.timestamping import Clearance, IssuingState, TimestampIssuer, TimestampService
from hsm.errors import (
    AuthorityError,
    AuthorityUnreachable,
    BadRequest,
    ModuleUnavailable,
    TimeNotAvailable,
)
from hsm.operation_types import AuthorityStatus
from hsm.timestamp import (
    FailInfo,
    IssuedToken,
    RequestRefused,
    TimestampRequest,
    build_request,
    order_for,
    parse_response,
    parse_token,
    verify_token,
)
from tests.ledger.conftest import WHEN
from tests.ledger.local_authority import LocalAuthority
from tests.log import count_timestamps, entry_of_timestamp
from tests.timestamping.asking import reply_of


@pytest.fixture
def local(tmp_path: Path) -> LocalAuthority:
    return LocalAuthority(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "vermilion.db")


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "timestamps"


def cleared() -> Clearance:
    """What the scheduler says on most days."""
    return Clearance(IssuingState.OPEN)


class RunningService:
    """The timestamp service in a loop that runs while something is asked."""

    def __init__(self, spool: Path, local: LocalAuthority) -> None:
        self._runner = asyncio.Runner()
        self._service = self._runner.run(self._opened(spool, local))

    @staticmethod
    async def _opened(spool: Path, local: LocalAuthority) -> TimestampService:
        return TimestampService(spool, local, clearance=cleared)

    def reply(self, request: bytes) -> bytes:
        (reply,) = self.replies([request])
        return reply

    def replies(self, requests: Sequence[bytes]) -> list[bytes]:
        """Those to requests that arrive at the same time."""

        async def ask() -> list[bytes]:
            return await asyncio.gather(*(reply_of(self._service, request) for request in requests))

        return self._runner.run(ask())

    def close(self) -> None:
        self._runner.run(self._service.close())

    def end(self) -> None:
        self._runner.close()


@pytest.fixture
def service(spool: Path, local: LocalAuthority) -> Iterator[RunningService]:
    running = RunningService(spool, local)
    yield running
    running.close()
    running.end()


@pytest.fixture
def issuer(database: Database, local: LocalAuthority) -> TimestampIssuer:
    return TimestampIssuer(database, local)


def request_for(digest: bytes, **rest: object) -> bytes:
    return build_request(order_for(digest, **rest))


def refusal(reply: bytes) -> FailInfo:
    with pytest.raises(RequestRefused) as refused:
        parse_response(reply)
    return refused.value.fail_info


def recorded(database: Database) -> int:
    """How many timestamps the log has, with those that waited in the spool beside it."""
    TimestampFeeder(database, database.path.with_name("timestamps")).run_once()
    return database.query(count_timestamps)


def test_a_reply_answers_the_request_and_is_recorded(
    service: RunningService, database: Database, local: LocalAuthority
) -> None:
    digest = hashlib.sha256(b"contract").digest()
    token = parse_response(service.reply(request_for(digest, nonce=4711)))
    info = verify_token(token, digest=digest, nonce=4711, certificate=local.tsa.certificate)
    assert recorded(database) == 1
    with database.reading() as tx:
        entry = entry_of_timestamp(tx, info.serial)
        assert entry is not None
        assert hashlib.sha256(token).hexdigest() in ledger.leaf(tx, entry).decode()


def test_a_token_for_our_own_signatures_carries_its_certificates_and_is_recorded(
    issuer: TimestampIssuer, database: Database, local: LocalAuthority
) -> None:
    digest = secrets.token_bytes(32)
    info = parse_token(issuer.issue_token(digest))
    assert recorded(database) == 1
    assert info.digest == digest
    assert info.signer == local.tsa.certificate


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (TimeNotAvailable("The clock is not proven."), FailInfo.TIME_NOT_AVAILABLE),
        (ModuleUnavailable("The HSM does not answer."), FailInfo.SYSTEM_FAILURE),
        (AuthorityUnreachable("The authority does not answer."), FailInfo.SYSTEM_FAILURE),
        (AuthorityError("Something else."), FailInfo.SYSTEM_FAILURE),
    ],
)
def test_what_is_missing_becomes_a_failinfo_and_comes_back_by_itself(
    service: RunningService,
    issuer: TimestampIssuer,
    local: LocalAuthority,
    failure: AuthorityError,
    expected: FailInfo,
) -> None:
    request = request_for(bytes(32))
    for _ in range(2):  # before the service has ever reached the authority, and afterwards
        local.failure = failure
        assert refusal(service.reply(request)) is expected
        with pytest.raises(type(failure)):
            issuer.issue_token(bytes(32))
        local.failure = None
        assert parse_response(service.reply(request))
        assert issuer.issue_token(bytes(32))


def test_the_reply_does_not_tell_strangers_what_is_wrong_inside(
    service: RunningService, local: LocalAuthority
) -> None:
    local.failure = AuthorityUnreachable("The authority does not answer at /run/secret/path.")
    assert b"/run/secret" not in service.reply(request_for(bytes(32)))


def test_without_a_row_there_is_no_token_of_our_own(
    issuer: TimestampIssuer, database: Database, local: LocalAuthority
) -> None:
    local.serial = lambda: 42
    assert issuer.issue_token(bytes(32))
    with pytest.raises(IntegrityError):
        issuer.issue_token(bytes(32))
    assert recorded(database) == 1


def test_without_a_line_in_the_spool_there_is_no_token(
    service: RunningService, spool: Path, database: Database
) -> None:
    spool.write_bytes(b"in the way")
    assert refusal(service.reply(request_for(bytes(32)))) is FailInfo.SYSTEM_FAILURE
    spool.unlink()
    assert parse_response(service.reply(request_for(bytes(32))))
    assert recorded(database) == 1


def test_our_own_signatures_get_no_tokens_over_a_log_that_is_not_the_authoritys(
    tmp_path: Path, database: Database, local: LocalAuthority
) -> None:
    with database.transaction() as tx:
        record(tx, LedgerEntry("x", WHEN))
    Sequencer(database, local).run_once()
    other = Database(tmp_path / "restored.db")
    with pytest.raises(ApplianceError):
        TimestampIssuer(other, local).issue_token(bytes(32))
    assert other.query(count_timestamps) == 0


def test_orders_that_wait_together_share_calls_and_commits(
    service: RunningService, database: Database, local: LocalAuthority
) -> None:
    service.reply(request_for(bytes(32)))
    local.batches.clear()
    replies = service.replies([request_for(secrets.token_bytes(32)) for _ in range(24)])
    assert len({parse_response(reply) for reply in replies}) == 24
    assert sum(local.batches) == 24
    assert len(local.batches) < 24
    assert recorded(database) == 25


def test_one_order_that_the_authority_refuses_does_not_spoil_the_others(
    service: RunningService, database: Database, local: LocalAuthority
) -> None:
    issue, poison = local.timestamp, secrets.token_bytes(32)

    def pickily(orders: list[TimestampRequest]) -> list[IssuedToken]:
        if any(order.digest == poison for order in orders):
            raise BadRequest("There is something wrong with an order.")
        return issue(orders)

    local.timestamp = pickily  # type: ignore[method-assign]
    digests = [*(secrets.token_bytes(32) for _ in range(11)), poison]
    *good, bad = service.replies([request_for(digest) for digest in digests])
    assert all(parse_response(reply) for reply in good)
    assert refusal(bad) is FailInfo.SYSTEM_FAILURE
    assert recorded(database) == 11


def test_after_closing_nothing_is_given(service: RunningService) -> None:
    assert parse_response(service.reply(request_for(bytes(32))))
    service.close()
    assert refusal(service.reply(request_for(bytes(32)))) is FailInfo.SYSTEM_FAILURE


def test_sm3_is_taken_where_the_setting_says_so(spool: Path, local: LocalAuthority) -> None:
    request = request_for(bytes(32), hash_name="sm3")
    without, taking = RunningService(spool, local), RunningService(spool, local)
    assert refusal(without.reply(request)) is FailInfo.BAD_ALG
    local.hashes = (*local.hashes, "sm3")
    assert parse_response(taking.reply(request))
    for each in (without, taking):
        each.close()
        each.end()


def test_a_reply_to_our_own_request_is_recorded(issuer: TimestampIssuer, database: Database) -> None:
    digest = secrets.token_bytes(32)
    token = parse_response(issuer.issue_reply(request_for(digest, nonce=4711)))
    assert (parse_token(token).digest, parse_token(token).nonce) == (digest, 4711)
    assert recorded(database) == 1
    with pytest.raises(RequestRefused):
        issuer.issue_reply(b"\x30")


def test_the_loop_serves_many_at_once_and_outlives_who_goes_away(
    spool: Path, database: Database, local: LocalAuthority
) -> None:
    async def serve() -> list[bytes]:
        service = TimestampService(spool, local, clearance=cleared)
        gone = asyncio.create_task(reply_of(service, request_for(bytes(32))))
        await asyncio.sleep(0)
        gone.cancel()
        requests = [request_for(secrets.token_bytes(32), nonce=number) for number in range(100)]
        replies = await asyncio.gather(*(reply_of(service, request) for request in requests))
        await service.close()
        return replies

    replies = asyncio.run(serve())
    assert [parse_token(parse_response(reply)).nonce for reply in replies] == list(range(100))
    assert recorded(database) >= 100
    assert len(local.batches) < 100


@pytest.mark.parametrize(
    ("issuing", "reason"),
    [(IssuingState.MAINTENANCE, FailInfo.TIME_NOT_AVAILABLE), (IssuingState.CLOSED, FailInfo.SYSTEM_FAILURE)],
)
def test_while_it_is_held_nobody_gets_a_timestamp_and_afterwards_everybody(
    spool: Path, database: Database, local: LocalAuthority, issuing: IssuingState, reason: FailInfo
) -> None:
    said = [Clearance(issuing)]

    async def serve() -> list[bytes]:
        service = TimestampService(spool, local, clearance=lambda: said[0])
        replies = [await reply_of(service, request_for(bytes(32))), await reply_of(service, b"\x30")]
        said[0] = cleared()
        replies.append(await reply_of(service, request_for(bytes(32))))
        await service.close()
        return replies

    refused, garbage, served = asyncio.run(serve())
    assert refusal(refused) is reason
    assert refusal(garbage) is FailInfo.BAD_DATA_FORMAT
    assert parse_response(served)
    assert recorded(database) == 1


def test_what_the_log_has_leaves_the_spool(spool: Path, database: Database, local: LocalAuthority) -> None:
    fed: dict[str, int] = {}

    async def serve() -> None:
        first = TimestampService(spool, local, clearance=cleared)
        await reply_of(first, request_for(bytes(32)))
        await first.close()
        second = TimestampService(spool, local, clearance=lambda: Clearance(IssuingState.OPEN, fed))
        await reply_of(second, request_for(bytes(32)))
        await second.tidy()
        assert len(spool_files(spool)) == 2, "the log has not got them"
        feeder = TimestampFeeder(database, spool)
        feeder.run_once()
        fed.update(feeder.positions())
        await second.tidy()
        assert len(spool_files(spool)) == 1, "the one that is written to stays"
        await reply_of(second, request_for(bytes(32)))
        await second.close()

    asyncio.run(serve())
    assert recorded(database) == 3


def test_whatever_went_wrong_at_the_start_is_tried_again(spool: Path, local: LocalAuthority) -> None:
    def mistaken() -> AuthorityStatus:
        raise LookupError

    async def serve() -> list[bytes]:
        service, status = TimestampService(spool, local, clearance=cleared), local.status
        local.status = mistaken  # type: ignore[method-assign]
        replies = [await asyncio.wait_for(reply_of(service, request_for(bytes(32))), 60)]
        local.status = status  # type: ignore[method-assign]
        replies.append(await asyncio.wait_for(reply_of(service, request_for(bytes(32))), 60))
        await service.close()
        return replies

    refused, served = asyncio.run(serve())
    assert refusal(refused) is FailInfo.SYSTEM_FAILURE
    assert parse_response(served)


def test_garbage_never_raises(service: RunningService) -> None:
    for request in (b"", b"\x30", b"\x30\x80\x00\x00", secrets.token_bytes(64), b"\x30" * 4000):
        assert refusal(service.reply(request)) is FailInfo.BAD_DATA_FORMAT
