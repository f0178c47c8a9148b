"""What a client of the API reads of contracts, one by one and as lists, and of what belongs to them: requests for
seals, and checks of signers' identities. It reads in the initiators' names, and the access check holds it to its
reach (decision 73)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.acting_client import ClientReach, acting_client
from appliance.contracts.access import Command, admit
from appliance.contracts.authorisation_basis import decode_basis
from appliance.contracts.permissions import Permission
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.listing import NO_PAGE, read_cursor
from appliance.model.contract import GUEST_PREFIX
from appliance.model.listing import ClientContract, ClientFilter, ClientPage, ListCursor
from appliance.model.people import IdentityRecord, SealRequest, SealRequestState, SealUse, UseFilter
from appliance.sealing import seal, unseal
from appliance.store import client_lists, guests, intents, people, seal_requests
from appliance.store.database import Database, Transaction
from hsm.errors import NotPermitted

MOST_LEFT_OUT: Final = 200
"""Contracts that one page asks the access check about in vain, at most: drafts that people made in the portal, and
what was disposed of."""

USES_LOOKED_AT: Final = 300
"""Lines of the register of seal uses that one page looks at, at most."""

_LAST: Final = ListCursor("", 2**62)


@dataclass(frozen=True, slots=True)
class ClientUses:
    """Lines of the register of seal uses; ``next`` as of a :class:`ClientPage`."""

    uses: tuple[SealUse, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class PartyIdentity:
    """The identity checks of the ``person`` who acts for a party, the newest first; ``rests_on`` is the id of the
    one on which the party's signature rests, None where there is none."""

    person: str
    checks: tuple[IdentityRecord, ...]
    rests_on: str | None


class ClientContracts:
    """Reads only. Thread-safe. For calls while a client acts (:func:`appliance.acting_client.acting_for`); for
    anybody else there is no contract.

    Lists pass over what is out of reach, so a page can end at such a place: ``next`` is sealed under *key* (32
    bytes), for the list and the client that it was given.
    """

    def __init__(self, database: Database, now: Callable[[], datetime], key: bytes) -> None:
        self._database = database
        self._now = now
        self._key = key

    def read(self, contract_id: str) -> ClientContract:
        """The contract. Raises :class:`NotFound` for one that does not exist, or is out of the client's reach."""
        with self._database.reading() as tx:
            return self._read(tx, contract_id)

    def page(self, wanted: ClientFilter, *, after: str | None, limit: int) -> ClientPage:
        """At most *limit* contracts behind *after*, the ``next`` of such a page. There may be fewer, or none,
        though there is a ``next``: for one page a limited number of contracts is looked at.

        Raises :class:`PreconditionRefused` for an *after* that names no place.
        """
        reach = acting_client()
        if reach is None:
            return ClientPage((), None)
        last = self._place(reach, "contracts", after)
        found: list[ClientContract] = []
        looked_at = refused = 0
        with self._database.reading() as tx:
            for place, contract_id in client_lists.candidates(tx, reach, wanted, last):
                if contract_id is not None:
                    if len(found) == limit or refused == MOST_LEFT_OUT:
                        return ClientPage(tuple(found), self._next(reach, "contracts", last))
                    readable = self._readable(tx, contract_id)
                    refused += readable is None
                    found.extend([] if readable is None else [readable])
                last, looked_at = place, looked_at + 1
        more = looked_at == client_lists.LOOKED_AT
        return ClientPage(tuple(found), self._next(reach, "contracts", last) if more else None)

    def cursor(self, reach: ClientReach, place: ListCursor) -> str:
        """The ``after`` by which the client with *reach* goes on behind *place*."""
        return self._sealed(reach, "contracts", place)

    def seal_requests(self, contract_id: str) -> list[SealRequest]:
        """The requests for seals of the client's organisations on the contract, the oldest first; those of others
        are internal to them. Raises as :meth:`read`."""
        with self._database.reading() as tx:
            self._read(tx, contract_id)
            own = _own_seals(tx, acting_client())
            return [each for each in seal_requests.of_contract(tx, contract_id) if each.seal in own]

    def seal_uses(self, state: SealRequestState | None, *, after: str | None, limit: int) -> ClientUses:
        """At most *limit* lines of the register behind *after*, the newest first: of the seals of the client's
        organisations, on contracts within its reach. There may be fewer, and raises, as :meth:`page`."""
        reach = acting_client()
        if reach is None:
            return ClientUses((), None)
        last = self._place(reach, "seal uses", after) or _LAST
        found: list[SealUse] = []
        with self._database.reading() as tx:
            wanted = UseFilter(seals=tuple(sorted(_own_seals(tx, reach))), state=state)
            lines = seal_requests.uses_page(tx, wanted, before=last.number, limit=USES_LOOKED_AT)
            for use in lines:
                if len(found) == limit:
                    return ClientUses(tuple(found), self._next(reach, "seal uses", last))
                last = ListCursor("", use.number)
                found.extend([] if self._readable(tx, use.contract) is None else [use])
        more = len(lines) == USES_LOOKED_AT
        return ClientUses(tuple(found), self._next(reach, "seal uses", last) if more else None)

    def identity(self, contract_id: str, party_id: str) -> PartyIdentity:
        """What is on record about the identity of who acts for the party: every check of people of the client's
        organisations, and of whom they invited; of others the one on which their signature rests.

        Raises as :meth:`read`, and :class:`NotFound` for another contract's party."""
        with self._database.reading() as tx:
            party = self._read(tx, contract_id).contract.require_party(party_id)
            who, reach = party.responsible, acting_client()
            record = intents.bases_of(tx, contract_id).get(party_id)
            rests_on = None if record is None else decode_basis(record).identity
            hosts = guests.inviters(tx, who) if who.startswith(GUEST_PREFIX) else [who]
            known = [people.person(tx, each) for each in hosts if people.is_known(tx, each)]
            ours = reach is not None and any(each.organisation in reach.organisations for each in known)
            checks = [each for each in people.identities_of(tx, who) if ours or each.id == rests_on]
        return PartyIdentity(who, tuple(checks), rests_on)

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

    def _next(self, reach: ClientReach, of_list: str, place: ListCursor | None) -> str | None:
        return None if place is None else self._sealed(reach, of_list, place)

    def _sealed(self, reach: ClientReach, of_list: str, place: ListCursor) -> str:
        said = f"{place.at}~{place.number:018}".encode()  # always as long, since the length shows
        sealed = seal(self._key, f"{of_list} {reach.client}", said)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _place(self, reach: ClientReach, of_list: str, after: str | None) -> ListCursor | None:
        if after is None:
            return None
        try:
            sealed = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4))
            return read_cursor(unseal(self._key, f"{of_list} {reach.client}", sealed).decode())
        except (ValueError, NotPermitted) as error:
            raise PreconditionRefused(NO_PAGE) from error


def _own_seals(tx: Transaction, reach: ClientReach | None) -> frozenset[str]:
    """The seals of the house that belong to the client's organisations."""
    organisations = frozenset() if reach is None else reach.organisations
    known = people.seals(tx)
    return frozenset(each.subject for each in known if not each.outside and each.organisation in organisations)
