"""From request bytes to an order, and from what became of it to reply bytes (RFC 3161, 2.4)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from appliance.ledger.check import require_remembered
from appliance.store.database import Database
from appliance.timestamping.pipeline import Outcome
from hsm.client import AuthorityClient
from hsm.errors import TimeNotAvailable
from hsm.timestamp import (
    FailInfo,
    ImprintOrder,
    IssuedToken,
    RequestRefused,
    parse_request,
    response_granted,
    response_refused,
)

log = logging.getLogger("vermilion.timestamps")


class TimestampCodec:
    """Reads requests and writes replies."""

    def __init__(
        self,
        database: Database,
        authority: AuthorityClient,
        count_refusal: Callable[[FailInfo], None],
    ) -> None:
        """*count_refusal* is called for each refusal."""
        self._database = database
        self._authority = authority
        self._count_refusal = count_refusal
        self._hashes: frozenset[str] = frozenset()
        self._policies: frozenset[str] = frozenset()

    @property
    def ready(self) -> bool:
        """Whether :meth:`prepare` has succeeded once."""
        return bool(self._policies)

    def prepare(self) -> None:
        """Once before the first order: the log is the one that the authority remembers; what it takes is known.

        Raises :class:`appliance.errors.LedgerDamaged`: nothing is issued into a log that was cut or rewritten; and
        the authority's errors when it does not answer. The next call tries again.
        """
        if not self._policies:
            status = require_remembered(self._database, self._authority)
            self._hashes = frozenset(status.hashes)
            self._policies = frozenset(status.policies)

    def read_request(self, request: bytes) -> ImprintOrder:
        """The order in a DER request. Raises :class:`RequestRefused`, whatever the bytes are."""
        return parse_request(request, policies=self._policies, hashes=self._hashes)

    def maintenance_reply(self) -> bytes:
        """The DER reply while the machine is maintained."""
        sentence = "The timestamp authority is being maintained; try again when that is over."
        return self._refusal(FailInfo.TIME_NOT_AVAILABLE, sentence)

    def write_reply(self, outcome: Outcome) -> bytes:
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

    def _refusal(self, fail_info: FailInfo, sentence: str) -> bytes:
        self._count_refusal(fail_info)
        return response_refused(fail_info, sentence)
