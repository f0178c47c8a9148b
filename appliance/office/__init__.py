"""The office: officers decide who signs with what, make seals, and end what must end."""

from appliance.office.appointing import Appointing, OfficerForm, RecoveryForm
from appliance.office.drafts import SealDraft
from appliance.office.office import Office, open_office
from appliance.office.requests import EnrolmentRequests
from appliance.office.words import subjects_in, words_of

__all__ = [
    "Appointing",
    "EnrolmentRequests",
    "Office",
    "OfficerForm",
    "RecoveryForm",
    "SealDraft",
    "open_office",
    "subjects_in",
    "words_of",
]
