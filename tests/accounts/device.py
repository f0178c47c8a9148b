"""A passkey device for tests: real registrations (attestation none) and assertions, as a browser posts them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from hsm.authenticator import SoftwareAuthenticator
from tests.authority import assertion_over

_PRESENT_VERIFIED_ATTESTED = 0x45
_FLAGS = 32
"""Where they stand in the authenticator data."""


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
        inside = replace(self.inside, rp_id=self.rp_id, origin=self.origin)
        made = inside.register(base64url_to_bytes(wanted["challenge"]))
        attestation = cbor2.loads(made.attestation_object)
        content = attestation["authData"]
        attestation["authData"] = content[:_FLAGS] + bytes([self.flags]) + content[_FLAGS + 1 :]
        return self._answer(
            {
                "clientDataJSON": bytes_to_base64url(made.client_data),
                "attestationObject": bytes_to_base64url(cbor2.dumps(attestation)),
            }
        )

    def get(self, options: str) -> str:
        """The answer to ``navigator.credentials.get``."""
        challenge = base64url_to_bytes(json.loads(options)["challenge"])
        given = assertion_over(self.inside, "", challenge)
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
