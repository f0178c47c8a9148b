"""Timestamps for programs that would rather send a digest than speak RFC 3161 (``POST /tsa``)."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from appliance.model.api_clients import Scope
from webui.api.conversions import utc
from webui.api.operations import Answer, Call, Declared, KeyRule, operation
from webui.api.types import Moment
from webui.shared.served import appliance

PROBLEMS: Final = (
    *("authority-locked", "authority-unreachable", "ledger-damaged", "module-unavailable"),
    "time-not-available",
)


class ApiTimestampRequest(Struct, forbid_unknown_fields=True):
    """What is to be dated."""

    # The length besides: the pattern alone takes a line end behind it.
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64, description="SHA-256, lower-case hex.")]


class ApiTimestamp(Struct):
    """A timestamp. `entry` is its number in the log, whose proof exists within seconds."""

    digest: str
    token: Annotated[bytes, Meta(description="The token (RFC 3161, DER) in Base64, with its certificates.")]
    time: Moment
    serial: Annotated[str, Meta(description="The token's number, lower-case hex.")]
    entry: Annotated[int, Meta(ge=0)]


@operation(
    "POST",
    "/timestamps",
    Scope.TIMESTAMPS_WRITE,
    {200: ApiTimestamp},
    Declared(body=ApiTimestampRequest, problems=PROBLEMS, key=KeyRule.OPTIONAL),
)
def make_timestamp(call: Call) -> Answer:
    """Have a digest timestamped.

    The token is that of the appliance's own timestamp authority. The log keeps its serial number and the digest
    of the token, neither what was dated nor who asked.
    """
    digest = call.body(ApiTimestampRequest).digest
    issued, entry = appliance.timestamps.issue_logged(bytes.fromhex(digest))
    return Answer(ApiTimestamp(digest, issued.token, utc(issued.gen_time), f"{issued.serial:x}", entry))
