"""The timestamp service: thousands of connections wait in one event loop, and none of them holds a thread.

It stands before the widest network, so it has nothing of the portal's. What it issues goes into a spool of its
own, which the scheduler takes into the log; what it has to know, the scheduler writes down for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.errors import StateRefused, StorageError
from appliance.ledger.timestamp_spool import TimestampSpool, remove_fed
from appliance.timestamping.clearance import Clearance, IssuingState
from appliance.timestamping.pipeline import STREAM_COUNT, Outcome, TimestampPipeline, TokenRecorder
from appliance.timestamping.refusal_counts import RefusalCounts
from hsm.client import AuthorityClient
from hsm.errors import TimeNotAvailable
from hsm.timestamp import (
    FailInfo,
    IssuedToken,
    RequestRefused,
    TimestampRequest,
    parse_request,
    response_granted,
    response_refused,
)

log = logging.getLogger("vermilion.timestamps")

SHOWN_AFTER = 1.0
"""Seconds from a refusal until its count is on record, with those of all that came meanwhile."""

Deliver = Callable[[bytes], None]
"""Takes a DER reply; the client may have gone."""


class TimestampService:
    """A DER reply for every request, in the loop it was made in. What it gives out is in the spool, on disk."""

    def __init__(
        self,
        spool: Path,
        authority: AuthorityClient,
        *,
        clearance: Callable[[], Clearance],
        refusals: RefusalCounts | None = None,
    ) -> None:
        """*clearance* says whether timestamps may be given now; *refusals* counts who is given none."""
        self._spool = spool
        self._authority = authority
        self._hashes: frozenset[str] = frozenset()
        self._policies: frozenset[str] = frozenset()
        self._clearance = clearance
        self._refusals = refusals or RefusalCounts()
        self._showing: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._preparing: asyncio.Task[None] | None = None
        self._early: list[tuple[bytes, Deliver]] = []
        self._arrived: list[tuple[Deliver, TimestampRequest]] = []
        streams = [authority.timestamp_stream() for _ in range(STREAM_COUNT)]
        self._pipeline: TimestampPipeline[Deliver] = TimestampPipeline(
            streams, TokenRecorder(TimestampSpool(spool)), self._hand_out
        )

    def ask(self, request: bytes, deliver: Deliver) -> None:
        """Calls *deliver* with the DER TimeStampResp for a DER TimeStampReq, whatever the bytes; never raises.

        It is called in the loop, soon, or before this returns when the request is refused as it stands.
        """
        if not self._policies:
            self._early.append((request, deliver))
            if self._preparing is None:
                self._preparing = self._loop.create_task(self._prepare())
            return
        try:
            order = parse_request(request, policies=self._policies, hashes=self._hashes)
        except RequestRefused as refusal:
            deliver(self._reply_with(refusal))
            return
        if (issuing := self._clearance().issuing) is not IssuingState.OPEN:
            deliver(self._withheld(issuing))
            return
        if not self._arrived:
            # Orders that arrive in the same turn of the loop are queued together, else the first would go alone.
            self._loop.call_soon(self._queue)
        self._arrived.append((deliver, order))

    async def tidy(self) -> None:
        """Removes from the spool what the log has. Raises :class:`StorageError` and OSError."""
        await asyncio.to_thread(remove_fed, self._spool, self._clearance().fed)

    async def close(self) -> None:
        """Completes what waits; afterwards nothing is accepted."""
        await self._pipeline.close()
        self._show()

    async def _prepare(self) -> None:
        failure: Exception | None = None
        try:
            await asyncio.to_thread(self._learn_terms)
        except Exception as error:  # every waiting request is refused; the next one tries again
            failure = error
        early, self._early, self._preparing = self._early, [], None
        for request, deliver in early:
            if failure is None:
                self.ask(request, deliver)
            else:
                deliver(self._reply_with(failure))

    def _learn_terms(self) -> None:
        """Once before the first order: what the authority takes is known.

        Raises the authority's errors when it does not answer. The next call tries again.
        """
        status = self._authority.status()
        self._hashes, self._policies = frozenset(status.hashes), frozenset(status.policies)

    def _reply_with(self, outcome: Outcome) -> bytes:
        """The DER reply that delivers a token, or refuses with the failInfo that the error stands for."""
        if isinstance(outcome, IssuedToken):
            return response_granted(outcome.token)
        if isinstance(outcome, RequestRefused):
            return self._refusal(outcome.fail_info, str(outcome))
        if isinstance(outcome, TimeNotAvailable):
            log.error("no timestamps are given: %s", outcome)
            return self._refusal(FailInfo.TIME_NOT_AVAILABLE, str(outcome))
        log.error("a timestamp could not be given: %s: %s", type(outcome).__name__, outcome)
        return self._refusal(
            FailInfo.SYSTEM_FAILURE, "The timestamp authority is not available now; try again in a moment."
        )

    def _withheld(self, issuing: IssuingState) -> bytes:
        """The reply while nobody is given a timestamp."""
        if issuing is IssuingState.MAINTENANCE:
            sentence = "The timestamp authority is being maintained; try again when that is over."
            return self._refusal(FailInfo.TIME_NOT_AVAILABLE, sentence)
        return self._reply_with(StateRefused("The scheduler has not said that the log can take timestamps."))

    def _refusal(self, fail_info: FailInfo, sentence: str) -> bytes:
        self._refusals.count_refusal(fail_info)
        if self._showing is None:
            self._showing = self._loop.call_later(SHOWN_AFTER, self._show)
        return response_refused(fail_info, sentence)

    def _show(self) -> None:
        if self._showing is not None:
            self._showing.cancel()
            self._showing = None
        self._refusals.write_counts()

    def _queue(self) -> None:
        arrived, self._arrived = self._arrived, []
        try:
            self._pipeline.put(arrived)
        except StorageError as error:
            self._hand_out([(deliver, error) for deliver, _ in arrived])

    def _hand_out(self, batch: Sequence[tuple[Deliver, Outcome]]) -> None:
        for deliver, outcome in batch:
            try:
                deliver(self._reply_with(outcome))
            except Exception:  # a failure for one client must not leave the others without replies
                log.exception("a reply could not be delivered")
