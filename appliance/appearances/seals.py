"""Company seals as people meet them: which ones concern somebody, and how they look on paper."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.errors import NotFound
from appliance.model.people import Seal
from appliance.pdf.values import SealAppearance
from appliance.pdf.workshop import PdfWorkshop
from appliance.store import people
from appliance.store.database import Database, Transaction


class Relation(StrEnum):
    """What a person is to a seal: releases it, or may ask for its use."""

    KEEPS = "keeps"
    MAY_ASK = "may-ask"


@dataclass(frozen=True, slots=True)
class SealView:
    """A seal that concerns somebody; ``keepers`` are the names of its custodians."""

    seal: Seal
    relation: Relation
    keepers: tuple[str, ...]


class SealPictures:
    """Reads only. Thread-safe."""

    def __init__(self, database: Database, workshop: PdfWorkshop) -> None:
        self._database = database
        self._workshop = workshop

    def of(self, person: str) -> tuple[SealView, ...]:
        """The seals that *person* keeps, then those of the person's organisation that others keep."""
        with self._database.reading() as tx:
            organisation = people.person(tx, person).organisation
            views = [
                SealView(seal, _relation(seal, person), _names(tx, seal))
                for seal in people.seals(tx)
                if person in seal.custodians or seal.organisation == organisation
            ]
        return tuple(sorted(views, key=lambda view: (view.relation, view.seal.kind, view.seal.subject)))

    def svg(self, person: str, subject: str) -> str:
        """The seal's picture, true to size. Raises :class:`NotFound` unless it is one of :meth:`of`."""
        found = next((view.seal for view in self.of(person) if view.seal.subject == subject), None)
        if found is None:
            raise NotFound("There is no seal {subject}.", subject=subject)
        return self._workshop.seal_svg(
            SealAppearance(found.organisation, found.kind.value, diameter_mm=found.width_mm)
        )


def _relation(seal: Seal, person: str) -> Relation:
    return Relation.KEEPS if person in seal.custodians else Relation.MAY_ASK


def _names(tx: Transaction, seal: Seal) -> tuple[str, ...]:
    return tuple(people.person(tx, custodian).name for custodian in seal.custodians)
