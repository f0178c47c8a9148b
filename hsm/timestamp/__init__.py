"""RFC 3161 timestamps (with RFC 5816 and ETSI EN 319 422): requests, tokens, replies."""

from hsm.timestamp.model import FailInfo, ImprintOrder, IssuedToken, RequestRefused, TimestampInfo

__all__ = ["FailInfo", "ImprintOrder", "IssuedToken", "RequestRefused", "TimestampInfo"]
