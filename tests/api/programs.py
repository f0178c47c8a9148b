"""Programs of the register of a test: clients that are created as on an appliance, and their secrets."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.api_clients import ApiClients, new_secret, secret_digest
from appliance.demonstration.participants import ALPHA
from appliance.model.api_clients import ApiClient, ClientAuthentication, ClientTerms, Scope

ERP = "client-00000000000000e1"
READER = "client-00000000000000e2"
BETAS = "client-00000000000000e3"
PURCHASE = "client-00000000000000e4"
SIGNER = "client-00000000000000e5"
GONE = "client-00000000000000e6"
SUSPENDED = "client-00000000000000e7"
EVERY = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Programs:
    """The register, and the secrets of the clients that tests added."""

    register: ApiClients
    secrets: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        client_id: str,
        *,
        scopes: frozenset[Scope] = EVERY,
        organisation: str = ALPHA,
        kind: str = "",
        keys: str | None = None,
    ) -> ApiClient:
        """A client that proves itself by a secret, or by *keys* (a JWK set) where they are given."""
        self.secrets[client_id] = new_secret()
        proof = (
            ClientAuthentication(secret=secret_digest(self.secrets[client_id]))
            if keys is None
            else ClientAuthentication(keys=keys)
        )
        kinds = frozenset({kind} if kind else ())
        terms = ClientTerms(f"示例 {client_id[-16:]}", scopes, frozenset({organisation}), kinds)
        return self.register.create(client_id, terms, proof, by="root")

    def token(self, client_id: str, scopes: frozenset[Scope] | None = None) -> str:
        """A token with these scopes, or all that the client has."""
        client = self.register.find(client_id)
        return self.register.grant(client, client.scopes if scopes is None else scopes)[0]
