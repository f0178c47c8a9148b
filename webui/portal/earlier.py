"""What pages say of the signatures that a document carried before it came here."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.documents.earlier_signatures import EarlierSignature
from appliance.model.contract import Contract
from webui.portal.parts import PortalParts
from webui.shared.language import moment, translate


@dataclass(frozen=True, slots=True)
class EarlierLine:
    """One signature: who made it and when, whether it was verified here, and why not."""

    who: str
    outcome: str
    reasons: tuple[str, ...]
    verified: bool


def earlier_signature_lines(parts: PortalParts, contract: Contract) -> list[EarlierLine]:
    """In the order of the document; empty for most."""
    return [_line(each) for each in parts.appliance.earlier.signatures_of(contract.original.digest)]


def _line(signature: EarlierSignature) -> EarlierLine:
    say = translate()
    name = signature.signer or signature.field
    at = say("no time given") if signature.at is None else moment(signature.at)
    template = "Timestamp by {name}, {at}" if signature.document_timestamp else "Signed by {name}, {at}"
    return EarlierLine(
        who=say(template, name=name, at=at),
        outcome=say("verified; its issuer is trusted here")
        if signature.verified
        else say("could not be verified here"),
        reasons=tuple(reason.translated(say) for reason in signature.verdict.reasons),
        verified=signature.verified,
    )
