"""Company seals as people meet them: which ones concern somebody, and how they look on paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from appliance.appearances.scans import LARGEST_SEAL, UNPROCESSABLE, SealPicture
from appliance.confinement.pool import Confinement
from appliance.errors import DocumentRefused, NotFound
from appliance.model.people import Seal, SealKind
from appliance.pdf.values import SealAppearance
from appliance.pdf.workshop import PdfWorkshop
from appliance.store import people
from appliance.store.database import Database, Transaction

_AROUND_MM = 4.0


class SealRelation(StrEnum):
    """What a person is to a seal: releases it, or may ask for its use."""

    CUSTODIAN = "keeps"
    MAY_ASK = "may-ask"


@dataclass(frozen=True, slots=True)
class SealView:
    """A seal that concerns somebody; ``custodians`` are the names of its custodians."""

    seal: Seal
    relation: SealRelation
    custodians: tuple[str, ...]


class SealPictures:
    """Keeps nothing. Thread-safe."""

    def __init__(self, database: Database, workshop: PdfWorkshop, confinement: Confinement) -> None:
        self._database = database
        self._confinement = confinement
        self._workshop = workshop

    def seals_of(self, person: str) -> tuple[SealView, ...]:
        """The seals that *person* keeps, then those of the person's organisation that others keep."""
        with self._database.reading() as tx:
            known = people.person(tx, person)
            organisation = None if known.guest else known.organisation
            views = [
                SealView(seal, _relation(seal, person), _names(tx, seal))
                for seal in people.seals(tx)
                if seal.destroyed is None and (person in seal.custodians or seal.organisation == organisation)
            ]
        return tuple(sorted(views, key=lambda view: (view.relation, view.seal.kind, view.seal.subject)))

    def svg(self, person: str, subject: str) -> str:
        """The seal's picture, true to size. Raises :class:`NotFound` unless it is one of :meth:`seals_of`."""
        found = next((view.seal for view in self.seals_of(person) if view.seal.subject == subject), None)
        if found is None:
            raise NotFound("There is no seal {subject}.", subject=subject)
        appearance = self._database.query(appearance_of, found)
        return self._workshop.seal_svg(appearance)

    def made(self, seal: Seal, data: bytes) -> SealPicture:
        """The picture of the PNG or JPEG *data*, fit for *seal*, made in a confined process. Raises
        :class:`DocumentRefused` with what is wrong."""
        if len(data) > LARGEST_SEAL:
            raise DocumentRefused("image-too-large", "The picture is larger than 5 MB; make it smaller.")
        return self._confinement.process(
            SealPicture, "appearances.seal", sentence=UNPROCESSABLE, data=data, width_mm=seal.width_mm
        )

    def preview(self, seal: Seal, digest: str) -> bytes:
        """A PNG of how *seal* would be painted with its picture *digest* (empty: drawn), by the same steps."""
        appearance = self._database.query(appearance_of, replace(seal, picture=digest or None))
        side = seal.width_mm + 2 * _AROUND_MM
        return self._workshop.preview(appearance, width_mm=side, height_mm=side)


def appearance_of(tx: Transaction, seal: Seal) -> SealAppearance:
    """How *seal* looks on documents from now on."""
    picture = None if seal.picture is None else people.seal_picture(tx, seal.subject, seal.picture)
    words = seal.unit or seal.kind.value
    oval = seal.kind is SealKind.INVOICE
    return SealAppearance(seal.organisation, words, diameter_mm=seal.width_mm, picture=picture, is_oval=oval)


def _relation(seal: Seal, person: str) -> SealRelation:
    return SealRelation.CUSTODIAN if person in seal.custodians else SealRelation.MAY_ASK


def _names(tx: Transaction, seal: Seal) -> tuple[str, ...]:
    return tuple(people.person(tx, custodian).name for custodian in seal.custodians)
