"""Which acceptances of the agreement on electronic signing carry a signature, and which are lacking."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.errors import PreconditionRefused
from appliance.model.acceptance import AgreementRecord, AgreementSide
from appliance.store import agreements
from appliance.store.database import Transaction


def acceptances_between(
    tx: Transaction, own: AgreementSide, others: Sequence[AgreementSide], version: str
) -> tuple[AgreementRecord, ...] | None:
    """The acceptances for *own*, by entry, that name every one of *others*; None when one is not named.

    Where there are no others (everybody signs for the same side), the side's first acceptance suffices.
    """
    if not others:
        return tuple(agreements.of_side(tx, own.key, version, limit=1)) or None
    found = [agreements.naming(tx, own.key, other.key, version) for other in others]
    known = {record.entry or 0: record for record in found if record is not None}
    return None if None in found else tuple(known[entry] for entry in sorted(known))


def sides_not_named(
    tx: Transaction, own: AgreementSide, others: Sequence[AgreementSide], version: str
) -> tuple[AgreementSide, ...]:
    """Those of *others* whom no acceptance for *own* names."""
    return tuple(other for other in others if agreements.naming(tx, own.key, other.key, version) is None)


def require_acceptances(
    tx: Transaction, own: AgreementSide, others: Sequence[AgreementSide], version: str
) -> tuple[AgreementRecord, ...]:
    """As :func:`resting_on`; raises :class:`PreconditionRefused` where that is None."""
    records = acceptances_between(tx, own, others, version)
    if records is not None:
        return records
    if not others:
        raise PreconditionRefused(
            "{party} has not accepted the agreement on electronic signing (version {version}).",
            party=own.name,
            version=version,
        )
    raise PreconditionRefused(
        "{party} has not accepted the agreement on electronic signing (version {version}) with {others}.",
        party=own.name,
        version=version,
        others=", ".join(side.name for side in sides_not_named(tx, own, others, version)),
    )
