"""Clients of the API: who they are, how they prove it, and the access tokens that they get (decision 73)."""

from appliance.api_clients.certificates import ClientCertificate, read_certificate, thumbprint_at
from appliance.api_clients.register import ApiClients, current_reach, new_client_id, new_secret, secret_digest
from appliance.api_clients.rules import read_scopes
from appliance.api_clients.usage import ApiRequest, ApiUsage

__all__ = [
    "ApiClients",
    "ApiRequest",
    "ApiUsage",
    "ClientCertificate",
    "current_reach",
    "new_client_id",
    "new_secret",
    "read_certificate",
    "read_scopes",
    "secret_digest",
    "thumbprint_at",
]
