"""The register of seal uses (用印登记): one line for each request, whatever became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from appliance.model.seal_request import SealRequestState


@dataclass(frozen=True, slots=True)
class SealUse:
    """One line. ``number`` orders the register; ``digest`` is the SHA-256 (hex) that all activated and the seal
    signed; ``pages`` of the document, ``places`` of the seal on it, ``crossing``: also on the edges of all pages.

    People are named; ``custodians`` are those who approved.
    """

    number: int
    request: str
    state: SealRequestState
    seal: str
    seal_name: str
    contract: str
    title: str
    reason: str
    requester: str
    custodians: tuple[str, ...]
    needed: int
    asked: datetime
    decided: datetime | None
    digest: str
    pages: int
    places: int
    crossing: bool


@dataclass(frozen=True, slots=True)
class UseFilter:
    """Which lines: of these ``seals`` (None: every one), in this ``state``, asked from ``since`` to ``until``.

    Both are dates in UTC, and included; ``words`` stand in the contract's title or are its number.
    """

    seals: tuple[str, ...] | None = None
    state: SealRequestState | None = None
    since: date | None = None
    until: date | None = None
    words: str = ""
