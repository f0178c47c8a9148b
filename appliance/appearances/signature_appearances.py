"""How a person's own signature looks: stored here, chosen by the person, put into the field by *prepare*."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from appliance.appearances import scans
from appliance.confinement.pool import Confinement
from appliance.errors import DocumentRefused, PreconditionRefused
from appliance.model.people import MOST_PICTURES, PictureKind, SignatureChoice, SignaturePicture
from appliance.pdf.values import PersonAppearance
from appliance.pdf.workshop import PdfWorkshop
from appliance.store import appearances, people
from appliance.store.database import Database, commits

FIELD_MM = (63.0, 27.0)
"""The size of the field in previews: a usual one on A4."""


class SignatureAppearances:
    """Everybody's signature pictures; each method speaks for one person. Thread-safe."""

    def __init__(
        self, database: Database, workshop: PdfWorkshop, confinement: Confinement, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._workshop = workshop
        self._confinement = confinement
        self._now = now

    def appearance_of(self, person: str) -> SignatureChoice:
        """What *person* keeps, and which of it is in use."""
        with self._database.reading() as tx:
            return SignatureChoice(tuple(appearances.of_person(tx, person)), appearances.chosen(tx, person))

    def draw(self, person: str, strokes: object) -> SignaturePicture:
        """Keep a drawn signature and use it from now on.

        *strokes* are lists of points ``[x, y]`` on a sheet of 1000 by 400. Raises :class:`DocumentRefused` for
        anything else, :class:`PreconditionRefused` when there is no room for one more.
        """
        self._require_room(person)
        return self._keep(person, PictureKind.DRAWN, self._made("appearances.drawn", strokes=strokes))

    def take(self, person: str, data: bytes) -> SignaturePicture:
        """Keep the ink of a PNG or JPEG (at most 2 MB) and use it from now on; refusals as for :meth:`draw`."""
        if len(data) > scans.LARGEST:
            raise DocumentRefused("image-too-large", "The picture is larger than 2 MB; make it smaller.")
        self._require_room(person)
        return self._keep(person, PictureKind.IMAGE, self._made("appearances.cleaned", data=data))

    choose = commits(appearances.choose)
    remove = commits(appearances.remove)
    """Take a picture away; what was signed with it stays as it is. Raises :class:`NotFound`."""

    def preview(self, person: str, picture_id: str | None) -> bytes:
        """A PNG of how a field would look if *person* signed now, with that picture or with the typed name.

        Raises :class:`NotFound`; :class:`DocumentRefused` when the name cannot be written.
        """
        with self._database.reading() as tx:
            known = people.person(tx, person)
            image = None if picture_id is None else appearances.picture(tx, person, picture_id)
        appearance = PersonAppearance(
            name=known.name,
            when=self._now(),
            zone=known.zone,
            organisation=known.organisation,
            image=image,
            language=known.language,
        )
        return self._workshop.preview(appearance, width_mm=FIELD_MM[0], height_mm=FIELD_MM[1])

    def _keep(self, person: str, kind: PictureKind, picture: bytes) -> SignaturePicture:
        kept = SignaturePicture(secrets.token_hex(12), kind, self._now())
        with self._database.transaction() as tx:
            _require_few(appearances.of_person(tx, person))
            appearances.insert(tx, person, kept, picture)
            appearances.choose(tx, person, kept.id)
        return kept

    def _require_room(self, person: str) -> None:
        with self._database.reading() as tx:
            _require_few(appearances.of_person(tx, person))

    def _made(self, job: str, **arguments: Any) -> bytes:
        return self._confinement.process(bytes, job, sentence=scans.UNPROCESSABLE, **arguments)


def _require_few(pictures: list[SignaturePicture]) -> None:
    if len(pictures) >= MOST_PICTURES:
        raise PreconditionRefused(
            "You keep {most} signature pictures already; take one away first.", most=MOST_PICTURES
        )
