"""Retention: legal holds, the disposal of contracts whose time is over, the erasure of personal data."""

from appliance.retention.disposal import DisposalService
from appliance.retention.erasure import ErasureService
from appliance.retention.services import LegalHoldService, RetentionServices, open_retention

__all__ = ["DisposalService", "ErasureService", "LegalHoldService", "RetentionServices", "open_retention"]
