"""What a verification is done with, beside the file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.verification.certificates import parsed


@dataclass(frozen=True, slots=True)
class ValidationContext:
    """The control time, whom to believe, certificates that may help, revocation lists (DER) at hand, and whom to
    believe for timestamps alone."""

    at: datetime
    anchors: tuple[x509.Certificate, ...]
    known: tuple[x509.Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()
    stampers: tuple[x509.Certificate, ...] = ()

    @classmethod
    def unpacked(
        cls, at: str, anchors: list[bytes], known: list[bytes], crls: list[bytes], stampers: list[bytes]
    ) -> Self:
        """From the arguments of a confined job."""
        moment = datetime.fromisoformat(at).astimezone(UTC)
        return cls(moment, _read(anchors), _read(known), tuple(crls), _read(stampers))

    def packed(self) -> dict[str, Any]:
        """The arguments of a confined job."""
        return {
            "at": self.at.astimezone(UTC).isoformat(),
            "anchors": _encoded(self.anchors),
            "known": _encoded(self.known),
            "crls": list(self.crls),
            "stampers": _encoded(self.stampers),
        }


def _read(encoded: list[bytes]) -> tuple[x509.Certificate, ...]:
    return tuple(certificate for each in encoded if (certificate := parsed(each)) is not None)


def _encoded(certificates: tuple[x509.Certificate, ...]) -> list[bytes]:
    return [each.public_bytes(Encoding.DER) for each in certificates]
