"""Annexes that are merged into the document (合并): their pages come after its own, before it is sent.

The document is then what the initiator gave, unchanged, and after it one incremental update for each merged annex.
So the given bytes are its beginning, and come back when nothing is merged any more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from appliance.documents.blobs import BlobStore
from appliance.documents.intake import AcceptedDocument, Intake
from appliance.errors import DocumentRefused, StateRefused
from appliance.model.annexes import Annex, MergedPages
from appliance.model.contract import Contract, ContractRevision, Placement, RevisionKind
from appliance.model.template_parties import places_in
from appliance.pdf.workshop import PdfWorkshop
from appliance.store import annexes, contracts
from appliance.store.database import Transaction

SIGNED: Final = (
    "The document carries signatures, which more pages would break; attach the annex beside it instead."
)

BUSY: Final = "Annexes of yours are being merged already; wait until that is done, then try again."


@dataclass(frozen=True, slots=True)
class ComposedDocument:
    """A document with the pages of its merged annexes; ``own`` pages come before them."""

    accepted: AcceptedDocument
    own: int
    annexes: tuple[Annex, ...]

    @property
    def pages(self) -> int:
        return len(self.accepted.inspection.pages)

    def kept(self, places: Sequence[Placement]) -> tuple[Placement, ...]:
        """The *places* that a template keeps, in this document."""
        return places_in(places, self.own, self.pages)

    @property
    def file(self) -> dict[str, str | int]:
        """What the log keeps of the document: the evidence is held against it."""
        return {"digest": self.accepted.digest, "size": self.accepted.size, "pages": self.pages}


class Composing:
    """Thread-safe; asks nobody's permission: the commands that change a draft's document or annexes do. Nobody
    merges twice at the same time: all do so with the same few confined processes."""

    def __init__(self, intake: Intake, workshop: PdfWorkshop, blobs: BlobStore) -> None:
        self._intake = intake
        self._workshop = workshop
        self._blobs = blobs
        self._turn = threading.Lock()
        self._merging: set[str] = set()

    def given(self, contract: Contract, attached: Sequence[Annex]) -> bytes:
        """The draft's document without the pages of its annexes, as it was given."""
        document = self._blobs.get(contract.original.digest)
        return document[: min((each.merged.start for each in attached if each.merged), default=len(document))]

    def compose(self, given: bytes, attached: Sequence[Annex], *, by: str) -> ComposedDocument:
        """*given* with the pages of those of the *attached* annexes that are marked as merged, in their order.

        Raises :class:`DocumentRefused` for a document that intake refuses, before or after, and for an annex that
        cannot be merged; :class:`StateRefused` while the person *by* merges others.
        """
        if any(annex.merged for annex in attached):
            with self._alone(by):
                return self._composed(given, attached)
        return self._composed(given, attached)

    @contextmanager
    def _alone(self, by: str) -> Iterator[None]:
        with self._turn:
            if by in self._merging:
                raise StateRefused(BUSY)
            self._merging.add(by)
        try:
            yield
        finally:
            with self._turn:
                self._merging.discard(by)

    def _composed(self, given: bytes, attached: Sequence[Annex]) -> ComposedDocument:
        accepted = self._intake.accept(given)
        whole, own, placed = given, len(accepted.inspection.pages), []
        first = own
        for annex in attached:
            if annex.merged is None:
                placed.append(annex)
                continue
            if accepted.inspection.signatures:
                raise DocumentRefused("signed", SIGNED)
            appended, count = self._workshop.merge(whole, self._blobs.get(annex.digest), annex.name)
            placed.append(replace(annex, merged=MergedPages(first, count, len(whole))))
            whole, first = whole + appended, first + count
        if len(whole) > len(given):
            accepted = self._intake.accept(whole)
        return ComposedDocument(accepted, own, tuple(placed))


def put_in_place(
    tx: Transaction, contract: Contract, read: Contract, composed: ComposedDocument, now: datetime
) -> None:
    """The draft, which was *read* before the work, gets the *composed* document in place of its own. Fields stay
    on the pages that they are on; those on pages that are gone lose their places.

    Raises :class:`StateRefused` when it has been changed since.
    """
    if contract.version != read.version:
        raise StateRefused("“{title}” was changed at the same moment; look at it and try again.", title=read.title)
    before = annexes.annexes_of(tx, contract.id)
    accepted = composed.accepted
    original = ContractRevision(0, RevisionKind.ORIGINAL, accepted.digest, accepted.size, now)
    contracts.replace_original(tx, contract, original, composed.pages)
    for annex in composed.annexes:
        annexes.place_annex(tx, annex)
    for party in contract.parties:
        contracts.place_party(tx, party.id, _moved(party.places, before, composed), party.cross_page)
        for field in party.inputs:
            moved = _moved(field.places, before, composed)
            contracts.save_input(tx, party.id, replace(field, places=tuple(moved)))


def _moved(places: Sequence[Placement], before: Sequence[Annex], composed: ComposedDocument) -> list[Placement]:
    """The *places* whose pages are still there."""
    moved = (_moved_place(place, before, composed) for place in places)
    return [place for place in moved if place is not None]


def _moved_place(place: Placement, before: Sequence[Annex], composed: ComposedDocument) -> Placement | None:
    """The place on the same page as *before*: of the document itself, or of the same annex."""
    there = {each.id: each.merged for each in composed.annexes}
    for annex in before:
        was, now = annex.merged, there.get(annex.id)
        if was is not None and was.first <= place.page < was.first + was.count:
            return None if now is None else replace(place, page=place.page - was.first + now.first)
    return place if place.page < composed.own else None


def marked(attached: Sequence[Annex], annex_id: str, *, merged: bool) -> tuple[Annex, ...]:
    """*attached*, with one of them to be merged, or to lie beside the document."""
    wanted = MergedPages(0, 0, 0) if merged else None
    return tuple(replace(each, merged=wanted) if each.id == annex_id else each for each in attached)
