"""What processes say, besides what they record: lines for people, JSON for machines, RFC 5424 for a collector."""

from appliance.logs.syslog import set_up_logging, set_up_logging_at

__all__ = ["set_up_logging", "set_up_logging_at"]
