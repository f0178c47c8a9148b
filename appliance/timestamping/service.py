"""The timestamp service for threads: a reply for every request, a token for our own signatures."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from appliance.errors import ApplianceError, StorageError
from appliance.store.database import Database
from appliance.timestamping.batches import Batches
from appliance.timestamping.desk import Desk
from appliance.timestamping.issuance import Issuance, Outcome
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError
from hsm.timestamp import ImprintOrder, IssuedToken, order_for

PATIENCE = 60.0
"""Seconds for one order, queueing included; the authority and the database have shorter limits of their own."""

_Promise = Future[Outcome]


class TimestampService:
    """Thread-safe. Whatever it gives out is durably in the log; threads that wait together share one commit."""

    def __init__(self, database: Database, authority: AuthorityClient) -> None:
        self._desk = Desk(database, authority)
        self._batches: Batches[_Promise] = Batches(Issuance(database, authority), _resolve)

    def reply(self, request: bytes) -> bytes:
        """The DER TimeStampResp for a DER TimeStampReq, whatever the bytes are. Never raises."""
        try:
            self._desk.prepare()
            outcome = self._outcome(self._desk.read(request))
        except (AuthorityError, ApplianceError) as error:
            outcome = error
        return self._desk.write(outcome)

    def token(self, digest: bytes) -> bytes:
        """The DER token over a SHA-256 *digest* (32 bytes), with the signer's certificates.

        Raises :class:`hsm.errors.AuthorityError` (:class:`hsm.errors.TimeNotAvailable` among them) or
        :class:`appliance.errors.ApplianceError` when it cannot be recorded.
        """
        self._desk.prepare()
        outcome = self._outcome(order_for(digest))
        if isinstance(outcome, IssuedToken):
            return outcome.token
        raise outcome

    def close(self) -> None:
        """Completes what waits; afterwards nothing is accepted."""
        self._batches.close()

    def _outcome(self, order: ImprintOrder) -> Outcome:
        promise: _Promise = Future()
        self._batches.put([(promise, order)])
        try:
            return promise.result(PATIENCE)
        except TimeoutError:
            return StorageError("No timestamp was given within {seconds} s.", seconds=int(PATIENCE))


def _resolve(batch: Sequence[tuple[_Promise, Outcome]]) -> None:
    for promise, outcome in batch:
        promise.set_result(outcome)
