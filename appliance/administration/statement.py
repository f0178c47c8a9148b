"""What exactly somebody signs about an act: its digest is the challenge of their passkey."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from appliance.model.administration import AdminRequest, DualControlRole
from appliance.store.moments import stored
from hsm import canonical

REQUEST_LASTS = timedelta(hours=24)
"""How long an act waits for the second person."""

_PURPOSE = "vermilion: an act of the administration, version 1"


@dataclass(frozen=True, slots=True)
class RequestStatement:
    """*login* asks for *act*, or approves it. Everything by which one act differs from another is in it: id,
    action, arguments, the sentence that was read, who asked for it and when."""

    act: AdminRequest
    part: DualControlRole
    login: str

    def challenge(self) -> bytes:
        """SHA-256 (32 bytes) of the canonical form."""
        return hashlib.sha256(
            canonical.encode(
                {
                    "act": self.act.id,
                    "action": self.act.action,
                    "arguments": dict(self.act.arguments),
                    "asked": stored(self.act.asked),
                    "asked_by": self.act.asked_by,
                    "effect": self.act.effect,
                    "login": self.login,
                    "part": self.part.value,
                    "purpose": _PURPOSE,
                }
            )
        ).digest()
