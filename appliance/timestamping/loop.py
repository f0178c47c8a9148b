"""The timestamp service for an event loop: thousands of connections wait, two threads issue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from appliance.errors import ApplianceError, StorageError
from appliance.store.database import Database
from appliance.timestamping.batches import Batches
from appliance.timestamping.desk import Desk
from appliance.timestamping.issuance import Issuance, Outcome
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError
from hsm.timestamp import ImprintOrder

_Promise = asyncio.Future[Outcome]


class LoopTimestampService:
    """As :class:`~appliance.timestamping.TimestampService`, for coroutines of the loop that it was made in."""

    def __init__(self, database: Database, authority: AuthorityClient) -> None:
        self._loop = asyncio.get_running_loop()
        self._preparing = asyncio.Lock()
        self._arrived: list[tuple[_Promise, ImprintOrder]] = []
        self._desk = Desk(database, authority)
        self._batches: Batches[_Promise] = Batches(Issuance(database, authority), self._deliver)

    async def reply(self, request: bytes) -> bytes:
        """The DER TimeStampResp for a DER TimeStampReq, whatever the bytes; never raises."""
        try:
            if not self._desk.ready:
                await self._prepare()
            order = self._desk.read(request)
            outcome = await self._put(order)
        except (AuthorityError, ApplianceError) as error:
            outcome = error
        return self._desk.write(outcome)

    async def close(self) -> None:
        """Completes what waits; afterwards nothing is accepted."""
        await asyncio.to_thread(self._batches.close)

    async def _prepare(self) -> None:
        async with self._preparing:
            await asyncio.to_thread(self._desk.prepare)

    def _put(self, order: ImprintOrder) -> _Promise:
        """Orders that arrive in the same turn of the loop are queued together, else the first would go alone."""
        promise: _Promise = self._loop.create_future()
        if not self._arrived:
            self._loop.call_soon(self._queue)
        self._arrived.append((promise, order))
        return promise

    def _queue(self) -> None:
        arrived, self._arrived = self._arrived, []
        try:
            self._batches.put(arrived)
        except StorageError as error:
            _resolve([(promise, error) for promise, _ in arrived])

    def _deliver(self, batch: Sequence[tuple[_Promise, Outcome]]) -> None:
        """One wake-up of the loop for the whole batch; called in a thread that issues."""
        self._loop.call_soon_threadsafe(_resolve, batch)


def _resolve(batch: Sequence[tuple[_Promise, Outcome]]) -> None:
    for promise, outcome in batch:
        if not promise.done():  # the client may have gone
            promise.set_result(outcome)
