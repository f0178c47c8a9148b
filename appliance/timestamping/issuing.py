"""Tokens for our own signatures, the horizon of a token (how long it can be relied on), and a second timestamp
by an authority outside, besides the local one, within a time limit.

Whatever that authority does, the local timestamp stands and the signature is completed; a state says what
failed.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509

from appliance.egress import Egress, EgressFailed
from appliance.errors import ResultRefused
from appliance.ledger.check import require_remembered
from appliance.ledger.entry import record_tokens
from appliance.model.intent import OutsideStamp
from appliance.model.retention import Horizon
from appliance.store.database import Database
from appliance.verification import Indication, TrustAnchors, VerificationReport
from hsm.client import AuthorityClient
from hsm.cms import add_signature_timestamp, signature_value
from hsm.errors import RefusalError
from hsm.signer import SignatureAlgorithm
from hsm.timestamp import (
    IssuedToken,
    TimestampRequest,
    build_request,
    order_for,
    parse_request,
    parse_response,
    parse_token,
    response_granted,
)

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
        return self._issue(order_for(digest))[0].token

    def issue_logged(self, digest: bytes) -> tuple[IssuedToken, int]:
        """The same token with its time, and the number of its entry in the log. Raises as :meth:`issue_token`."""
        return self._issue(order_for(digest))

    def stamp(self, cms: bytes) -> tuple[bytes, datetime]:
        """A detached signature (CMS, DER) with a timestamp over its value, and that timestamp's time. Raises as
        :meth:`issue_token`."""
        token = self.issue_token(hashlib.sha256(signature_value(cms)).digest())
        return add_signature_timestamp(cms, token), parse_token(token).gen_time

    def issue_reply(self, request: bytes) -> bytes:
        """The DER TimeStampResp for a DER TimeStampReq of our own. Raises as :meth:`issue_token`, and
        :class:`hsm.timestamp.RequestRefused` for what is no request."""
        return response_granted(self._issue(parse_request(request, policies=()))[0].token)

    def _issue(self, order: TimestampRequest) -> tuple[IssuedToken, int]:
        if not self._log_is_known:
            require_remembered(self._database, self._authority)
            self._log_is_known = True
        [issued] = self._authority.timestamp([order])
        return issued, self._database.commit(record_tokens, [issued])


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


LARGEST_REPLY = 64 * 1024
LARGEST_TOKEN = 7 * 1024
"""Bytes: what is left in a signature's place for it (``PrepareOrder.reserve``) beside all else."""

PAUSE = 60.0
"""Seconds in which an authority that failed is not asked again, so that waiting for it is rare."""

FARTHEST = 300.0
"""Seconds between its time and ours beyond which its token is left out: one of the two is wrong."""

_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"


@dataclass(frozen=True, slots=True)
class OutsideToken:
    """``token`` is the DER token, empty unless ``stamp`` is ``DATED``."""

    stamp: OutsideStamp
    token: bytes = b""


class TimestampVerification(Protocol):
    """As :meth:`appliance.verification.Verifier.verify_timestamp`: confined, never raising for the content."""

    def __call__(
        self, token_or_reply: bytes, *, data: bytes, nonce: int, trust: TrustAnchors | Sequence[x509.Certificate]
    ) -> VerificationReport: ...


class OutsideAuthority:
    """Asks the RFC 3161 service at *url*, whose tokens must lead to *trust*, for *patience* seconds at most."""

    def __init__(
        self,
        url: str,
        egress: Egress,
        *,
        verify: TimestampVerification,
        trust: TrustAnchors,
        patience: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._egress = egress
        self._verify = verify
        self._trust = trust
        self._patience = patience
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._again = 0.0

    def start_fetching(self, value: bytes) -> Callable[[], OutsideToken]:
        """Asks in the background as :meth:`fetch_token` does; the callable gives the result, after at most the
        patience counted from now."""
        promise: Future[OutsideToken] = Future()
        latest = self._monotonic() + self._patience

        def ask() -> None:
            try:
                promise.set_result(self.fetch_token(value))
            except BaseException as error:
                promise.set_exception(error)
                raise

        def wait() -> OutsideToken:
            try:
                return promise.result(max(0.0, latest - self._monotonic()))
            except TimeoutError:
                self._pause()
                return OutsideToken(OutsideStamp.LATE)
            except Exception:  # the thread's own trace says what it was; the signature goes on
                self._pause()
                return OutsideToken(OutsideStamp.WRONG)

        threading.Thread(target=ask, daemon=True, name="outside timestamp").start()
        return wait

    def fetch_token(self, value: bytes) -> OutsideToken:
        """A token about SHA-256 of *value*, verified as strangers would; or why there is none. Never raises for
        what the other side does.

        1. not within the pause after a failure; 2. within the limits of the egress; 3. granted, and about this
        value with this nonce, by an authority that is trusted; 4. small enough; 5. not far from our own time.
        """
        with self._lock:
            if self._monotonic() < self._again:
                return OutsideToken(OutsideStamp.PAUSED)
        found = self._asked(value)
        if found.stamp not in (
            OutsideStamp.DATED,
            OutsideStamp.PAUSED,
        ):  # too many requests of ours: not its failure
            self._pause()
        return found

    def _pause(self) -> None:
        with self._lock:
            self._again = self._monotonic() + PAUSE

    def _asked(self, value: bytes) -> OutsideToken:
        nonce = secrets.randbits(63) | 1 << 62
        request = build_request(order_for(hashlib.sha256(value).digest(), nonce=nonce))
        try:
            reply = self._egress.post(self._url, request, {"Content-Type": _QUERY, "Accept": _REPLY})
        except EgressFailed as failure:
            return OutsideToken(_CAUSES[failure.cause])
        if reply.kind != _REPLY:
            return OutsideToken(OutsideStamp.WRONG)
        return self._checked(reply.body, value, nonce)

    def _checked(self, reply: bytes, value: bytes, nonce: int) -> OutsideToken:
        try:
            report = self._verify(reply, data=value, nonce=nonce, trust=self._trust)
            token = parse_response(reply) if report.indication is Indication.PASSED else b""
        except RefusalError:
            token = b""
        if not token:
            return OutsideToken(OutsideStamp.WRONG)
        (said,) = report.signatures
        far = said.timestamp is None or abs((said.timestamp - report.at).total_seconds()) > FARTHEST
        if far or len(token) > LARGEST_TOKEN:
            return OutsideToken(OutsideStamp.WRONG)
        return OutsideToken(OutsideStamp.DATED, token)


_CAUSES = {
    "unreachable": OutsideStamp.UNREACHABLE,
    "busy": OutsideStamp.PAUSED,
    "late": OutsideStamp.LATE,
    "refused": OutsideStamp.REFUSED,
    "too-large": OutsideStamp.WRONG,
}
