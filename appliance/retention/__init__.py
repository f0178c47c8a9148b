"""Retention: legal holds, the disposal of contracts whose time is over, the erasure of personal data."""

from appliance.retention.disposing import DisposalService
from appliance.retention.erasing import ErasureService
from appliance.retention.holding import LegalHoldService
from appliance.retention.room import RetentionServices, open_retention

__all__ = ["DisposalService", "ErasureService", "LegalHoldService", "RetentionServices", "open_retention"]
