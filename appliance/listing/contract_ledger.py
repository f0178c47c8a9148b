"""The contract ledger (合同台账): all that somebody may see, filtered and sorted, with views that they save."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Set
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

from appliance.entered_text import require_text
from appliance.errors import NotAllowed, NotFound, PreconditionRefused
from appliance.language.characters import words
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.ledger.disclosure import Audience, spellings
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.model.api_clients import require_person
from appliance.model.contract_ledger import LedgerFilter, LedgerView
from appliance.model.listing import EVERYTHING, ContractPage, ListedContract, ListViewer
from appliance.store import contract_ledger, people
from appliance.store.database import Database, Transaction
from hsm.names import name_key

ROLES: Final = PEOPLES_ROLES | {AccountRole.AUDITOR}
"""Who has a ledger: outside signers, officers and operators have none."""

SHARING: Final = frozenset({AccountRole.INITIATOR, AccountRole.AUDITOR})
"""Who shares views with the own department: who starts contracts there, and who audits them."""

MOST_VIEWS: Final = 50
LONGEST_NAME: Final = 60
MOST_ROWS: Final = 100
MOST_EMPTY: Final = 20
"""Stretches of an order without anything that fits, behind which a page still looks."""

AT_ONCE: Final = 500
"""Rows that an export has in memory."""


@dataclass(frozen=True, slots=True)
class LedgerReader:
    """Who reads: a person with ``roles``, and by whose clocks the days of a filter are."""

    subject: str
    roles: Set[AccountRole]
    audience: Audience
    organisation: str
    zone: str

    @property
    def whose(self) -> str:
        """Whose contracts: all of them for an auditor."""
        return EVERYTHING if AccountRole.AUDITOR in self.roles else self.subject


class ContractLedger:
    """Thread-safe. A view, saved or shared, is a filter: each reader sees of it what they may see."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def page(self, reader: LedgerReader, wanted: LedgerFilter, *, limit: int = 25) -> ContractPage:
        """At most *limit* (up to 100) contracts. Raises :class:`PreconditionRefused` for an ``after`` that is not
        the ``next`` of such a page, :class:`NotAllowed` for who has no ledger."""
        _require_reader(reader)
        if not 1 <= limit <= MOST_ROWS:
            raise PreconditionRefused("A page has between 1 and {most} rows.", most=MOST_ROWS)
        with self._database.reading() as tx:
            page = self._page(tx, reader, wanted, limit)
            for _ in range(MOST_EMPTY):
                if page.rows or page.next is None:
                    break
                page = self._page(tx, reader, replace(wanted, after=page.next), limit)
            return page

    def rows(self, reader: LedgerReader, wanted: LedgerFilter) -> Iterator[ListedContract]:
        """Every contract that the filter leaves, in its order, as of one moment; a few at a time are in memory.
        Read them at once: until the last one, the database keeps that state. Raises as :meth:`page`."""
        _require_reader(reader)
        with self._database.reading() as tx:
            after = wanted.after
            while True:
                page = self._page(tx, reader, replace(wanted, after=after), AT_ONCE)
                yield from page.rows
                if page.next is None:
                    return
                after = page.next

    def departments(self, reader: LedgerReader) -> list[str]:
        """The departments of the reader's own organisation, by name."""
        with self._database.reading() as tx:
            return contract_ledger.departments(tx, _viewer(tx, reader))

    def record_export(self, reader: LedgerReader, wanted: LedgerFilter, *, form: str, rows: int) -> None:
        """The log keeps who took so many *rows* out of here as a file of this *form*, and by which filter."""
        told = {name: str(value) for name, value in asdict(wanted).items() if value not in (None, "", False)}
        public: dict[str, str | int | None] = {"form": form, "rows": rows}
        private = {"filter": json.dumps(told, ensure_ascii=False, sort_keys=True)}
        event = AuditEvent(EventKind.LEDGER_EXPORTED, self._now(), reader.subject, None, public, dict(private))
        self._database.commit(append_event, event)

    def views(self, reader: LedgerReader) -> tuple[list[LedgerView], list[LedgerView]]:
        """The reader's own views, and those that others share with them."""
        with self._database.reading() as tx:
            own = contract_ledger.views_of(tx, reader.subject)
            department = people.department_of(tx, reader.subject)
            if not department:
                return own, []
            key = name_key(reader.organisation)
            shared = contract_ledger.shared_views(tx, key, department, sorted(reader.roles), but=reader.subject)
            return own, shared

    def department_to_share_with(self, reader: LedgerReader) -> str:
        """The department with which the reader may share views; empty for none."""
        if not reader.roles & SHARING:
            return ""
        return self._database.query(people.department_of, reader.subject)

    def save_view(
        self, reader: LedgerReader, name: str, query: str, *, shared: bool = False, role: AccountRole | None = None
    ) -> None:
        """Saves *query* under *name*, in place of the reader's view of that name; *shared* with the own department
        there, or with those of one *role* in it.

        Raises :class:`PreconditionRefused` for a name that is empty or too long, for too many views, and for who
        may not share."""
        _require_reader(reader)
        name = require_text(
            words(name),
            missing="A view needs a name.",
            too_long="The name is too long; {most} characters are possible.",
            most=LONGEST_NAME,
        )
        department = self.department_to_share_with(reader) if shared else None
        if department == "":
            raise PreconditionRefused("Only initiators and auditors who have a department share views with it.")
        with self._database.transaction() as tx:
            own = contract_ledger.views_of(tx, reader.subject)
            if len(own) >= MOST_VIEWS and name not in {each.name for each in own}:
                raise PreconditionRefused("You have {most} views already; remove one first.", most=MOST_VIEWS)
            kept = role if shared else None
            view = LedgerView(0, reader.subject, "", name, query, department, kept, self._now())
            contract_ledger.save_view(tx, view, name_key(reader.organisation))

    def remove_view(self, reader: LedgerReader, view: int) -> None:
        """Raises :class:`NotFound` unless the reader has saved it."""
        if not self._database.commit(contract_ledger.remove_view, reader.subject, view):
            raise NotFound("There is no view {view} of yours.", view=view)

    def _page(self, tx: Transaction, reader: LedgerReader, wanted: LedgerFilter, limit: int) -> ContractPage:
        return contract_ledger.page(
            tx, _viewer(tx, reader), wanted, now=self._now(), zone=reader.zone, limit=limit
        )


def _require_reader(reader: LedgerReader) -> None:
    if not reader.roles & ROLES:
        raise NotAllowed("Your account does not have the role that this page is for; an officer can give it.")


def _viewer(tx: Transaction, reader: LedgerReader) -> ListViewer:
    require_person()
    return ListViewer(reader.whose, tuple(spellings(tx, reader.audience)))
