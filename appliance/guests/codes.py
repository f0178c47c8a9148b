"""The code that a guest is told by telephone. Nothing of it is stored: it is made anew from a key each time."""

from __future__ import annotations

import hmac

from appliance.model.guest import GuestInvitation

DIGITS = 8

TRIES = 5
"""Wrong codes before another code is needed."""


class GuestCodes:
    """Makes codes from *key*, the guest, the party and how many codes there were; who has only a link cannot."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, invitation: GuestInvitation) -> str:
        """The eight digits of this round."""
        message = f"guest-code\n{invitation.person}\n{invitation.party}\n{invitation.round}".encode()
        number = int.from_bytes(hmac.digest(self._key, message, "sha256")[:8], "big")
        return f"{number % 10**DIGITS:0{DIGITS}d}"

    def is_code(self, invitation: GuestInvitation, given: str) -> bool:
        """Whether *given* (digits alone) is the code; takes as long for every wrong one."""
        return hmac.compare_digest(given.encode(), self.of(invitation).encode())
