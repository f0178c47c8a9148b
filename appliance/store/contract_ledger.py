"""The contract ledger in the database: pages of any order and filter, each from a bounded number of rows.

A page comes from the smallest source: where a filter, or the reader's own contracts, leave few, they are sorted;
else the index of the order is walked, and what does not fit is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from appliance.language import instants
from appliance.model.contract_ledger import LedgerCursor, LedgerDate, LedgerFilter, LedgerOrder, LedgerView
from appliance.model.listing import EVERYTHING, ContractPage, ListedContract, ListViewer
from appliance.store import lists
from appliance.store.database import Transaction
from hsm.intents import instant
from hsm.rows import Query, fields_of

FEW: Final = 5000
"""So many are sorted for each page."""

LOOKED_AT: Final = 10_000
"""Contracts that a page looks at when it walks an index; the next one goes on from there."""

_INDEXES: Final = {
    LedgerOrder.CREATED: ("c.created", "contracts_by_created"),
    LedgerOrder.NUMBER: ("c.contract_number", "contracts_by_number"),
    LedgerOrder.AMOUNT: ("c.worth", "contracts_by_worth"),
    LedgerOrder.SENT: ("c.sent", "contracts_by_sent"),
    LedgerOrder.DEADLINE: ("c.deadline", "contracts_by_deadline"),
    LedgerOrder.COMPLETED: ("c.completed", "contracts_by_completed"),
}
_COLUMNS: Final = {
    LedgerDate.CREATED: LedgerOrder.CREATED,
    LedgerDate.SENT: LedgerOrder.SENT,
    LedgerDate.DEADLINE: LedgerOrder.DEADLINE,
    LedgerDate.COMPLETED: LedgerOrder.COMPLETED,
}
_OVER: Final = "('draft', 'declined', 'recalled', 'expired', 'discarded', 'voided')"
"""States of contracts that no day is waited for."""

_DRAFTED: Final = (
    "EXISTS (SELECT 1 FROM people AS drafter WHERE drafter.subject = c.initiator AND drafter.guest = 0"
    " AND drafter.organisation IN (SELECT value FROM json_each(?)))"
)
"""Whether one of the reader's own organisation (by the register's spellings) drafted it: departments and days of a
contract are internal to that."""


@dataclass(frozen=True, slots=True)
class _Sql:
    """Part of a statement, and the values of its places."""

    text: str
    values: tuple[object, ...] = ()


@dataclass(slots=True)
class _Plan:
    """``conditions`` on the contract ``c`` that all have to hold; ``sources`` of ``number``, each of which has
    every contract that fits."""

    conditions: list[_Sql] = field(default_factory=list)
    sources: list[_Sql] = field(default_factory=list)
    bounds: list[tuple[LedgerOrder, _Sql]] = field(default_factory=list)
    """Bounds of what the ledger can be sorted by: they end the walk along the index of that order."""

    def bound(self, order: LedgerOrder, condition: str, *values: object) -> None:
        """One more condition, on what *order* sorts by."""
        _, index = _INDEXES[order]
        source = f"SELECT number FROM contracts AS c INDEXED BY {index} WHERE {condition}"  # noqa: S608
        self.restrict(condition, *values, source=source)
        self.bounds.append((order, self.conditions[-1]))

    def restrict(self, condition: str, *values: object, source: str = "", of: tuple[object, ...] = ()) -> None:
        """One more condition; *source* is what it could be found by, with the values *of*."""
        self.conditions.append(_Sql(condition, values))
        if source:
            self.sources.append(_Sql(source, of or values))


def page(
    tx: Transaction, reader: ListViewer, wanted: LedgerFilter, *, now: datetime, zone: str, limit: int
) -> ContractPage:
    """At most *limit* rows behind ``wanted.after``; days are those of *zone*."""
    plan, found = _Plan(), list[LedgerCursor]()
    _by_words(plan, reader, wanted)
    _by_terms(plan, reader, wanted)
    _by_days(plan, reader, wanted, zone)
    if wanted.due is not None:
        _by_due(plan, reader, now, zone, timedelta(days=wanted.due))
    visible = _visible(reader, wanted)
    if reader.person != EVERYTHING:
        plan.sources.append(_Sql("SELECT number FROM involvements WHERE person = ?", (reader.person,)))
    source = next((each for each in plan.sources if _is_small(tx, each)), None)
    query = _walked(wanted, visible, plan) if source is None else _sorted(wanted, visible, plan, source)
    last, looked_at = None, 0
    for number, at, fits in tx.execute(f"{query.text} LIMIT ?", (*query.values, LOOKED_AT)):
        last, looked_at = LedgerCursor(at, number), looked_at + 1
        if fits:
            found.append(last)
        if len(found) > limit:
            return ContractPage(_rows(tx, reader, found[:limit]), str(found[limit - 1]))
    more = last is not None and looked_at == LOOKED_AT
    return ContractPage(_rows(tx, reader, found), str(last) if more else None)


def _rows(tx: Transaction, reader: ListViewer, found: list[LedgerCursor]) -> tuple[ListedContract, ...]:
    return lists.listed(tx, reader, [each.number for each in found])


def _is_small(tx: Transaction, source: _Sql) -> bool:
    counted = f"SELECT count(*) FROM (SELECT 1 FROM ({source.text}) LIMIT ?)"  # noqa: S608 -- texts of this module
    return tx.count(counted, (*source.values, FEW + 1)) <= FEW


def _visible(reader: ListViewer, wanted: LedgerFilter) -> _Sql:
    """What *reader* may know of: it belongs where candidates are found, since the end of a page would tell."""
    seen, values = lists.seen_by(reader, "c.number")
    kind, kinds = (" AND mine.kind = ?", (wanted.kind,)) if wanted.kind else ("", ())
    own = f"SELECT 1 FROM involvements AS mine WHERE mine.person = ? AND mine.number = c.number{kind}"  # noqa: S608
    return _Sql(f"EXISTS ({own}){seen}", (reader.person, *kinds, *values))


def _sorted(wanted: LedgerFilter, visible: _Sql, plan: _Plan, source: _Sql) -> _Sql:
    """The few of *source* that fit, sorted."""
    key, _ = _INDEXES[wanted.order]
    behind, order = _behind(wanted, key)
    conditions = [visible, *plan.conditions, *behind]
    held = " AND ".join(each.text for each in conditions)
    query = (
        f"SELECT c.number, {key}, 1 FROM (SELECT DISTINCT number FROM ({source.text})) AS few"  # noqa: S608
        f" CROSS JOIN contracts AS c ON c.number = few.number WHERE {held} ORDER BY {order}"
    )
    return _Sql(query, (*source.values, *(value for each in conditions for value in each.values)))


def _walked(wanted: LedgerFilter, visible: _Sql, plan: _Plan) -> _Sql:
    """All that *visible* leaves, along the index of the order, with whether each fits."""
    key, index = _INDEXES[wanted.order]
    behind, order = _behind(wanted, key)
    inner = [visible, *behind, *(bound for order_of, bound in plan.bounds if order_of is wanted.order)]
    held = " AND ".join(each.text for each in inner)
    fits = " AND ".join(each.text for each in plan.conditions) or "1"
    query = (
        f"SELECT candidates.number, candidates.at, {fits} FROM (SELECT c.number, {key} AS at"  # noqa: S608
        f" FROM contracts AS c INDEXED BY {index} WHERE {held} ORDER BY {order} LIMIT {LOOKED_AT}) AS candidates"
        " CROSS JOIN contracts AS c ON c.number = candidates.number"
    )
    values = [value for part in (plan.conditions, inner) for each in part for value in each.values]
    return _Sql(query, tuple(values))


def _behind(wanted: LedgerFilter, key: str) -> tuple[list[_Sql], str]:
    """What lies behind the page before, and the order."""
    word, sign = ("ASC", ">") if wanted.ascending else ("DESC", "<")
    order = f"{key} {word}, c.number {word}"
    if wanted.after is None:
        return [], order
    cursor = LedgerCursor.of(wanted.after, amount=wanted.order is LedgerOrder.AMOUNT)
    return [_Sql(f"({key}, c.number) {sign} (?, ?)", (cursor.key, cursor.number))], order


def _by_words(plan: _Plan, reader: ListViewer, wanted: LedgerFilter) -> None:
    for query, values in lists.text_sources(reader.person, wanted.text, wanted.party):
        plan.restrict(f"c.number IN ({query})", *values, source=query)
    if wanted.number:
        bounds = (wanted.number, f"{wanted.number}\U0010ffff")
        plan.bound(LedgerOrder.NUMBER, "(c.contract_number >= ? AND c.contract_number < ?)", *bounds)


def _by_terms(plan: _Plan, reader: ListViewer, wanted: LedgerFilter) -> None:
    if wanted.kind:
        source = "SELECT number FROM involvements INDEXED BY involvements_kind WHERE person = ? AND kind = ?"
        plan.sources.append(_Sql(source, (reader.person, wanted.kind)))
    if wanted.state is not None:
        plan.restrict("+c.state = ?", wanted.state)  # no index: the states are few
    if wanted.currency:
        source = "SELECT number FROM contracts INDEXED BY contracts_by_currency WHERE currency = ?"
        plan.restrict("c.currency = ?", wanted.currency, source=source)
    if wanted.department:
        plan.restrict(
            f"c.department = ? AND {_DRAFTED}",
            wanted.department,
            json.dumps(reader.organisations),
            source="SELECT number FROM contracts INDEXED BY contracts_by_department"
            " WHERE department = ? AND department <> ''",
            of=(wanted.department,),
        )
    if wanted.least is not None or wanted.most is not None:
        least = 0.0 if wanted.least is None else float(wanted.least)
        most = float("inf") if wanted.most is None else float(wanted.most)
        plan.bound(LedgerOrder.AMOUNT, "c.worth BETWEEN ? AND ?", least, most)


def _by_days(plan: _Plan, reader: ListViewer, wanted: LedgerFilter, zone: str) -> None:
    if wanted.since is None and wanted.until is None:
        return
    first, last = wanted.since or date(1900, 1, 1), wanted.until or date(2999, 12, 31)
    if wanted.dated in _COLUMNS:
        column, _ = _INDEXES[_COLUMNS[wanted.dated]]
        plan.bound(_COLUMNS[wanted.dated], f"({column} >= ? AND {column} < ?)", *_between(first, last, zone))
        return
    _by_dates(plan, reader, "d.kind = ? AND d.day BETWEEN ? AND ?", (wanted.dated.value, str(first), str(last)))


def _between(first: date, last: date, zone: str) -> tuple[str, str]:
    """The first instant of *first* in *zone*, and the first one after *last*, as they are stored."""
    following = min(last, date(9998, 12, 30)) + timedelta(days=1)
    return instant(instants.on(first, datetime.min.time(), zone)), instant(
        instants.on(following, datetime.min.time(), zone)
    )


_OF_DATES: Final = (
    "SELECT n.number FROM contract_dates AS d {index} CROSS JOIN contracts AS n ON n.id = d.contract"
)


def _by_dates(plan: _Plan, reader: ListViewer, days: str, values: tuple[object, ...]) -> None:
    """Of one's own organisation's contracts those with a date that fulfils *days*."""
    exists = f"EXISTS (SELECT 1 FROM contract_dates AS d WHERE d.contract = c.id AND {days})"  # noqa: S608
    source = f"{_OF_DATES.format(index='INDEXED BY contract_dates_by_day')} WHERE {days}"
    plan.restrict(f"{exists} AND {_DRAFTED}", *values, json.dumps(reader.organisations), source=source, of=values)


def _by_due(plan: _Plan, reader: ListViewer, now: datetime, zone: str, within: timedelta) -> None:
    today = now.astimezone(ZoneInfo(zone)).date()
    days = (today.isoformat(), (today + within).isoformat())
    sent = "c.state = 'sent' AND c.deadline < ?"
    dated = (
        "EXISTS (SELECT 1 FROM contract_dates AS d WHERE d.contract = c.id AND d.day BETWEEN ? AND ?"
        " AND NOT EXISTS (SELECT 1 FROM amendments_in_force AS m"
        " WHERE m.earlier = c.id AND m.kind <> 'supplement' AND m.effective <= d.day))"
    )
    source = (
        "SELECT number FROM contracts INDEXED BY contracts_due WHERE state = 'sent' AND deadline < ?"  # noqa: S608
        f" UNION ALL {_OF_DATES.format(index='INDEXED BY contract_dates_by_day')} WHERE d.day BETWEEN ? AND ?"
    )
    plan.restrict(
        f"({sent} OR (c.state NOT IN {_OVER} AND {dated} AND {_DRAFTED}))",
        now + within,
        *days,
        json.dumps(reader.organisations),
        source=source,
        of=(now + within, *days),
    )


DEPARTMENTS: Final = 200


def departments(tx: Transaction, reader: ListViewer) -> list[str]:
    """The departments of the reader's own organisation whose people have an account, by name."""
    return tx.column(
        str,
        "SELECT DISTINCT department FROM people INDEXED BY people_members_of WHERE guest = 0 AND department <> ''"
        " AND organisation IN (SELECT value FROM json_each(?)) ORDER BY department LIMIT ?",
        (json.dumps(reader.organisations), DEPARTMENTS),
    )


_VIEWS = Query(
    LedgerView,
    "SELECT v.id, v.owner, p.name AS 'by', v.name, v.query, v.department, nullif(v.role, '') AS role, v.made"
    " FROM ledger_views AS v JOIN people AS p ON p.subject = v.owner",
)


def views_of(tx: Transaction, owner: str) -> list[LedgerView]:
    """What *owner* has saved, by name."""
    return _VIEWS.all(tx, "WHERE v.owner = ? ORDER BY v.name", (owner,))


def shared_views(
    tx: Transaction, organisation: str, department: str, roles: Iterator[str] | list[str], *, but: str
) -> list[LedgerView]:
    """What others than *but* share with the *department* and any of *roles* there, by name."""
    return _VIEWS.all(
        tx,
        "WHERE v.organisation = ? AND v.department = ? AND v.owner <> ?"
        " AND (v.role = '' OR v.role IN (SELECT value FROM json_each(?))) ORDER BY v.name, v.id",
        (organisation, department, but, json.dumps(list(roles))),
    )


def save_view(tx: Transaction, view: LedgerView, organisation: str) -> None:
    """A new view, or in place of the one of this name that its owner has."""
    row = fields_of(view, "owner name query department made") | {"organisation": organisation}
    tx.save("ledger_views", row | {"role": view.role or ""}, key="owner name")


def remove_view(tx: Transaction, owner: str, view: int) -> bool:
    """Whether *owner* had it."""
    return tx.delete("ledger_views", id=view, owner=owner)
