"""What a client of the API reads of contracts, one by one and as lists. It reads in the initiators' names, and the
access check holds it to its reach (decision 73)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

from appliance.acting_client import acting_client
from appliance.contracts.access import Command, admit
from appliance.contracts.permissions import Permission
from appliance.errors import NotFound, StateRefused
from appliance.listing import read_cursor
from appliance.model.listing import ClientContract, ClientFilter, ClientPage
from appliance.store import client_lists
from appliance.store.database import Database, Transaction

MOST_LEFT_OUT: Final = 200
"""Contracts that one page asks the access check about in vain, at most: drafts that people made in the portal, and
what was disposed of."""


class ClientContracts:
    """Reads only. Thread-safe. For calls while a client acts (:func:`appliance.acting_client.acting_for`); for
    anybody else there is no contract."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def read(self, contract_id: str) -> ClientContract:
        """The contract. Raises :class:`NotFound` for one that does not exist, or is out of the client's reach."""
        with self._database.reading() as tx:
            return self._read(tx, contract_id)

    def page(self, wanted: ClientFilter, *, after: str | None, limit: int) -> ClientPage:
        """At most *limit* contracts behind *after*, the ``next`` of such a page. There may be fewer, or none,
        though there is a ``next``: for one page a limited number of contracts is looked at.

        Raises :class:`PreconditionRefused` for an *after* that names no place.
        """
        reach, last = acting_client(), None if after is None else read_cursor(after)
        within = last  # the last place of the client's own organisations and types: no others' are told
        if reach is None:
            return ClientPage((), None)
        found: list[ClientContract] = []
        looked_at = refused = 0
        with self._database.reading() as tx:
            for place, contract_id in client_lists.candidates(tx, reach, wanted, last):
                if contract_id is not None:
                    if len(found) == limit or refused == MOST_LEFT_OUT:
                        return ClientPage(tuple(found), str(within))
                    within = place
                    readable = self._readable(tx, contract_id)
                    refused += readable is None
                    found.extend([] if readable is None else [readable])
                last, looked_at = place, looked_at + 1
        more = looked_at == client_lists.LOOKED_AT
        return ClientPage(tuple(found), str(last) if more else None)

    def _readable(self, tx: Transaction, contract_id: str) -> ClientContract | None:
        with suppress(NotFound, StateRefused):  # out of reach; or disposed of, of which nothing is left to list
            return self._read(tx, contract_id)
        return None

    def _read(self, tx: Transaction, contract_id: str) -> ClientContract:
        known = client_lists.initiator_and_change(tx, contract_id)
        if known is None or acting_client() is None:
            raise NotFound("There is no contract {contract}.", contract=contract_id)
        initiator, changed = known
        contract = admit(tx, Command(contract_id, Permission.READ, initiator, self._now()))
        return ClientContract(contract, changed)
