"""Issuing: signed by the authority, then on disk in the log; only what is there may be given out."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.ledger.entry import record_timestamps
from appliance.store.database import Database
from hsm.client import AuthorityClient
from hsm.errors import BadRequest
from hsm.timestamp import ImprintOrder, IssuedToken, RequestRefused

Outcome = IssuedToken | Exception


class Issuance:
    """Issues any number of tokens at the price of one call and one commit. Thread-safe."""

    def __init__(self, database: Database, authority: AuthorityClient) -> None:
        self._database = database
        self._authority = authority

    def issue(self, orders: Sequence[ImprintOrder]) -> list[IssuedToken]:
        """A token for each order, all recorded durably. Raises what prevented it; then none may be given out."""
        tokens = self._authority.timestamp(orders)
        with self._database.transaction() as tx:
            record_timestamps(tx, tokens)
        return tokens

    def outcomes(self, orders: Sequence[ImprintOrder]) -> list[Outcome]:
        """For each order its recorded token, or the error that prevented it; never raises.

        Strangers' orders travel together, so one that the authority refuses must not spoil the others: when the
        authority finds fault with a batch, each of its orders is tried alone.
        """
        try:
            return list(self.issue(orders))
        except (BadRequest, RequestRefused) as refusal:
            if len(orders) == 1:
                return [refusal]
            return [self.outcomes([order])[0] for order in orders]
        except Exception as error:
            return [error] * len(orders)
