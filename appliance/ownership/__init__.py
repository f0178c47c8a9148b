"""Ownership certificates: a file's digest, timestamped and logged, with a certificate that proves itself."""

from appliance.ownership.deposits import CertificateFacts, DepositOrder, Ownership, certificate_pdf

__all__ = ["CertificateFacts", "DepositOrder", "Ownership", "certificate_pdf"]
