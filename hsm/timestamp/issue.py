"""Making tokens (RFC 3161, 2.4.2; RFC 5816; ETSI EN 319 422, 5), each verified before it is given out."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509

from hsm import cms, der
from hsm.errors import AuthorityError, BadRequest, CertificateRefused
from hsm.signer import CmsSigner, SignatureAlgorithm
from hsm.timestamp.model import FailInfo, IssuedToken, RequestRefused, TimestampRequest
from hsm.timestamp.token import require_timestamping


def new_serial() -> int:
    """A serial number of 159 random bits, never 0: unique without memory, also after a restored backup."""
    return secrets.randbits(159) or 1


def require_issuing(certificate: x509.Certificate) -> None:
    """Raises :class:`CertificateRefused` unless tokens may be issued under *certificate*.

    It is for timestamps alone (RFC 3161, 2.3), not a CA's, and its key is RSA of 3072 bits or more or EC of 256 or
    more. Asked at the authority's start and of each new certificate; others' tokens are read leniently.
    """
    require_timestamping(certificate)
    if SignatureAlgorithm.from_public_key(certificate.public_key()) is SignatureAlgorithm.ED25519:
        raise CertificateRefused(
            "A timestamp certificate's key must be RSA or on a NIST curve: clients know no other."
        )


class TokenIssuer:
    """Issues tokens by one signer. Refuses a certificate that may not; encodes once what never changes."""

    def __init__(self, signer: CmsSigner, *, policies: Sequence[str], accuracy: timedelta) -> None:
        """*policies* are the OIDs that clients may ask for, the default first; 0 < *accuracy* ≤ 1 s.

        Raises :class:`CertificateRefused` or :class:`BadRequest`.
        """
        require_issuing(signer.certificate)
        if not policies:
            raise BadRequest("A timestamp authority needs at least one policy.")
        if not timedelta(0) < accuracy <= timedelta(seconds=1):
            raise BadRequest("The accuracy of timestamps must be more than 0 and at most one second.")
        certificate = signer.certificate
        self._valid = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        self._policies = {policy: der.Oid(policy) for policy in policies}
        self._openings = {policy: der.integer(1) + der.oid(policy) for policy in policies}
        self._default_policy = policies[0]
        self._accuracy = der.encode(_accuracy(accuracy))
        self._finest = 1000 if accuracy >= timedelta(milliseconds=1) else 1
        self._tsa = der.element(0xA0, der.element(0xA4, certificate.subject.public_bytes()))
        self._maker = cms.MessageMaker(signer, cms.TST_INFO)

    def issue(self, order: TimestampRequest, *, gen_time: datetime, serial: int) -> IssuedToken:
        """A token for *order* at *gen_time* (aware; cut to the millisecond), under *serial* (1 to 160 bits).

        Raises :class:`RequestRefused` for a policy that is not ours, :class:`AuthorityError` when the token that
        came out does not verify; then nothing may be given out.
        """
        policy = order.policy or self._default_policy
        if policy not in self._policies:
            raise RequestRefused(
                "This authority does not issue under that policy.", fail_info=FailInfo.UNACCEPTED_POLICY
            )
        if not 0 < serial < 1 << 160:
            raise BadRequest("A timestamp's serial number has 1 to 160 bits.")
        moment = self._cut(gen_time)
        # TSTInfo; ordering is false, its default.
        statement = der.element(
            der.SEQUENCE,
            self._openings[policy],
            order.imprint,
            der.integer(serial),
            der.generalized_time(moment),
            self._accuracy,
            b"" if order.nonce is None else der.integer(order.nonce),
            self._tsa,
        )
        digest = hashlib.new(self._maker.digest_name, statement).digest()
        token = self._maker.make_message(digest, content=statement, certificates=order.certificates)
        issued = IssuedToken(serial, moment, token)
        self._require_as_ordered(order, statement, issued)
        return issued

    def _cut(self, moment: datetime) -> datetime:
        moment = moment.astimezone(UTC)
        if not self._valid[0] <= moment <= self._valid[1]:
            raise CertificateRefused("The timestamp certificate is not valid now; a new one is needed.")
        return moment.replace(microsecond=moment.microsecond // self._finest * self._finest)

    def _require_as_ordered(self, order: TimestampRequest, statement: bytes, issued: IssuedToken) -> None:
        """The signed *statement*, read back, against the order (its signature was checked when it was made)."""
        stated = der.decode(der.TSTInfo, statement)
        as_ordered = (
            stated.serial_number == issued.serial
            and stated.gen_time.as_datetime() == issued.gen_time
            and stated.nonce == order.nonce
            and stated.policy == self._policies[order.policy or self._default_policy]
            and der.raw(stated.message_imprint) == order.imprint
        )
        if not as_ordered:
            raise AuthorityError("The timestamp token does not say what was ordered; it was not given out.")


def _accuracy(accuracy: timedelta) -> der.Accuracy:
    micros = accuracy // timedelta(microseconds=1)
    return der.Accuracy(
        seconds=micros // 1_000_000 or None, millis=micros // 1000 % 1000 or None, micros=micros % 1000 or None
    )
