"""Timestamps for everybody who asks: replies to requests (RFC 3161), tokens for our own signatures."""

from appliance.timestamping.loop import LoopTimestampService
from appliance.timestamping.service import TimestampService

__all__ = ["LoopTimestampService", "TimestampService"]
