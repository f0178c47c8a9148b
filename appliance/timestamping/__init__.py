"""Timestamps: replies to requests (RFC 3161), tokens for our own signatures, and the second timestamp that an
authority outside may add to a signature."""

from appliance.timestamping.clearance import Clearance, ClearanceReader, IssuingState, TimestampFeed
from appliance.timestamping.issuing import OutsideAuthority, OutsideToken, TimestampIssuer
from appliance.timestamping.refusal_counts import RefusalCounts
from appliance.timestamping.service import TimestampService

__all__ = [
    "Clearance",
    "ClearanceReader",
    "IssuingState",
    "OutsideAuthority",
    "OutsideToken",
    "RefusalCounts",
    "TimestampFeed",
    "TimestampIssuer",
    "TimestampService",
]
