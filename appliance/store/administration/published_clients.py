"""The clients of the API as the scheduler last saw them. Each function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence

from appliance.model.api_clients import ApiClient
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of

_CLIENTS = Query(
    ApiClient, "SELECT id, name, scopes, organisations, kinds, state, created, last_used FROM api_clients"
)


def replace(tx: Transaction, found: Sequence[ApiClient]) -> None:
    """*found* in place of what was found before."""
    tx.execute("DELETE FROM api_clients")
    for each in found:
        sets = ("scopes", "organisations", "kinds")
        listed = {name: json.dumps(sorted(getattr(each, name)), ensure_ascii=False) for name in sets}
        tx.insert("api_clients", fields_of(each, "id name state created last_used") | listed)


def everything(tx: Transaction) -> list[ApiClient]:
    """All of them, by name."""
    return _CLIENTS.all(tx, "ORDER BY name")
