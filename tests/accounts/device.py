"""A passkey device for tests: real registrations (attestation none) and assertions, as a browser posts them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import cbor2
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from hsm.authenticator import SoftwareAuthenticator

_PRESENT_VERIFIED_ATTESTED = 0x45


@dataclass(slots=True)
class _Challenge:
    value: bytes

    def challenge(self) -> bytes:
        return self.value


@dataclass(slots=True)
class Device:
    """One authenticator that remembers whose it is."""

    origin: str = "http://localhost:8080"
    rp_id: str = "localhost"
    inside: SoftwareAuthenticator = field(init=False)
    handle: bytes = b""
    flags: int = _PRESENT_VERIFIED_ATTESTED

    def __post_init__(self) -> None:
        self.inside = SoftwareAuthenticator.create(self.rp_id, self.origin)

    def create(self, options: str) -> str:
        """The answer to ``navigator.credentials.create`` (WebAuthn Level 3, section 6.5)."""
        wanted: dict[str, Any] = json.loads(options)
        self.handle = base64url_to_bytes(wanted["user"]["id"])
        client_data = json.dumps(
            {
                "type": "webauthn.create",
                "challenge": wanted["challenge"],
                "origin": self.origin,
                "crossOrigin": False,
            }
        ).encode()
        identifier = self.inside.credential_id
        authenticator_data = (
            hashlib.sha256(self.rp_id.encode()).digest()
            + bytes([self.flags])
            + bytes(4)
            + bytes(16)
            + len(identifier).to_bytes(2, "big")
            + identifier
            + bytes.fromhex(self.inside.credential()["public_key"])
        )
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": authenticator_data})
        return self._answer(
            {
                "clientDataJSON": bytes_to_base64url(client_data),
                "attestationObject": bytes_to_base64url(attestation),
            }
        )

    def get(self, options: str) -> str:
        """The answer to ``navigator.credentials.get``."""
        challenge = base64url_to_bytes(json.loads(options)["challenge"])
        given = self.inside.activate("", _Challenge(challenge))  # type: ignore[arg-type]  # only its challenge counts
        return self._answer(
            {
                "clientDataJSON": bytes_to_base64url(given.client_data),
                "authenticatorData": bytes_to_base64url(given.authenticator_data),
                "signature": bytes_to_base64url(given.signature),
                "userHandle": bytes_to_base64url(self.handle),
            }
        )

    def _answer(self, response: dict[str, Any]) -> str:
        named = bytes_to_base64url(self.inside.credential_id)
        answer = {"id": named, "rawId": named, "type": "public-key", "response": response}
        return json.dumps({**answer, "clientExtensionResults": {}})
