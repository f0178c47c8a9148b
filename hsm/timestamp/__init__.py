"""RFC 3161 timestamps (with RFC 5816 and ETSI EN 319 422): requests, tokens, replies."""

from hsm.timestamp.model import (
    FailInfo,
    IssuedToken,
    RequestRefused,
    TimestampInfo,
    TimestampRequest,
    build_request,
    order_for,
    parse_request,
    parse_response,
    response_granted,
    response_refused,
)
from hsm.timestamp.token import (
    TokenIssuer,
    local_token,
    new_serial,
    parse_token,
    require_issuing,
    require_timestamping,
    verify_token,
)

__all__ = [
    "FailInfo",
    "IssuedToken",
    "RequestRefused",
    "TimestampInfo",
    "TimestampRequest",
    "TokenIssuer",
    "build_request",
    "local_token",
    "new_serial",
    "order_for",
    "parse_request",
    "parse_response",
    "parse_token",
    "require_issuing",
    "require_timestamping",
    "response_granted",
    "response_refused",
    "verify_token",
]
