"""Tokens for our own signatures, and the horizon of a token: how long it can be relied on."""

from __future__ import annotations

from cryptography import x509

from appliance.errors import ResultRefused
from appliance.ledger.check import require_remembered
from appliance.ledger.entry import record_timestamps
from appliance.model.retention import Horizon
from appliance.store.database import Database
from hsm.client import AuthorityClient
from hsm.signer import SignatureAlgorithm
from hsm.timestamp import TimestampRequest, order_for, parse_request, parse_token, response_granted

OURS = "sha256"
"""The hash of every imprint that the appliance asks for itself."""

NAMES = {
    SignatureAlgorithm.ECDSA_SHA256: ("ecdsa-p256", "sha256"),
    SignatureAlgorithm.ECDSA_SHA384: ("ecdsa-p384", "sha384"),
    SignatureAlgorithm.RSA_SHA256: ("rsa-3072", "sha256"),
    SignatureAlgorithm.ED25519: ("ed25519", "sha512"),
}
"""What a signature rests on: the kind of key, and the hash over what is signed."""


class TimestampIssuer:
    """Thread-safe. Whatever it gives out is durably in the log."""

    def __init__(self, database: Database, authority: AuthorityClient) -> None:
        self._database = database
        self._authority = authority
        self._log_is_known = False

    def issue_token(self, digest: bytes) -> bytes:
        """The DER token over a SHA-256 *digest* (32 bytes), with the signer's certificates.

        Raises :class:`hsm.errors.AuthorityError` (:class:`hsm.errors.TimeNotAvailable` among them) or
        :class:`appliance.errors.ApplianceError`: the log is not the one that the authority remembers
        (:class:`appliance.errors.LedgerDamaged`), or the token cannot be recorded.
        """
        return self._issue(order_for(digest))

    def issue_reply(self, request: bytes) -> bytes:
        """The DER TimeStampResp for a DER TimeStampReq of our own. Raises as :meth:`issue_token`, and
        :class:`hsm.timestamp.RequestRefused` for what is no request."""
        return response_granted(self._issue(parse_request(request, policies=())))

    def _issue(self, order: TimestampRequest) -> bytes:
        if not self._log_is_known:
            require_remembered(self._database, self._authority)
            self._log_is_known = True
        [issued] = self._authority.timestamp([order])
        with self._database.transaction() as tx:
            record_timestamps(tx, [issued])
        return issued.token


def horizon_of_token(token: bytes) -> Horizon:
    """The horizon of one of our own tokens (DER). Raises ResultRefused for one without its certificate."""
    return horizon_of_certificate(signer_of_token(token), imprint=parse_token(token).hash_name)


def signer_of_token(token: bytes) -> x509.Certificate:
    """The certificate of the key that made *token*, which carries it. Raises as :func:`horizon_of_token`."""
    signer = parse_token(token).signer
    if signer is None:
        raise ResultRefused("A timestamp of ours came without its certificate; nothing was kept.")
    return signer


def horizon_of_certificate(certificate: x509.Certificate, *, imprint: str = OURS) -> Horizon:
    """The horizon of what the timestamp key of *certificate* signs now."""
    rests_on = {imprint, *NAMES[SignatureAlgorithm.from_public_key(certificate.public_key())]}
    return Horizon(certificate.not_valid_after_utc, tuple(sorted(rests_on)))
