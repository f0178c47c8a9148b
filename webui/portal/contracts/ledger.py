"""``/contracts/ledger``: the contract ledger with the filter that is in the address, saved views, and exports of
exactly what it shows (``/contracts/ledger.xlsx``, ``.csv``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any
from urllib.parse import parse_qs, quote, urlencode

from flask import Blueprint, Response, request

from appliance.language import instants
from appliance.listing.contract_ledger import ROLES, LedgerReader
from appliance.listing.exports import LABELS, LedgerFile, cell_of
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.model.contract import EXPONENTS, UNSENT, ContractState, Money
from appliance.model.contract_ledger import LedgerColumn, LedgerDate, LedgerFilter, LedgerOrder
from appliance.model.listing import ListedContract
from appliance.money import NotAnAmount, read_money
from webui.portal.access import require
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, form, render, see_other, unprocessable
from webui.shared.forms import date_of, field, member_of, posted_number, whole_number
from webui.shared.language import translate, zone_of_reader

pages = Blueprint("ledger", __name__, url_prefix="/contracts")

ROWS = 50
LONGEST = 120
"""Characters of one word of a filter; more is cut off, as no title or name is longer."""

WORDS = ("q", "number", "party", "department", "kind", "state", "currency", "least", "most", "dated")
NAMES = (*WORDS, "since", "until", "due", "order", "up")
FOLDED = ("number", "party", "department", "currency", "least", "most", "since", "until", "due")
"""The fields of the filter that are folded away."""

SHOWN = tuple(
    LedgerColumn(name)
    for name in ("number", "title", "counterparties", "amount", "state", "progress", "sent", "deadline")
)
"""The columns of who has chosen none."""

DUE = (7, 30, 90)
"""Days within which something is due, to choose from."""

ORDERS = {
    LedgerOrder.CREATED: LedgerColumn.CREATED,
    LedgerOrder.NUMBER: LedgerColumn.NUMBER,
    LedgerOrder.AMOUNT: LedgerColumn.AMOUNT,
    LedgerOrder.SENT: LedgerColumn.SENT,
    LedgerOrder.DEADLINE: LedgerColumn.DEADLINE,
    LedgerOrder.COMPLETED: LedgerColumn.COMPLETED,
}
PIECE = 64 * 1024
"""Bytes of a file that are sent at once."""

KINDS = {LedgerFile.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
KINDS |= {LedgerFile.CSV: "text/csv; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class LedgerQuery:
    """What the address asks for: as it was ``typed``, the filter, the columns (empty: the usual ones), and a
    sentence for each field that cannot be understood; such a field leaves nothing out."""

    typed: Mapping[str, str]
    wanted: LedgerFilter
    columns: tuple[LedgerColumn, ...]
    problems: Mapping[str, str]

    def address(self, **changed: str) -> str:
        """The query of this ledger with some of its fields *changed*."""
        values = {**self.typed, **changed}
        parts = [(name, values[name]) for name in (*NAMES, "after") if values.get(name)]
        return urlencode([*parts, *(("c", column.value) for column in self.columns)])


def ledger_reader() -> LedgerReader:
    """The visitor, who has a ledger. Raises as :func:`require`."""
    found = require(*ROLES)
    return LedgerReader(found.subject, found.roles, found.audience, found.organisation, zone_of_reader())


@pages.get("/ledger")
def ledger() -> Answer:
    return _show(ledger_reader(), _query(request.args.to_dict(flat=False)))


def _show(reader: LedgerReader, query: LedgerQuery, **more: Any) -> Answer:
    columns = query.columns or SHOWN
    page = appliance.contract_ledger.page(reader, query.wanted, limit=ROWS)
    own, shared = appliance.contract_ledger.views(reader)
    whose = reader.whose
    return render(
        "contracts/ledger.html",
        status=422 if query.problems else None,
        query=query,
        chosen=query.typed,
        filter_problems=query.problems,
        narrowed=any(query.typed[name] for name in FOLDED),
        filtered=any(query.typed[name] for name in NAMES if name not in ("order", "up", "dated")),
        rows=[_row(row, columns, reader) for row in page.rows],
        columns=columns,
        labels=LABELS,
        orders={column: order for order, column in ORDERS.items()},
        states=[state for state in ContractState if state not in UNSENT or state is ContractState.DRAFT],
        kinds=appliance.listing.list_kinds(whose, reader.audience),
        departments=appliance.contract_ledger.departments(reader),
        currencies=list(EXPONENTS),
        dates=list(LedgerDate),
        due=DUE,
        views=own,
        shared_views=shared,
        sharing=appliance.contract_ledger.department_to_share_with(reader),
        roles=sorted(PEOPLES_ROLES),
        current=query.address(after=""),
        further=None if page.next is None else f"/contracts/ledger?{query.address(after=page.next)}",
        start=f"/contracts/ledger?{query.address(after='')}" if query.wanted.after else None,
        **more,
    )


@pages.get("/ledger.<any(xlsx, csv):ending>")
def export(ending: str) -> Answer:
    reader, query = ledger_reader(), _query(request.args.to_dict(flat=False))
    if query.problems:
        return _show(reader, query)
    kind, columns = LedgerFile(ending), query.columns or tuple(LedgerColumn)
    made = appliance.ledger_exports.export(reader, query.wanted, columns, kind, translate())
    day = instants.bare(appliance.now(), reader.zone)[:10]
    name = f"{translate()('Contract ledger')}-{day}.{kind}"
    answer = Response(_pieces(made.file), content_type=KINDS[kind])
    answer.content_length = made.size
    # RFC 6266, 4.3: a plain name, and the one in the reader's language.
    named = f"filename=contracts-{day}.{kind}; filename*=UTF-8''{quote(name, safe='')}"
    answer.headers["Content-Disposition"] = f"attachment; {named}"
    answer.call_on_close(made.file.close)
    return answer


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        yield from iter(lambda: file.read(PIECE), b"")


def show_again() -> Answer:
    return _show(ledger_reader(), _posted_query())


@pages.post("/ledger/views")
@form(show_again, ledger_reader, "name", status=unprocessable)
def save_view(reader: LedgerReader) -> Answer:
    query = _posted_query()
    role = member_of(AccountRole, field("role"))
    shared = field("shared") == "yes"
    appliance.contract_ledger.save_view(
        reader, field("name"), query.address(after=""), shared=shared, role=role if role in PEOPLES_ROLES else None
    )
    return _back(query)


@pages.post("/ledger/views/remove")
def remove_view() -> Answer:
    reader = ledger_reader()
    appliance.contract_ledger.remove_view(reader, posted_number("view", 15))
    return see_other("ledger.ledger")


def _posted_query() -> LedgerQuery:
    return _query(parse_qs(field("query", 4000)))


def _back(query: LedgerQuery) -> Answer:
    answer = see_other("ledger.ledger")
    answer.location = f"/contracts/ledger?{query.address(after='')}"
    return answer


def _row(row: ListedContract, columns: tuple[LedgerColumn, ...], reader: LedgerReader) -> dict[str, Any]:
    """The contract, and what stands in its cells; an amount has its currency."""
    cells = {column: cell_of(row, column, reader.audience, translate()) for column in columns}
    shown = {name: str(cell) if isinstance(cell, Money) else cell for name, cell in cells.items()}
    return {"contract": row, "cells": shown}


def _query(args: Mapping[str, list[str]]) -> LedgerQuery:
    typed = {name: " ".join(args.get(name, [""])[-1].split())[:LONGEST] for name in NAMES}
    problems: dict[str, str] = {}
    days = {name: date_of(typed[name]) for name in ("since", "until")}
    for name, day in days.items():
        if typed[name] and day is None:
            problems[name] = translate()("“{value}” is not a day; write it like 2026-11-25.", value=typed[name])
    since, until = days["since"], days["until"]
    if since and until and until < since:
        problems["until"] = translate()("This day is before the first one; change one of them.")
    least, most = (_amount(typed, name, problems) for name in ("least", "most"))
    if least is not None and most is not None and most < least:
        problems["most"] = translate()("This amount is below the minimum; change one of them.")
    due = whole_number(typed["due"], 4)
    wanted = LedgerFilter(
        text=typed["q"],
        number=typed["number"],
        party=typed["party"],
        department=typed["department"],
        kind=typed["kind"],
        state=member_of(ContractState, typed["state"]),
        currency=typed["currency"] if typed["currency"] in EXPONENTS else "",
        dated=member_of(LedgerDate, typed["dated"]) or LedgerDate.CREATED,
        due=None if due is None else min(due, 3660),
        order=member_of(LedgerOrder, typed["order"]) or LedgerOrder.CREATED,
        ascending=typed["up"] == "1",
        after=args.get("after", [""])[-1][:400] or None,
        least=least,
        most=most,
        since=since,
        until=until,
    )
    asked = set(args.get("c", ()))
    columns = tuple(column for column in LedgerColumn if column.value in asked)
    return LedgerQuery(typed, wanted, columns, problems)


def _amount(typed: Mapping[str, str], name: str, problems: dict[str, str]) -> Decimal | None:
    """The bound of the amount that was typed, in whole units."""
    if not typed[name]:
        return None
    try:
        return read_money(typed[name], typed["currency"] if typed["currency"] in EXPONENTS else "CNY").units
    except NotAnAmount:
        problems[name] = translate()("An amount such as 1,000,000.00 or 壹佰万元整, no finer than the currency.")
        return None
