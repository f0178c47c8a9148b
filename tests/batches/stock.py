"""The template and the rows of the batches, and what has to be found of them in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from appliance.demonstration.participants import ZHANG
from appliance.language import Language
from appliance.model.mail_merge import LIST_ROLE, MailMerge, MergeRow, RowState, TypedParty, TypedRow
from appliance.model.writing import MergeField, MergeFieldKind, Template, TextPurpose
from appliance.store import mail_merges as store
from appliance.store.database import Transaction
from appliance.wiring import Appliance
from appliance.writing import Beginning

FIELDS = (
    MergeField("价格", MergeFieldKind.MONEY, "价格"),
    MergeField("交货", MergeFieldKind.DATE, "交货日期", required=False),
    MergeField("含税", MergeFieldKind.YES_NO, "是否含税", default="yes"),
)
CLAUSE = "<p>双方经协商一致，就采购事宜订立本合同，共同遵守。甲方应当按期付款，乙方应当按期交货。</p>"
HTML = (
    "<h1>采购合同</h1>"
    + "".join(f'<p>{each.label}：<span data-field="{each.name}">{each.name}</span></p>' for each in FIELDS)
    + CLAUSE * 8
)


def published(appliance: Appliance) -> Template:
    """A template of Zhang's, which fills one page."""
    writing, by = appliance.writing, ZHANG.subject
    beginning = Beginning("采购", "采购", Language.CHINESE, TextPurpose.TEMPLATE, HTML, FIELDS)
    text = writing.texts.new(by, beginning)
    return writing.templates.publish(text.id, by=by, seen=text.version)


def typed_row(number: int, called: str = "批次", **fields: object) -> TypedRow:
    party = TypedParty(f"钱{number}号", f"丙{number}公司", f"q{number}@c.example")
    values = {"价格": number + 1, "交货": "2090-12-31", "含税": False, **fields}
    return TypedRow({LIST_ROLE: party}, values, f"{called} {number}", f"{number + 1}.50", reference=f"PO-{number}")


def typed_rows(count: int, called: str = "批次") -> list[TypedRow]:
    return [typed_row(number, called) for number in range(count)]


def findings(appliance: Appliance, batch: MailMerge, count: int) -> list[str]:
    """What is wrong with a batch that was to be sent: nothing, if each of its *count* rows is one contract, sent
    once to one counterparty, and there is no other of its title."""
    with appliance.database.reading() as tx:
        rows, found = store.rows_of(tx, batch.id), _contracts(tx, batch.owner)
    return [*_of_rows(rows, count), *_of_contracts(rows, found)]


def _of_rows(rows: Sequence[MergeRow], count: int) -> list[str]:
    states = Counter(row.state.value for row in rows)
    wrong = [] if states == {RowState.SENT.value: count} else [f"rows by state: {dict(states)}"]
    distinct = len({row.contract for row in rows})
    return wrong if distinct == count else [*wrong, f"{distinct} contracts of {count} rows"]


def _of_contracts(rows: Sequence[MergeRow], found: dict[str, tuple[str, str, int, int]]) -> list[str]:
    titles = {row.entry.title for row in rows}
    made = {contract: told for contract, told in found.items() if told[0] in titles}
    expected = {row.contract: (row.entry.title, "sent", 2, 1) for row in rows}
    return [
        f"contract {contract}: {made.get(contract)} instead of {told}"
        for contract, told in expected.items()
        if made.get(contract or "") != told
    ] + [f"contract {contract} is of no row" for contract in made.keys() - expected.keys()]


def _contracts(tx: Transaction, owner: str) -> dict[str, tuple[str, str, int, int]]:
    """Contract → its title, its state, how many parties it has, and how many times it was sent."""
    query = (
        "SELECT c.id, c.title, c.state, (SELECT count(*) FROM parties AS p WHERE p.contract = c.id),"
        " (SELECT count(*) FROM contract_changes AS h WHERE h.contract = c.id AND h.kind = 'contract-sent')"
        " FROM contracts AS c WHERE c.initiator = ?"
    )
    return {
        contract: (title, state, parties, sent)
        for contract, title, state, parties, sent in tx.execute(query, (owner,))
    }
