"""Standard Webhooks 1.0 (https://www.standardwebhooks.com): secrets, keys, and the headers by which whoever gets a
message sees that it is ours and whole: events of contracts, alarms, text messages for the gateway."""

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


@dataclass(frozen=True, slots=True)
class WebhookKeys:
    """What signs for one receiver: each of the ``hmac_secrets`` (two during a rotation; ``v1``), and the Ed25519
    key of the ``seed`` (``v1a``) where there is one. Without either, nothing is signed."""

    hmac_secrets: Sequence[bytes] = field(repr=False)
    seed: bytes | None = field(default=None, repr=False)

    @classmethod
    def of_file(cls, key: bytes | None) -> WebhookKeys:
        """The keys of a receiver whose one secret an operator has set: as Standard Webhooks writes it, or as it
        is."""
        prefix = SECRET_PREFIX.encode()
        if key is None:
            return cls(())
        return cls((base64.b64decode(key.removeprefix(prefix)) if key.startswith(prefix) else key,))

    def headers(self, message: str, at: datetime, body: bytes) -> dict[str, str]:
        """The headers of the JSON *body* with the id *message* (without a full stop), sent at this moment."""
        moment = str(int(at.timestamp()))
        content = f"{message}.{moment}.".encode() + body
        made = [("v1", hmac.digest(each, content, hashlib.sha256)) for each in self.hmac_secrets]
        if self.seed is not None:
            made.append(("v1a", Ed25519PrivateKey.from_private_bytes(self.seed).sign(content)))
        headers = {"Content-Type": "application/json", "webhook-id": message, "webhook-timestamp": moment}
        if made:
            headers["webhook-signature"] = " ".join(
                f"{name},{base64.b64encode(each).decode()}" for name, each in made
            )
        return headers
