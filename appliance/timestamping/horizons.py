"""The horizon of a timestamp, read from the token and its authority's certificate."""

from __future__ import annotations

from cryptography import x509

from appliance.errors import ResultRefused
from appliance.model.horizon import Horizon
from hsm.signer import SignatureAlgorithm
from hsm.timestamp import parse_token

OURS = "sha256"
"""The hash of every imprint that the appliance asks for itself."""

NAMES = {
    SignatureAlgorithm.ECDSA_SHA256: ("ecdsa-p256", "sha256"),
    SignatureAlgorithm.ECDSA_SHA384: ("ecdsa-p384", "sha384"),
    SignatureAlgorithm.RSA_SHA256: ("rsa-3072", "sha256"),
    SignatureAlgorithm.ED25519: ("ed25519", "sha512"),
}
"""What a signature rests on: the kind of key, and the hash over what is signed."""


def horizon_of(token: bytes) -> Horizon:
    """The horizon of one of our own tokens (DER). Raises ResultRefused for one without its certificate."""
    return horizon_of_next(signer_of(token), imprint=parse_token(token).hash_name)


def signer_of(token: bytes) -> x509.Certificate:
    """The certificate of the key that made *token*, which carries it. Raises as :func:`horizon_of`."""
    signer = parse_token(token).signer
    if signer is None:
        raise ResultRefused("A timestamp of ours came without its certificate; nothing was kept.")
    return signer


def horizon_of_next(certificate: x509.Certificate, *, imprint: str = OURS) -> Horizon:
    """The horizon of what the timestamp key of *certificate* signs now."""
    rests_on = {imprint, *NAMES[SignatureAlgorithm.from_public_key(certificate.public_key())]}
    return Horizon(certificate.not_valid_after_utc, tuple(sorted(rests_on)))
