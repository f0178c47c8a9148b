"""The values that go in and come out: what is to be dated, and what was dated."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

from cryptography import x509

from hsm.errors import AuthorityError, BadRequest
from hsm.timestamp import imprints

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


class RequestRefused(AuthorityError):
    """A timestamp request that is answered without a token; ``fail_info`` says why in the protocol's own terms."""

    code = "timestamp-request-refused"

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
        return imprints.parse_imprint(self.imprint).hash_name

    @property
    def digest(self) -> bytes:
        """The hashed message."""
        return imprints.parse_imprint(self.imprint).digest

    def fields(self) -> list[Any]:
        """The order as the list that crosses the socket: imprint, policy, nonce, certificates."""
        return [self.imprint, self.policy, self.nonce, self.certificates]

    @classmethod
    def from_fields(cls, fields: Any, *, hashes: Collection[str] = tuple(imprints.HASHES)) -> TimestampRequest:
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
            imprints.parse_imprint(imprint, hashes)
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
