"""Links that open in a frame, in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.model.accounts import EmbeddedLink
from appliance.store.database import Transaction
from appliance.store.guests import unknown
from hsm.rows import Query, fields_of

_LINKS = Query(
    EmbeddedLink, "SELECT id, invitation, contract, party, client, origin, made, used, ended FROM embedded_links"
)


def insert_link(tx: Transaction, link: EmbeddedLink) -> None:
    """A new link; the one that its party had takes no code any more."""
    tx.update("embedded_links", {"ended": link.made}, party=link.party, ended=None)
    tx.insert("embedded_links", fields_of(link, "id invitation contract party client origin made"))


def load_link(tx: Transaction, link_id: str) -> EmbeddedLink:
    """The link with this id, used and ended ones too. Raises :class:`NotFound`."""
    return _LINKS.one(tx, "WHERE id = ?", (link_id,), missing=unknown())


def of_party(tx: Transaction, party_id: str) -> EmbeddedLink | None:
    """The newest link of the party."""
    return _LINKS.first(tx, "WHERE party = ? AND ended IS NULL", (party_id,))


def mark_used(tx: Transaction, link: EmbeddedLink, now: datetime) -> bool:
    """The code was right. False for one that was used before, or ended since *link* was read."""
    return tx.update("embedded_links", {"used": now}, id=link.id, used=None, ended=None)
