"""The lists of the home page: counts, and pages of contracts, for one person or for an auditor.

They are derived from the contracts, so they can always be derived again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from appliance.contracts.access import refresh_lists
from appliance.errors import PreconditionRefused
from appliance.ledger.disclosure import Audience, spellings
from appliance.model.api_clients import require_person
from appliance.model.listing import EVERYTHING, BucketCounts, ContractFilter, ContractPage, ListCursor, ListViewer
from appliance.store import lists, participation_index
from appliance.store.database import Database, Transaction

_FORM = re.compile(r"([0-9T:Z-]{0,20})~([0-9]{1,18})", re.ASCII)


NO_PAGE = "This page of the list does not exist; begin with the first."
"""For text that names no place."""


def read_cursor(text: str) -> ListCursor:
    """The place that *text* names. Raises :class:`PreconditionRefused` for text that names none."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise PreconditionRefused(NO_PAGE)
    return ListCursor(found[1], int(found[2]))


SOON = timedelta(hours=72)
"""What is due in less is due soon."""

MOST_ROWS = 100


class ContractLists:
    """Reads only. Thread-safe. *subject* is a person, or :data:`EVERYTHING` for an auditor of *audience*, who sees
    nothing of what others drafted and never sent. Every call raises :class:`PreconditionRefused` while an API
    client acts: what that lists is held to its reach elsewhere (:mod:`appliance.listing.client_contracts`)."""

    EVERYTHING = EVERYTHING

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def count_buckets(self, subject: str, audience: Audience | None = None) -> BucketCounts:
        """How many contracts are in each bucket, at most 1,000 each."""
        with self._database.reading() as tx:
            return lists.counts(tx, _viewer(tx, subject, audience), soon=self._now() + SOON)

    def list_page(
        self, subject: str, wanted: ContractFilter, *, audience: Audience | None = None, limit: int = 25
    ) -> ContractPage:
        """At most *limit* (up to 100) contracts, the last changed first; what is due soon by its deadline.

        A text search gives the newest contracts first. Raises :class:`PreconditionRefused` for an ``after`` that
        is not the ``next`` of such a page.
        """
        if not 1 <= limit <= MOST_ROWS:
            raise PreconditionRefused("A page has between 1 and {most} rows.", most=MOST_ROWS)
        after = None if wanted.after is None else read_cursor(wanted.after)
        with self._database.reading() as tx:
            reader = _viewer(tx, subject, audience)
            return lists.page(tx, reader, wanted, after=after, limit=limit, soon=self._now() + SOON)

    def list_kinds(self, subject: str, audience: Audience | None = None) -> list[str]:
        """The types of contract that the person has, at most a hundred, in the order of their signs."""
        with self._database.reading() as tx:
            return lists.kinds(tx, _viewer(tx, subject, audience))


def _viewer(tx: Transaction, subject: str, audience: Audience | None) -> ListViewer:
    require_person()  # what a client of the API lists goes through the access check (client_contracts)
    return ListViewer(subject, () if audience is None else tuple(spellings(tx, audience)))


AT_ONCE = 200
"""Contracts in one transaction: other writers wait meanwhile."""


def add_missing_rows(database: Database) -> int:
    """Lists the contracts that an older release left without rows; how many there were."""
    done = 0
    while True:
        with database.transaction() as tx:
            missing = participation_index.without_rows(tx, AT_ONCE)
            for contract_id in missing:
                refresh_lists(tx, contract_id)
        if not missing:
            return done
        done += len(missing)
