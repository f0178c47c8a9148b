"""Ownership certificates: a file's digest, timestamped and logged, with a certificate that proves itself."""

from appliance.ownership.certificate import CertificateFacts, certificate_pdf
from appliance.ownership.deposits import DepositOrder, Ownership

__all__ = ["CertificateFacts", "DepositOrder", "Ownership", "certificate_pdf"]
