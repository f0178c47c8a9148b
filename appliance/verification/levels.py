"""The baseline level that a signature has reached and that holds (ETSI EN 319 142-1, clause 6)."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.pdf.validation import StoreHistory
from appliance.verification.certificate_judge import CertificateFinding
from appliance.verification.model import Indication, Level
from appliance.verification.signatures import ExaminedSignature


def level_of(one: ExaminedSignature, everything: Iterable[ExaminedSignature], store: StoreHistory) -> Level | None:
    """The level; None for document timestamps and for what is not a signature by a known key."""
    if one.found.document_timestamp or one.finding is None or one.verdict.indication is Indication.FAILED:
        return None
    if one.proven is None:
        return Level.B
    if not _has_long_term_data(one, store):
        return Level.T
    archived = any(
        other.found.document_timestamp
        and other.proves is not None
        and other.found.revision > one.found.revision
        and other.found.revision >= (store.since or 0)  # validation data may come in the timestamp's own revision
        for other in everything
    )
    return Level.LTA if archived else Level.LT


def _has_long_term_data(one: ExaminedSignature, store: StoreHistory) -> bool:
    """Revocation data for the signer's path and that of a timestamp, stored in the document. One timestamp is
    enough: a second one, of an authority outside, adds a witness and takes nothing away."""
    proving = [stamp.finding for stamp in one.stamps if stamp.proves]
    of_stamps = [finding is not None and finding.known_good for finding in proving or _findings(one)]
    dated = any(of_stamps) if proving else all(of_stamps)
    return one.finding is not None and one.finding.known_good and dated and store.since is not None


def _findings(one: ExaminedSignature) -> list[CertificateFinding | None]:
    return [stamp.finding for stamp in one.stamps]
