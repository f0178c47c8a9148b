"""Timestamps: many orders at a time, each at the authority's own time when its turn comes."""

from __future__ import annotations

from typing import Any

from hsm.errors import BadRequest
from hsm.interface import TimestampOrders
from hsm.operations.context import AuthorityContext
from hsm.timestamp import ImprintOrder, TokenIssuer, new_serial

MOST_ORDERS = 256


class TimestampOperations:
    """Issues tokens by the current timestamp key; the encoder is kept until that changes."""

    def __init__(self, context: AuthorityContext) -> None:
        self._context = context
        self._issuer: TokenIssuer | None = None
        self._number = 0

    def timestamp_fields(self, request: TimestampOrders) -> list[list[Any]]:
        """``[serial, microseconds since 1970, token]`` for each order. All or none."""
        orders = request.orders
        if not 0 < len(orders) <= MOST_ORDERS:
            raise BadRequest("Timestamp orders are a list of 1 to {most}.", most=MOST_ORDERS)
        hashes = self._context.settings.time.hashes
        parsed = [ImprintOrder.from_fields(order, hashes=hashes) for order in orders]
        issuer, now = self._current_issuer(), self._context.time.now
        issued = [issuer.issue(order, gen_time=now(), serial=new_serial()) for order in parsed]
        return [each.fields() for each in issued]

    def _current_issuer(self) -> TokenIssuer:
        signer = self._context.signers.signer("tsa")
        if self._issuer is None or self._number != signer.number:
            settings = self._context.settings.time
            self._issuer = TokenIssuer(signer, policies=settings.policies, accuracy=settings.accuracy)
            self._number = signer.number
        self._context.signers.require_unrevoked(signer)
        return self._issuer
