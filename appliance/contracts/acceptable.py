"""Whether a document that was made may be released: what the verifier for strangers has to say of it."""

from __future__ import annotations

from appliance.errors import ResultRefused
from appliance.model.contract import Contract, PartyState
from appliance.verification import Indication, Level, SignatureReport, VerificationReport

READERS = 3
"""A signature is not thrown away because something ended the process that read the result, once or twice."""


def require_signed(report: VerificationReport, contract: Contract, field: str) -> None:
    """The signature in *field* and those before it are good and dated.

    1. every signature of the contract, the new one included, is there and TOTAL-PASSED;
    2. each has a timestamp (B-T at least);
    3. signatures that the document brought along are not broken by ours: they may be of people whom we do not
       know (INDETERMINATE), but not TOTAL-FAILED;
    4. the document as a whole is TOTAL-PASSED, or INDETERMINATE for such strangers alone.

    Raises :class:`ResultRefused` with the verifier's reason.
    """
    fields = {party.field for party in contract.parties if party.state is PartyState.SIGNED} | {field}
    _require(report, fields, {Level.T, Level.LT, Level.LTA})


def require_archived(report: VerificationReport, contract: Contract) -> None:
    """Like :func:`require_signed` for all parties, each at level B-LTA. Raises :class:`ResultRefused`."""
    _require(report, {party.field for party in contract.parties}, {Level.LTA})


def _require(report: VerificationReport, fields: set[str], levels: set[Level]) -> None:
    ours = [signature for signature in report.signatures if signature.field in fields]
    strangers = [
        signature
        for signature in report.signatures
        if signature.field not in fields and signature.verdict.indication is not Indication.PASSED
    ]
    for missing in fields - {signature.field for signature in ours}:
        raise ResultRefused(
            "The signature in field {field} is not found in the result; nothing was released.", field=missing
        )
    for signature in ours:
        _require_signature(signature, levels)
    for signature in strangers:
        if signature.verdict.indication is Indication.FAILED:
            raise _refused(signature.field, _reason(signature))
    if report.indication is Indication.FAILED or (report.indication is not Indication.PASSED and not strangers):
        raise _refused("–", "; ".join(report.reasons))


def _require_signature(signature: SignatureReport, levels: set[Level]) -> None:
    if signature.verdict.indication is not Indication.PASSED:
        raise _refused(signature.field, _reason(signature))
    if signature.level not in levels or signature.timestamp is None:
        level = signature.level.value if signature.level else "–"
        raise _refused(signature.field, f"level {level}, {' / '.join(sorted(levels))} needed")


def _reason(signature: SignatureReport) -> str:
    return "; ".join(str(reason) for reason in signature.verdict.reasons) or signature.verdict.indication.value


def _refused(field: str | None, why: str) -> ResultRefused:
    return ResultRefused(
        "The result does not pass our own verifier (field {field}: {why}); nothing was released.",
        field=field,
        why=why,
    )
