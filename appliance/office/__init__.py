"""The office: officers decide who signs with what, make seals, and end what must end."""

from appliance.office.appointing import Appointing, OfficerForm, RecoveryForm
from appliance.office.descriptions import describe_decision, subjects_of_decision
from appliance.office.drafts import SealDraft
from appliance.office.office import Office, open_office
from appliance.office.requests import EnrolmentRequests

__all__ = [
    "Appointing",
    "EnrolmentRequests",
    "Office",
    "OfficerForm",
    "RecoveryForm",
    "SealDraft",
    "describe_decision",
    "open_office",
    "subjects_of_decision",
]
