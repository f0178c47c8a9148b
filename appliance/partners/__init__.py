"""Partner organisations: the companies on the other side, invited once, with representatives of their own."""

from appliance.partners.register import PartnerRegister, detail_problems
from appliance.partners.representatives import Representatives, representative_problems

__all__ = ["PartnerRegister", "Representatives", "detail_problems", "representative_problems"]
