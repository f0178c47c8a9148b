"""An authenticator in software: real WebAuthn ES256 assertions, for the demonstration and the tests.

It performs no user verification: anyone with access to its file can activate. On an appliance people use their own
devices.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from webauthn.helpers import bytes_to_base64url

from hsm.errors import Malformed
from hsm.files import write_durably
from hsm.intents import Challenging, PasskeyRegistration, WebAuthnActivation

_PRESENT_AND_VERIFIED = 0x05
_REGISTERED = _PRESENT_AND_VERIFIED | 0x40


@dataclass(slots=True)
class SoftwareAuthenticator:
    """One credential with its key and counter. Not thread-safe: the counter goes up with every activation."""

    rp_id: str
    origin: str
    credential_id: bytes
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    counter: int = 0

    @classmethod
    def create(cls, rp_id: str, origin: str) -> SoftwareAuthenticator:
        """A new authenticator for a relying party; its assertions name *origin*."""
        return cls(rp_id, origin, secrets.token_bytes(16), ec.generate_private_key(ec.SECP256R1()))

    def credential(self) -> dict[str, Any]:
        """The fields for enrolment: kind, credential_id, public_key (COSE, RFC 9053) in hex, rp_id."""
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return {
            "kind": "webauthn",
            "credential_id": self.credential_id.hex(),
            "public_key": cbor2.dumps(cose).hex(),
            "rp_id": self.rp_id,
        }

    def activate(self, subject: str, act: Challenging) -> WebAuthnActivation:
        """An assertion over the challenge of *act* (WebAuthn Level 3, section 6.3.3)."""
        self.counter += 1
        client_data = self._client_data("webauthn.get", act.challenge())
        authenticator_data = hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(
            ">BI", _PRESENT_AND_VERIFIED, self.counter
        )
        signed = authenticator_data + hashlib.sha256(client_data).digest()
        return WebAuthnActivation(
            subject=subject,
            credential_id=self.credential_id,
            client_data=client_data,
            authenticator_data=authenticator_data,
            signature=self.key.sign(signed, ec.ECDSA(hashes.SHA256())),
        )

    def register(self, challenge: bytes) -> PasskeyRegistration:
        """The answer to a registration, without attestation (WebAuthn Level 3, section 6.5)."""
        client_data = self._client_data("webauthn.create", challenge)
        key = bytes.fromhex(self.credential()["public_key"])
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + key
        relying_party = hashlib.sha256(self.rp_id.encode()).digest()
        authenticator_data = relying_party + bytes([_REGISTERED]) + bytes(4) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": authenticator_data})
        return PasskeyRegistration(challenge, client_data, attestation)

    def _client_data(self, kind: str, challenge: bytes) -> bytes:
        fields = {
            "type": kind,
            "challenge": bytes_to_base64url(challenge),
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(fields, separators=(",", ":")).encode()

    def save(self, path: Path) -> None:
        """Writes everything to *path*, mode 0600, replacing it in one step."""
        content = {
            "rp_id": self.rp_id,
            "origin": self.origin,
            "credential_id": self.credential_id.hex(),
            "key": self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()).hex(),
            "counter": self.counter,
        }
        write_durably(path, json.dumps(content).encode(), mode=0o600)

    @classmethod
    def load(cls, path: Path) -> SoftwareAuthenticator:
        """What :meth:`save` wrote. Raises :class:`Malformed` when the file is something else."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            key = load_der_private_key(bytes.fromhex(content["key"]), None)
            identifier = bytes.fromhex(content["credential_id"])
            rp_id, origin, counter = content["rp_id"], content["origin"], content["counter"]
        except (ValueError, KeyError, TypeError) as error:
            raise Malformed("{path} is not a software authenticator.", path=path) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Malformed("{path} is not a software authenticator.", path=path)
        return cls(str(rp_id), str(origin), identifier, key, int(counter))
