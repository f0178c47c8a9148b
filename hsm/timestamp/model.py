"""Requests and replies (RFC 3161, 2.4): read strictly, refused in the protocol's own terms, built for our own use;
and their values: what is to be dated, and what was dated."""

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


def parse_request(
    request: bytes, *, policies: Collection[str], hashes: Collection[str] = DEFAULT_HASHES
) -> TimestampRequest:
    """The order in a DER TimeStampReq. Raises :class:`RequestRefused` and nothing else, whatever the bytes."""
    fields, unreadable_policy = _decoded(request)
    if fields.version != 1:
        raise RequestRefused("Only version 1 of the timestamp request is known.", fail_info=FailInfo.BAD_REQUEST)
    imprint = der.raw(fields.message_imprint)
    try:
        parse_imprint(imprint, hashes)
    except UnacceptableHash as error:
        raise RequestRefused(error.template, fail_info=FailInfo.BAD_ALG, **error.values) from error
    except Malformed as error:
        raise RequestRefused(error.template, fail_info=FailInfo.BAD_DATA_FORMAT, **error.values) from error
    policy = fields.req_policy.dotted_string if fields.req_policy is not None else None
    if unreadable_policy or (policy is not None and policy not in policies):
        raise RequestRefused(
            "This authority does not issue under that policy.", fail_info=FailInfo.UNACCEPTED_POLICY
        )
    if fields.extensions is not None:
        _refuse_extensions(fields.extensions)
    return TimestampRequest(imprint, policy, fields.nonce, fields.cert_req)


def build_request(order: TimestampRequest) -> bytes:
    """The DER TimeStampReq (a ``.tsq`` file) that asks for *order*."""
    return der.encode(
        der.TimeStampReq(
            version=1,
            message_imprint=der.decode(der.TLV, order.imprint),
            req_policy=der.Oid(order.policy) if order.policy is not None else None,
            nonce=order.nonce,
            cert_req=order.certificates,
            extensions=None,
        )
    )


def order_for(
    digest: bytes, *, hash_name: str = "sha256", nonce: int | None = None, certificates: bool = True
) -> TimestampRequest:
    """An order of our own for a *digest*, under the authority's default policy."""
    return TimestampRequest(encode_imprint(hash_name, digest), None, nonce, certificates)


def _decoded(request: bytes) -> tuple[der.TimeStampReq, bool]:
    """The fields; and whether a policy was left out of them, its OID being too long to read: it is unknown."""
    try:
        return der.decode(der.TimeStampReq, request), False
    except Malformed as error:
        without = _without_long_policy(request)
        if without is not None:
            return without, True
        raise RequestRefused(
            "The request is not a TimeStampReq in DER; make it with a tool such as openssl ts -query.",
            fail_info=FailInfo.BAD_DATA_FORMAT,
        ) from error


def _without_long_policy(request: bytes) -> der.TimeStampReq | None:
    """An otherwise well-formed request without its policy; None when that is not what is wrong with it."""
    try:
        members = der.members(request)
        if len(members) < 3 or not der.is_oid(members[2]):
            return None
        without = der.decode(der.TimeStampReq, der.element(der.SEQUENCE, *members[:2], *members[3:]))
    except Malformed:
        return None
    return without if without.req_policy is None else None


def _refuse_extensions(extensions: list[der.TLV]) -> None:
    """We know no extension, so each well-formed one is unknown (RFC 3161, 2.4.1)."""
    well_formed = bool(extensions) and all(_is_extension(der.raw(extension)) for extension in extensions)
    if not well_formed:
        raise RequestRefused("The request's extensions are not DER.", fail_info=FailInfo.BAD_DATA_FORMAT)
    raise RequestRefused(
        "The request has an extension that this authority does not know; ask without extensions.",
        fail_info=FailInfo.UNACCEPTED_EXTENSION,
    )


def _is_extension(extension: bytes) -> bool:
    try:
        return der.is_oid(der.raw(der.decode(der.Extension, extension).extn_id))
    except Malformed:
        return False


_GRANTED = der.element(der.SEQUENCE, der.integer(0))


def response_granted(token: bytes) -> bytes:
    """The DER TimeStampResp that delivers *token*."""
    return der.element(der.SEQUENCE, _GRANTED, token)


def response_refused(fail_info: int, text: str) -> bytes:
    """The DER TimeStampResp that refuses: status rejection, *text* as its status string, one failInfo bit."""
    status = der.PKIStatusInfo(status=2, status_string=[text], fail_info=_bit(fail_info))
    return der.encode(der.TimeStampRefusal(status=status))


def parse_response(response: bytes) -> bytes:
    """The token in a DER TimeStampResp. Raises :class:`RequestRefused` for a refusal, or :class:`Malformed`."""
    members = der.members(response)
    if not 1 <= len(members) <= 2:
        raise Malformed("These bytes are not a timestamp reply.")
    status = der.decode(der.PKIStatusInfo, members[0])
    if status.status not in (0, 1):
        text = " ".join(status.status_string or ["no reason given"])
        raise RequestRefused(
            "The timestamp authority refused: {text}", fail_info=_fail_info(status.fail_info), text=text
        )
    if len(members) == 1:
        raise Malformed("The timestamp reply says granted and has no token.")
    return members[1]


def _bit(position: int) -> der.BitString:
    """A named BIT STRING with one bit, without trailing zeros (X.690, 11.2.2)."""
    octets = bytearray(position // 8 + 1)
    octets[-1] = 0x80 >> position % 8
    return der.BitString(bytes(octets), 7 - position % 8)


def _fail_info(bits: der.BitString | None) -> FailInfo:
    """The first failInfo that is set; systemFailure when there is none that RFC 3161 names."""
    octets = bits.as_bytes() if bits is not None else b""
    named = [info for info in FailInfo if info // 8 < len(octets) and octets[info // 8] & 0x80 >> info % 8]
    return named[0] if named else FailInfo.SYSTEM_FAILURE
