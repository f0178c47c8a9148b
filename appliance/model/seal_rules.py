"""What one company seal may be used for, and where it is on file. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from appliance.model.contract import Contract, Money, Party
from hsm.errors import Sentence
from hsm.names import same_name

NOT_FOR_KIND = "The seal {seal} is for contracts of the types {kinds}, not “{kind}”; choose another seal."
WITHOUT_AMOUNT = (
    "The seal {seal} is for contracts of up to {limit}, and this one states no amount; enter it, or choose another"
    " seal."
)
TOO_LARGE = (
    "The seal {seal} is for contracts of up to {limit}, and this one is worth {amount}; choose another seal."
)
NOT_LAST_PAGE = "The seal {seal} is put on the last page alone; move its field there from page {page}."
NOT_LOWER_RIGHT = (
    "The seal {seal} is put in the lower right quarter of a page; move its field on page {page} there."
)
NOT_ACROSS = "The seal {seal} is also put across the edges of all pages; tick that for it."


class SealPosition(StrEnum):
    """Where a seal is put on the document; several hold together."""

    LAST_PAGE = "last-page"
    LOWER_RIGHT = "lower-right"
    """The middle of each field lies in that quarter of its page."""
    ACROSS_PAGES = "across-pages"
    """Its slices are wanted as well, where there are pages for them."""


@dataclass(frozen=True, slots=True)
class PermittedUse:
    """Contracts of which ``kinds`` it seals (none named: of every one), up to which ``limit`` (None: any), and at
    which ``positions`` (none named: anywhere)."""

    kinds: tuple[str, ...] = ()
    limit: Money | None = None
    positions: tuple[SealPosition, ...] = ()

    def unmet_reasons(self, seal: str, contract: Contract, names: Sequence[str]) -> Iterator[Sentence]:
        """What keeps the seal that is called *seal* from *contract*, whose type has these *names*; a draft that
        has no type yet is asked once it has one. Amounts of two currencies are never compared."""
        named = {"seal": seal, "limit": self.limit, "amount": contract.amount, "kind": contract.kind}
        if self.kinds and contract.kind and not any(same_name(each, *self.kinds) for each in names):
            yield Sentence(NOT_FOR_KIND, {**named, "kinds": "、".join(self.kinds)})
        if self.limit is None:
            return
        if contract.amount is None:
            yield Sentence(WITHOUT_AMOUNT, named)
        elif contract.amount.currency != self.limit.currency or contract.amount.minor > self.limit.minor:
            yield Sentence(TOO_LARGE, named)

    def misplaced(self, party: Party, pages: int) -> Iterator[Sentence]:
        """What is wrong with the fields of *party*, the seal, in a document of so many *pages*; nothing while it
        has none."""
        for place in party.places:
            named = {"seal": party.name, "page": place.page + 1}
            if SealPosition.LAST_PAGE in self.positions and place.page != pages - 1:
                yield Sentence(NOT_LAST_PAGE, named)
            middle = place.x + place.width / 2, place.y + place.height / 2
            if SealPosition.LOWER_RIGHT in self.positions and min(middle) < 50:
                yield Sentence(NOT_LOWER_RIGHT, named)

    def unplaced(self, party: Party, pages: int) -> Iterator[Sentence]:
        """As :meth:`misplaced`, and what is still missing before the contract is sent."""
        yield from self.misplaced(party, pages)
        if SealPosition.ACROSS_PAGES in self.positions and party.cross_page is None and pages > 1:
            yield Sentence(NOT_ACROSS, {"seal": party.name})


@dataclass(frozen=True, slots=True)
class SealFiling:
    """Where the chop itself is on file (印章备案): with which ``authority``, under which ``number``, since which
    ``day``; who entered it here, and when."""

    authority: str
    number: str
    day: date
    entered: datetime
    entered_by: str
