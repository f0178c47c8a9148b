"""The register of seal uses: officers and auditors see their organisation's, custodians that of their seals."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.ledger.disclosure import Audience
from appliance.model.people import SealRequestState, SealUse, UseFilter
from appliance.store import people, seal_requests
from appliance.store.database import Database

PAGE = 50
MOST_EXPORTED = 100_000
_BATCH = 1000
_LAST = 2**62

COLUMNS = (
    "Number",
    "Seal",
    "State",
    "Contract",
    "System ID",
    "What it is for",
    "Asked for by",
    "Approving custodians",
    "Custodians needed",
    "Asked",
    "Answered",
    "Digest (SHA-256)",
    "Pages",
    "Places",
    "Across the pages",
)
"""The columns of the export, message ids."""

STATES = {
    SealRequestState.WAITING: "waits",
    SealRequestState.APPROVED: "approved",
    SealRequestState.USED: "seal used",
    SealRequestState.REFUSED: "refused",
    SealRequestState.WITHDRAWN: "taken back",
    SealRequestState.LAPSED: "ended",
}
"""What a line's state is called, message ids."""


@dataclass(frozen=True, slots=True)
class UsePage:
    """A page of the register; ``following`` is where the next one begins, None on the last."""

    uses: tuple[SealUse, ...]
    following: int | None


class SealUses:
    """Reads only. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, wanted: UseFilter, *, before: int | None = None) -> UsePage:
        """The newest :data:`PAGE` lines that are *wanted*, below the number *before*."""
        found = self._database.query(seal_requests.uses_page, wanted, before=before or _LAST, limit=PAGE + 1)
        more = len(found) > PAGE
        return UsePage(tuple(found[:PAGE]), found[PAGE - 1].number if more else None)

    def of_custodian(self, person: str, wanted: UseFilter) -> UseFilter:
        """*wanted*, of the seals that *person* keeps alone."""
        with self._database.reading() as tx:
            return _only(people.seals_kept_by(tx, person), wanted)

    def of_company(self, company: Audience, wanted: UseFilter) -> UseFilter:
        """*wanted*, of the seals of *company* alone: what others' seals are used for is internal to them."""
        with self._database.reading() as tx:
            own = frozenset(seal.subject for seal in people.seals(tx) if Audience.of_seal(seal) == company)
        return _only(own, wanted)

    def every(self, wanted: UseFilter) -> Iterator[SealUse]:
        """All lines that are *wanted*, the newest first, :data:`MOST_EXPORTED` at most."""
        before = _LAST
        for _ in range(MOST_EXPORTED // _BATCH):
            found = self._database.query(seal_requests.uses_page, wanted, before=before, limit=_BATCH)
            yield from found
            if len(found) < _BATCH:
                return
            before = found[-1].number


def _only(seals: frozenset[str], wanted: UseFilter) -> UseFilter:
    asked = seals if wanted.seals is None else seals & set(wanted.seals)
    return replace(wanted, seals=tuple(sorted(asked)))


def as_csv(uses: Iterable[SealUse], say: Callable[[str], str], shown: Callable[[datetime], str]) -> bytes:
    """The lines as a table for spreadsheets, UTF-8 with a byte order mark; words by *say*, times by *shown*."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow([say(column) for column in COLUMNS])
    for use in uses:
        table.writerow([_inert(cell) for cell in _cells(use, say, shown)])
    return file.getvalue().encode("utf-8-sig")


def _cells(use: SealUse, say: Callable[[str], str], shown: Callable[[datetime], str]) -> list[str]:
    return [
        str(use.number),
        use.seal_name,
        say(STATES[use.state]),
        use.title,
        use.contract,
        use.reason,
        use.requester,
        "、".join(use.custodians),
        str(use.needed),
        shown(use.asked),
        shown(use.decided) if use.decided else "",
        use.digest,
        str(use.pages),
        str(use.places),
        say("yes") if use.crossing else say("no"),
    ]


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
