"""Timestamps for everybody who asks: replies to requests (RFC 3161), tokens for our own signatures."""

from appliance.timestamping.desk import HASHES, WITH_SM3
from appliance.timestamping.loop import LoopTimestampService
from appliance.timestamping.service import TimestampService

__all__ = ["HASHES", "WITH_SM3", "LoopTimestampService", "TimestampService"]
