"""Standard Webhooks 1.0 (https://www.standardwebhooks.com): secrets, keys, and the three headers of a message."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- how a secret begins
PUBLIC_PREFIX: Final = "whpk_"
SECRET_BYTES: Final = 32


def new_secret() -> bytes:
    """Random bytes; shown as :func:`shown_secret`."""
    return secrets.token_bytes(SECRET_BYTES)


def shown_secret(secret: bytes) -> str:
    """The secret as its receiver enters it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def new_seed() -> bytes:
    """The seed (32 bytes) of a new Ed25519 key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def shown_public_key(seed: bytes) -> str:
    """The public key of *seed*, as its receiver enters it."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return PUBLIC_PREFIX + base64.b64encode(public).decode()


def hmac_signature(secret: bytes, message: str, moment: str, body: bytes) -> str:
    """``v1,…``: HMAC-SHA256 over id, timestamp (seconds since 1970) and body."""
    made = hmac.new(secret, f"{message}.{moment}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


@dataclass(frozen=True, slots=True)
class WebhookKeys:
    """What signs for one receiver: each of the ``hmac_secrets`` (two during a rotation), and the Ed25519 key of
    the ``seed``."""

    hmac_secrets: Sequence[bytes] = field(repr=False)
    seed: bytes = field(repr=False)

    def headers(self, message: str, at: datetime, body: bytes) -> dict[str, str]:
        """The headers of the message with this id and *body*, sent at this moment."""
        moment = str(int(at.timestamp()))
        made = [hmac_signature(each, message, moment, body) for each in self.hmac_secrets]
        content = f"{message}.{moment}.".encode() + body
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(content)
        made.append(f"v1a,{base64.b64encode(signature).decode()}")
        return {
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": moment,
            "webhook-signature": " ".join(made),
        }
