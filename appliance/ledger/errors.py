"""What the log refuses beyond the appliance's own tree of errors."""

from __future__ import annotations

from appliance.errors import ApplianceError


class ParameterRefused(ApplianceError):
    """An index or a size that is no number, or none that the log has; the sentence says which are."""

    code = "bad-request"
