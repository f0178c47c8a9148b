"""Replies (RFC 3161, 2.4.2): a token under "granted", or a refusal with its failInfo; never with mods."""

from __future__ import annotations

from hsm import der
from hsm.errors import Malformed
from hsm.timestamp.model import FailInfo, RequestRefused

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
