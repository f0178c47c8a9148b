"""Instants as the tables keep them: ISO 8601 in UTC with whole seconds, so that text order is time order."""

from __future__ import annotations

from datetime import datetime
from typing import overload

from hsm.intents import instant


def stored(moment: datetime) -> str:
    """*moment* (aware) as a column value; a fraction of a second is dropped."""
    return instant(moment)


@overload
def loaded(text: str) -> datetime: ...
@overload
def loaded(text: None) -> None: ...
def loaded(text: str | None) -> datetime | None:
    """The aware instant of a column value, ``None`` for NULL."""
    return None if text is None else datetime.fromisoformat(text)
