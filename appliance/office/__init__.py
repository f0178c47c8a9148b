"""The office: officers decide who signs with what, make seals, and end what must end."""

from appliance.office.requests import EnrolmentRequests

__all__ = ["EnrolmentRequests"]
