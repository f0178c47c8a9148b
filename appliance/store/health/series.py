"""Figures by the hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.store.database import Transaction
from hsm.rows import RowMapper


@dataclass(frozen=True, slots=True)
class Hour:
    """All measurements of a figure in one hour: how many, their sum, the least, the greatest and the last."""

    hour: datetime
    count: int
    total: float
    low: float
    high: float
    last: float


_HOURS = RowMapper(Hour)


def add_figure(tx: Transaction, name: str, hour: datetime, value: float) -> None:
    """One more measurement in that hour."""
    tx.execute(
        "INSERT INTO series (name, hour, count, total, low, high, last) VALUES (?1, ?2, 1, ?3, ?3, ?3, ?3)"
        " ON CONFLICT (name, hour) DO UPDATE SET count = count + 1, total = total + ?3,"
        " low = min(low, ?3), high = max(high, ?3), last = ?3",
        (name, hour, value),
    )


def forget_figures(tx: Transaction, *, before: datetime) -> None:
    """Hours *before* that one are gone."""
    tx.execute("DELETE FROM series WHERE hour < ?", (before,))


def figure_names(tx: Transaction) -> list[str]:
    """The figures that there are, sorted."""
    return tx.column(str, "SELECT DISTINCT name FROM series ORDER BY name")


def hours_of(tx: Transaction, name: str, *, since: datetime, until: datetime) -> list[Hour]:
    """The hours of a figure from *since* to before *until*, in order."""
    rows = tx.execute(
        "SELECT hour, count, total, low, high, last FROM series"
        " WHERE name = ? AND hour >= ? AND hour < ? ORDER BY hour",
        (name, since, until),
    )
    return _HOURS.all(rows)
