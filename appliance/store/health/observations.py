"""How each thing stands: the newest answer about it, and since when it has been so. Sentences are kept as
template and values, so that they can be shown in any language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.store.database import Transaction
from hsm.errors import Sentence
from hsm.rows import Query, fields_of


def encode_sentence(sentence: Sentence) -> str:
    """A sentence as a column value; values other than numbers as the text that they are shown as."""
    values = sentence.values.items()
    plain = {name: value if isinstance(value, int | float) else str(value) for name, value in values}
    return json.dumps([sentence.template, plain], ensure_ascii=False)


def decode_sentence(column: str) -> Sentence:
    template, values = json.loads(column)
    return Sentence(template, values)


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing: ``since`` when its condition, page and mark are as they are; ``at`` when that was found last."""

    name: str
    condition: str
    sentence: Sentence
    remedy: Sentence
    page: str | None
    mark: str
    since: datetime
    at: datetime


_OBSERVATIONS = Query(Observation, sentence=decode_sentence, remedy=decode_sentence)


def save_observation(tx: Transaction, position: int, row: Observation) -> None:
    """The newest answer; ``since`` stays as it was while condition, page and mark do."""
    tx.insert(
        "observations",
        {"position": position, "sentence": encode_sentence(row.sentence), "remedy": encode_sentence(row.remedy)}
        | fields_of(row, "name condition page mark since at"),
        conflict="ON CONFLICT (name) DO UPDATE SET position = excluded.position,"
        " sentence = excluded.sentence, remedy = excluded.remedy, at = excluded.at,"
        " since = CASE WHEN condition = excluded.condition AND page IS excluded.page AND mark = excluded.mark"
        " THEN since ELSE excluded.since END,"
        " condition = excluded.condition, page = excluded.page, mark = excluded.mark",
    )


def keep_only(tx: Transaction, names: Sequence[str]) -> None:
    """Forgets what is asked no more."""
    tx.execute("DELETE FROM observations WHERE name NOT IN (SELECT value FROM json_each(?))", (json.dumps(names),))


def all_of(tx: Transaction) -> list[Observation]:
    """Everything, in the order in which people read it."""
    return _OBSERVATIONS.all(
        tx, "SELECT name, condition, sentence, remedy, page, mark, since, at FROM observations ORDER BY position"
    )


def put_round(tx: Transaction, at: datetime, figures: Mapping[str, float]) -> None:
    """The health monitor completed a round at *at*, and measured these *figures*."""
    tx.save("rounds", {"id": 1, "at": at, "figures": json.dumps(figures)}, key="id")


def last_round(tx: Transaction) -> tuple[datetime, dict[str, float]] | None:
    """When the health monitor last completed a round, and its figures; None before the first."""
    row = tx.execute("SELECT at, figures FROM rounds WHERE id = 1").fetchone()
    if row is None:
        return None
    at, figures = row
    return datetime.fromisoformat(at), json.loads(figures)
