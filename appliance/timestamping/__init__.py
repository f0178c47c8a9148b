"""Timestamps for everybody who asks: replies to requests (RFC 3161), tokens for our own signatures; and the second
timestamp that an authority outside may add to a signature."""

from appliance.timestamping.loop import LoopTimestampService
from appliance.timestamping.outside import OutsideAuthority, OutsideToken
from appliance.timestamping.refusals import Refusals
from appliance.timestamping.service import TimestampService

__all__ = ["LoopTimestampService", "OutsideAuthority", "OutsideToken", "Refusals", "TimestampService"]
