"""Deposits (存证): digests of files, timestamped and logged, with a certificate that proves itself."""

from appliance.ownership.batches import DepositBatches
from appliance.ownership.certificate import CertificateFacts, certificate_html, certificate_pdf
from appliance.ownership.declaration import Declaration, load_declaration
from appliance.ownership.deposits import CertificateIssuer, Ownership
from appliance.ownership.manifest import read_sums
from appliance.ownership.orders import DepositOrder

__all__ = [
    "CertificateFacts",
    "CertificateIssuer",
    "Declaration",
    "DepositBatches",
    "DepositOrder",
    "Ownership",
    "certificate_html",
    "certificate_pdf",
    "load_declaration",
    "read_sums",
]
