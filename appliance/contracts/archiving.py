"""One more archive revision: validation data as of now, and a document timestamp over everything (PAdES B-LTA)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from appliance.contracts.room import SigningRoom
from appliance.contracts.waypoints import Failpoint
from appliance.errors import ResultRefused
from appliance.model.horizon import Horizon
from appliance.pdf.values import ValidationMaterial
from appliance.timestamping.horizons import horizon_of
from hsm.timestamp import parse_token


@dataclass(frozen=True, slots=True)
class Archived:
    """The document as it is then, the time that its new timestamp gives, and how long that one proves it."""

    document: bytes
    at: datetime
    horizon: Horizon


class Archiving:
    """Makes archive revisions, and keeps nothing itself. Thread-safe."""

    def __init__(self, room: SigningRoom) -> None:
        self._room = room

    def first_material(self, signers: Iterable[bytes]) -> ValidationMaterial:
        """For a document that was signed just now by *signers* (certificates, DER): all authorities, what is known
        of each signer's and the timestamp key's revocation, and the lists of all CAs, made just now."""
        self._room.authority.issue_crl()
        return self._material(signers, tuple(self._room.authority.crls()))

    def later_material(self, stamper: bytes) -> ValidationMaterial:
        """For a document whose last timestamp is by the key of *stamper* (certificate, DER), before it runs out.

        Of issuing CAs no list: one that is younger than a signer's expired certificate says nothing about it any
        more (RFC 5280, 5), and validators that take the youngest word (pyHanko) would look no further.
        """
        return self._material([stamper], (self._room.authority.crl("root"),))

    def _material(self, ends: Iterable[bytes], crls: tuple[bytes, ...]) -> ValidationMaterial:
        authority = self._room.authority
        certified = tuple(dict.fromkeys([authority.certificate("tsa"), *ends]))
        responses = tuple(authority.ocsp(each) for each in certified)
        return ValidationMaterial((*authority.authorities(), *certified), crls, responses)

    def extend(self, document: bytes, material: ValidationMaterial) -> Archived:
        """*document* with one more revision; every byte of it is still there, in its place."""
        room = self._room
        prepared = room.workshop.prepare_archive(document, material)
        room.reach(Failpoint.ARCHIVE_PREPARED)
        token = room.timestamps.token(prepared.digest)
        room.reach(Failpoint.ARCHIVE_STAMPED)
        extended = room.workshop.embed(prepared, token)
        if not extended.startswith(document):
            raise ResultRefused("The archive revision would change what was there before; nothing was released.")
        return Archived(extended, parse_token(token).gen_time, horizon_of(token))
