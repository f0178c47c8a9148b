"""The values that go in and come out: what is to be dated (RFC 3161, 2.4.1), and what was dated."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

from cryptography import x509

from hsm import der
from hsm.errors import AuthorityError, BadRequest, Malformed

HASHES = {
    "sha256": ("2.16.840.1.101.3.4.2.1", 32),
    "sha384": ("2.16.840.1.101.3.4.2.2", 48),
    "sha512": ("2.16.840.1.101.3.4.2.3", 64),
    "sm3": ("1.2.156.10197.1.401", 32),
}
DEFAULT_HASHES = frozenset({"sha256", "sha384", "sha512"})
_BY_OID = {der.oid(dotted): (name, length) for name, (dotted, length) in HASHES.items()}


class UnacceptableHash(Malformed, code="unacceptable-hash"):
    """A hash algorithm, or parameters of one, that we do not take (badAlg)."""


@dataclass(frozen=True, slots=True)
class Imprint:
    """A hash by its lower-case name, and the digest that it gave."""

    hash_name: str
    digest: bytes


def parse_imprint(imprint: bytes, hashes: Collection[str] = tuple(HASHES)) -> Imprint:
    """The hash and digest of a DER MessageImprint.

    Raises :class:`UnacceptableHash` for a hash outside *hashes* or parameters neither absent nor NULL, and
    :class:`Malformed` when it is not DER or the digest has the wrong length.
    """
    usual = _USUAL.get(imprint[:19])
    if usual is not None and len(imprint) == usual[1] + 19 and usual[0] in hashes:
        return Imprint(usual[0], imprint[19:])
    return _parse_unusual(imprint, hashes)


def _parse_unusual(imprint: bytes, hashes: Collection[str]) -> Imprint:
    fields = der.decode(der.MessageImprint, imprint)
    algorithm = [der.raw(part) for part in fields.hash_algorithm]
    if not algorithm or not der.is_oid(algorithm[0]) or len(algorithm) > 2:
        raise Malformed("The hash algorithm of the imprint is not an AlgorithmIdentifier.")
    name, length = _BY_OID.get(algorithm[0], (None, 0))
    if name is None or name not in hashes:
        raise UnacceptableHash(
            "This hash algorithm is not accepted; use one of {known}.", known=", ".join(sorted(hashes))
        )
    if algorithm[1:] not in ([], [der.NULL]):
        raise UnacceptableHash("The hash algorithm has parameters; they must be absent or NULL.")
    if len(fields.hashed_message) != length:
        raise Malformed("The digest does not have the length of its algorithm.")
    return Imprint(name, fields.hashed_message)


def encode_imprint(hash_name: str, digest: bytes) -> bytes:
    """The DER MessageImprint of a *digest*, with NULL parameters. Raises :class:`Malformed` on a wrong length."""
    dotted, length = HASHES[hash_name]
    if len(digest) != length:
        raise Malformed("A {name} digest has {length} bytes.", name=hash_name, length=length)
    algorithm = der.element(der.SEQUENCE, der.oid(dotted), der.NULL)
    return der.element(der.SEQUENCE, algorithm, der.element(der.OCTET_STRING, digest))


def _usual() -> dict[bytes, tuple[str, int]]:
    """What nearly every imprint begins with (NULL parameters and a SHA-2 OID: 19 octets up to the digest)."""
    built = {name: encode_imprint(name, bytes(length)) for name, (_, length) in HASHES.items() if name != "sm3"}
    return {imprint[:19]: (name, HASHES[name][1]) for name, imprint in built.items()}


_USUAL = _usual()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class FailInfo(IntEnum):
    """RFC 3161, 2.4.2: the bit of PKIFailureInfo that a refusal carries."""

    BAD_ALG = 0
    BAD_REQUEST = 2
    BAD_DATA_FORMAT = 5
    TIME_NOT_AVAILABLE = 14
    UNACCEPTED_POLICY = 15
    UNACCEPTED_EXTENSION = 16
    ADD_INFO_NOT_AVAILABLE = 17
    SYSTEM_FAILURE = 25


class RequestRefused(AuthorityError, code="timestamp-request-refused"):
    """A timestamp request that is answered without a token; ``fail_info`` says why in the protocol's own terms."""

    def __init__(self, template: str, *, fail_info: int, **values: object) -> None:
        super().__init__(template, fail_info=int(fail_info), **values)
        self.fail_info = FailInfo(fail_info)


@dataclass(frozen=True, slots=True)
class TimestampRequest:
    """What a client wants dated. ``imprint`` is the DER MessageImprint as it was sent, to be echoed unchanged."""

    imprint: bytes
    policy: str | None
    nonce: int | None = field(repr=False)  # may be longer than Python would print
    certificates: bool

    @property
    def hash_name(self) -> str:
        """``sha256``, ``sha384``, ``sha512`` or ``sm3``."""
        return parse_imprint(self.imprint).hash_name

    @property
    def digest(self) -> bytes:
        """The hashed message."""
        return parse_imprint(self.imprint).digest

    def fields(self) -> list[Any]:
        """The order as the list that crosses the socket: imprint, policy, nonce, certificates."""
        return [self.imprint, self.policy, self.nonce, self.certificates]

    @classmethod
    def from_fields(cls, fields: Any, *, hashes: Collection[str] = tuple(HASHES)) -> TimestampRequest:
        """The order from :meth:`fields`. Raises :class:`BadRequest` for wrong types or a hash not of *hashes*."""
        if not isinstance(fields, (list, tuple)) or len(fields) != 4:
            raise BadRequest("A timestamp order has four fields: imprint, policy, nonce, certificates.")
        imprint, policy, nonce, certificates = fields
        types_fit = (
            isinstance(imprint, bytes)
            and isinstance(policy, (str, type(None)))
            and (nonce is None or type(nonce) is int)
            and isinstance(certificates, bool)
        )
        if not types_fit:
            raise BadRequest("A field of a timestamp order has the wrong type.")
        try:
            parse_imprint(imprint, hashes)
        except AuthorityError as error:
            raise BadRequest(
                "The imprint of a timestamp order is not acceptable: {detail}", detail=error
            ) from error
        return cls(imprint, policy, nonce, certificates)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that was verified after it was made. ``token`` is the DER ContentInfo."""

    serial: int
    gen_time: datetime
    token: bytes

    def fields(self) -> list[Any]:
        """The token as the list that crosses the socket: serial, microseconds since 1970, DER."""
        return [self.serial, (self.gen_time - _EPOCH) // _MICROSECOND, self.token]

    @classmethod
    def from_fields(cls, fields: Sequence[Any]) -> IssuedToken:
        """The token from :meth:`fields`, as the authority sends it."""
        serial, micros, token = fields
        return cls(serial, _EPOCH + timedelta(microseconds=micros), token)

    @classmethod
    def for_orders(cls, reply: Any, orders: int) -> list[IssuedToken]:
        """The tokens in the authority's *reply* to so many *orders*. Raises :class:`BadRequest` otherwise."""
        try:
            tokens = [cls.from_fields(each) for each in reply]
        except (TypeError, ValueError, OverflowError) as error:
            raise BadRequest("The authority's reply is not a list of tokens.") from error
        if len(tokens) != orders:
            raise BadRequest("The authority's reply is not a token for each order.")
        return tokens


@dataclass(frozen=True, slots=True)
class TimestampInfo:
    """What a token says (RFC 3161, 2.4.2). ``tsa`` is the DER GeneralName; ``digest`` the hashed message.

    ``certificates`` is the bag as sent (DER), in no order to rely on; ``signer`` is the certificate that the
    signed ESSCertID names, or ``None`` when the bag does not have it (certReq was false).
    """

    policy: str
    hash_name: str
    digest: bytes
    serial: int
    gen_time: datetime
    accuracy: timedelta | None
    ordering: bool
    nonce: int | None = field(repr=False)
    tsa: bytes | None
    certificates: tuple[bytes, ...]
    signer: x509.Certificate | None
