"""Requests and replies (RFC 3161, 2.4): read strictly, refused in the protocol's own terms, built for our own
use."""

from __future__ import annotations

from collections.abc import Collection

from hsm import der
from hsm.errors import Malformed
from hsm.timestamp.model import (
    DEFAULT_HASHES,
    FailInfo,
    RequestRefused,
    TimestampRequest,
    UnacceptableHash,
    encode_imprint,
    parse_imprint,
)


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
