"""Keeping completed contracts provable for as long as they are kept: archive timestamps renewed in time."""

from appliance.archive_renewal.ceremony_records import CeremonyRecords
from appliance.archive_renewal.renewal import ArchiveRenewal, RenewalRound

__all__ = ["ArchiveRenewal", "CeremonyRecords", "RenewalRound"]
