"""Clients of the API, their access tokens, and the assertions that they have used. Every function runs in the
caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from appliance.errors import NotFound, PreconditionRefused
from appliance.model.api_clients import (
    ApiClient,
    ClientAuthentication,
    ClientState,
    GrantedAccess,
    KeptAuthentication,
    Scope,
)
from appliance.store.database import Transaction
from hsm.rows import Query, columns, fields_of, refusing

_CLIENTS = Query(
    ApiClient,
    "SELECT id, name, scopes, organisations, kinds, state, created, last_used, certificate, certificate_expires,"
    " origins FROM api_clients",
)
_KEPT = Query(
    KeptAuthentication,
    "SELECT secret, old_secret, old_until, keys, certificate, certificate_expires, old_certificate,"
    " old_certificate_until FROM api_clients",
)


def insert_client(tx: Transaction, client: ApiClient, authentication: ClientAuthentication) -> None:
    """A new client. Raises :class:`PreconditionRefused` for an id, a name or a certificate that another has."""
    taken = PreconditionRefused("Another API client has this name, id or certificate.")
    row = fields_of(client, "id name state created") | fields_of(
        authentication, "secret keys certificate certificate_expires"
    )
    row |= {name: _listed(getattr(client, name)) for name in ("scopes", "organisations", "kinds", "origins")}
    with refusing(taken, only=["UNIQUE"]):
        tx.insert("api_clients", row)


def load_client(tx: Transaction, client_id: str) -> ApiClient:
    """Raises :class:`NotFound`."""
    missing = NotFound("There is no API client {client}.", client=client_id)
    return _CLIENTS.one(tx, "WHERE id = ?", (client_id,), missing=missing)


def find_client(tx: Transaction, client_id: str) -> ApiClient | None:
    return _CLIENTS.first(tx, "WHERE id = ?", (client_id,))


def all_clients(tx: Transaction) -> list[ApiClient]:
    """By name."""
    return _CLIENTS.all(tx, "ORDER BY name")


def names_of(tx: Transaction, client_ids: Iterable[str]) -> dict[str, str]:
    """What administrators call these clients; those that are not known are left out."""
    found = tx.execute(
        "SELECT id, name FROM api_clients WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(client_ids)),),
    )
    return dict(found.fetchall())


def authentication_of(tx: Transaction, client_id: str) -> KeptAuthentication | None:
    return _KEPT.first(tx, "WHERE id = ?", (client_id,))


def set_state(tx: Transaction, client_id: str, state: ClientState) -> bool:
    """Whether the client was in another state before."""
    return tx.changed("UPDATE api_clients SET state = ?1 WHERE id = ?2 AND state <> ?1", (state, client_id))


def change_secret(tx: Transaction, client_id: str, secret: bytes, *, old_until: datetime | None) -> bool:
    """*secret* (SHA-256) from now on, and the one before until *old_until* too, or no longer (None); False for a
    client without a secret."""
    return tx.changed(
        "UPDATE api_clients SET old_secret = iif(?2 IS NULL, NULL, secret), old_until = ?2, secret = ?1"
        " WHERE id = ?3 AND secret IS NOT NULL",
        (secret, old_until, client_id),
    )


def change_certificate(
    tx: Transaction, client_id: str, certificate: str, expires: datetime, *, old_until: datetime | None
) -> bool:
    """*certificate* (SHA-256, hex) from now on, and the one before until *old_until* too, or no longer (None);
    False for a client without one. Raises :class:`PreconditionRefused` for one that another client has."""
    taken = PreconditionRefused("Another API client has this name, id or certificate.")
    with refusing(taken, only=["UNIQUE"]):
        return tx.changed(
            "UPDATE api_clients SET old_certificate = iif(?3 IS NULL, NULL, certificate),"
            " old_certificate_until = ?3, certificate = ?1, certificate_expires = ?2"
            " WHERE id = ?4 AND certificate IS NOT NULL",
            (certificate, expires, old_until, client_id),
        )


def set_origins(tx: Transaction, client_id: str, origins: Iterable[str]) -> bool:
    """Whether these are others than before."""
    row = (_listed(origins), client_id)
    return tx.changed("UPDATE api_clients SET origins = ?1 WHERE id = ?2 AND origins <> ?1", row)


def save_use(tx: Transaction, client_id: str, at: datetime) -> None:
    tx.update("api_clients", {"last_used": at}, id=client_id)


def insert_token(tx: Transaction, digest: bytes, access: GrantedAccess) -> None:
    """A new access token, by its SHA-256."""
    row = {"digest": digest, "client": access.client.id} | fields_of(access, "expires certificate")
    tx.insert("access_tokens", row | {"scopes": _listed(access.scopes)})


_CLIENT_COLUMNS: Final = (
    *("id", "name", "client_scopes", "organisations", "kinds", "state", "created", "last_used"),
    *("registered", "certificate_expires", "origins"),
)


def _client(*row: str) -> ApiClient:
    client_id, name, scopes, organisations, kinds, state, created, last_used, certificate, until, origins = row
    return ApiClient(
        client_id,
        name,
        frozenset(map(Scope, json.loads(scopes))),
        frozenset(json.loads(organisations)),
        frozenset(json.loads(kinds)),
        ClientState(state),
        datetime.fromisoformat(created),
        datetime.fromisoformat(last_used) if last_used else None,
        certificate,
        datetime.fromisoformat(until) if until else None,
        frozenset(json.loads(origins)),
    )


_GRANTED = Query(GrantedAccess, client=columns(_client, *_CLIENT_COLUMNS))


def find_token(tx: Transaction, digest: bytes) -> GrantedAccess | None:
    """What the token with this SHA-256 was granted, expired or not."""
    return _GRANTED.first(
        tx,
        "SELECT t.scopes, t.expires, t.certificate, c.id, c.name, c.scopes AS client_scopes, c.organisations,"
        " c.kinds, c.state, c.created, c.last_used, c.certificate AS registered, c.certificate_expires, c.origins"
        " FROM access_tokens AS t JOIN api_clients AS c ON c.id = t.client WHERE t.digest = ?",
        (digest,),
    )


def end_tokens_of(tx: Transaction, client_id: str) -> None:
    tx.execute("DELETE FROM access_tokens WHERE client = ?", (client_id,))


def use_assertion(tx: Transaction, client_id: str, digest: bytes, until: datetime) -> bool:
    """Remembers the assertion whose id has this SHA-256 *until* then; False for one that was used before."""
    return tx.insert_if_new("used_assertions", {"client": client_id, "digest": digest, "until": until})


def forget_expired(tx: Transaction, now: datetime) -> None:
    """Removes tokens and assertions that are worth nothing any more, a hundred of each at most."""
    tx.forget_oldest("access_tokens", "digest", "expires", before=now)
    tx.forget_oldest("used_assertions", "client, digest", "until", before=now)


def _listed(words: Iterable[str]) -> str:
    return json.dumps(sorted(words), ensure_ascii=False)
