"""Keeping completed contracts provable for as long as they are kept: archive timestamps renewed in time."""

from appliance.keeping.ceremonies import CeremonyRecords
from appliance.keeping.renewing import ArchiveRenewal, RenewalRound

__all__ = ["ArchiveRenewal", "CeremonyRecords", "RenewalRound"]
