"""Anchors for outside signers, and signatures that were made elsewhere. Every function runs in the caller's
transaction."""

from __future__ import annotations

import json
from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.model.anchors import ApprovedAnchor, OwnSignature, StatedAnchor
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of

_NAMES = "id organisation certificate digest reason registered_by registered"
_ANCHORS = Query(
    ApprovedAnchor,
    "SELECT id, organisation, certificate, digest, reason, registered_by, registered, approved, entry, ended,"
    " ended_by, ended_reason FROM signer_anchors",
)
_STATED = Query(StatedAnchor, "SELECT statement, cms FROM signer_anchors")
_OWN = Query(
    OwnSignature,
    "SELECT party, anchor, name, ends, token, crls FROM own_signatures",
    crls=lambda lists: tuple(map(bytes.fromhex, json.loads(lists))),
)


def insert_anchor(tx: Transaction, anchor: ApprovedAnchor) -> None:
    tx.insert("signer_anchors", fields_of(anchor, _NAMES))


def load_anchor(tx: Transaction, anchor_id: str) -> ApprovedAnchor:
    """The anchor with this id. Raises :class:`NotFound`."""
    missing = NotFound("There is no anchor {anchor}.", anchor=anchor_id)
    return _ANCHORS.one(tx, "WHERE id = ?", (anchor_id,), missing=missing)


def all_anchors(tx: Transaction) -> tuple[ApprovedAnchor, ...]:
    """The newest first."""
    return tuple(_ANCHORS.all(tx, "ORDER BY registered DESC, rowid DESC"))


def in_force(tx: Transaction) -> tuple[ApprovedAnchor, ...]:
    """Those that officers have approved and nobody has ended."""
    return tuple(_ANCHORS.all(tx, "WHERE approved IS NOT NULL AND ended IS NULL ORDER BY approved, rowid"))


def approve(tx: Transaction, anchor_id: str, stated: StatedAnchor, *, at: datetime, entry: int) -> None:
    """Raises :class:`StateRefused` for one that was approved or ended before."""
    row = {**fields_of(stated, "statement cms"), "approved": at, "entry": entry}
    if not tx.update("signer_anchors", row, id=anchor_id, approved=None, ended=None):
        raise StateRefused("This certificate was approved or ended in the meantime.")


def end(tx: Transaction, anchor_id: str, *, by: str, reason: str, at: datetime) -> None:
    """Raises :class:`StateRefused` for one that has ended."""
    if not tx.update(
        "signer_anchors", {"ended": at, "ended_by": by, "ended_reason": reason}, id=anchor_id, ended=None
    ):
        raise StateRefused("This certificate was approved or ended in the meantime.")


def stated_anchor(tx: Transaction, anchor_id: str) -> StatedAnchor | None:
    """What the authority states of it; None until officers have approved it."""
    return _STATED.first(tx, "WHERE id = ? AND statement IS NOT NULL", (anchor_id,))


def insert_signature(tx: Transaction, contract_id: str, own: OwnSignature) -> None:
    lists = json.dumps([each.hex() for each in own.crls])
    tx.insert(
        "own_signatures",
        fields_of(own, "party anchor name ends token") | {"contract": contract_id, "crls": lists},
    )


def signatures_of(tx: Transaction, contract_id: str) -> tuple[OwnSignature, ...]:
    """The contract's signatures that were made elsewhere, in their order in the document."""
    return tuple(_OWN.all(tx, "WHERE contract = ? ORDER BY ends", (contract_id,)))
