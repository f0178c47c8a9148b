"""An officer's act in words, before it is activated: what will be true afterwards."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.model.office import OfficerDecision, OfficerDecisionKind
from appliance.model.people import SealKind
from hsm.errors import Sentence
from hsm.names import is_outside, is_pin_custodian

_SENTENCES = {
    OfficerDecisionKind.ENROL_PERSON: (
        "This will give {name} of {organisation} a key and a certificate to sign with."
    ),
    OfficerDecisionKind.ENROL_OFFICER: (
        "This will make {name} of {organisation} an officer, who registers people and seals."
    ),
    OfficerDecisionKind.ENROL_KEEPER: (
        "This makes {name}, an administrator, a keeper of the token's PIN: two keepers unlock the HSM together."
    ),
    OfficerDecisionKind.ADD_CREDENTIAL: "This will let {name} sign with one more credential.",
    OfficerDecisionKind.REVOKE_CREDENTIAL: "This will end a credential of {name} for good.",
    OfficerDecisionKind.RETIRE: (
        "This will end the account, every credential and every certificate of {name} for good."
    ),
}

_OUTSIDE = (
    "This will give {name} of {organisation}, an outside signer, a key and a certificate to sign with. Nobody from"
    " outside has a power in this house."
)

_KEEPER_AGAIN = (
    "From then on {name}, a keeper of the token's PIN, unlocks the HSM with the passkeys that root has confirmed"
    " now, and with none from before."
)

_SEALS = {
    SealKind.COMPANY: "This makes the company seal of {organisation}, {width} mm wide, kept by {custodians}.",
    SealKind.CONTRACT: "This makes the contract seal of {organisation}, {width} mm wide, kept by {custodians}.",
    SealKind.LEGAL_REPRESENTATIVE: (
        "This makes the legal representative's seal of {organisation}, {width} mm wide, kept by {custodians}."
    ),
    SealKind.FINANCE: "This makes the finance seal of {organisation}, {width} mm wide, kept by {custodians}.",
}


_CHANGES = {
    OfficerDecisionKind.RESUME_SEAL: "This lets the seal {seal} be used again.",
    OfficerDecisionKind.ADD_CUSTODIAN: "This makes {custodian} a custodian of the seal {seal}.",
    OfficerDecisionKind.REMOVE_CUSTODIAN: (
        "This takes the seal {seal} from {custodian} at once; what {custodian} has approved counts no more."
    ),
    OfficerDecisionKind.SET_CUSTODIANS_NEEDED: (
        "Custodians who approve each use of the seal {seal} from then on: {needed}."
    ),
    OfficerDecisionKind.CHANGE_PICTURE: "From then on the seal {seal} looks like the picture shown here.",
    OfficerDecisionKind.DESTROY_SEAL: (
        "This destroys the seal {seal} for good: its certificate is revoked, its key is deleted from the HSM."
        " What it has signed stays valid."
    ),
}


_SERVICES = {
    OfficerDecisionKind.ROTATE: (
        "This gives the service {service} a new key and certificate; the certificate {serial} before it stays"
        " valid until it ends."
    ),
    OfficerDecisionKind.REVOKE_CERTIFICATE: (
        "This revokes the certificate {serial} of the service {service} for good; the new revocation list says so"
        " at once."
    ),
}


def describe_decision(act: OfficerDecision, names: Mapping[str, str]) -> Sentence:
    """What *act* will do; *names* are those of the subjects in it."""
    details, notes = act.details, act.notes
    if act.kind in _SERVICES:
        return Sentence(_SERVICES[act.kind], {"service": act.subject, "serial": notes["serial"]})
    values = {
        "name": details.get("name") or names.get(act.subject, act.subject),
        "organisation": details.get("organisation", ""),
        "custodians": "、".join(names.get(each, each) for each in details.get("custodians", [])),
        "width": f"{notes.get('width_tenths_mm', 0) / 10:g}",
    }
    if act.kind in _CHANGES:
        custodian = str(details.get("custodian", ""))
        changed = {"custodian": names.get(custodian, custodian), "needed": details.get("needed", "")}
        return Sentence(_CHANGES[act.kind], {"seal": names.get(act.subject, act.subject), **changed})
    if is_pin_custodian(act.subject):
        return _of_keeper(act, values)
    if act.kind is OfficerDecisionKind.ENROL_PERSON and is_outside(act.subject):
        return Sentence(_OUTSIDE, values)
    sealing = act.kind is OfficerDecisionKind.ENROL_SEAL
    return Sentence(_SEALS[SealKind[notes["kind"]]] if sealing else _SENTENCES[act.kind], values)


def _of_keeper(act: OfficerDecision, values: Mapping[str, str]) -> Sentence:
    if act.kind is OfficerDecisionKind.ENROL_KEEPER:
        return Sentence(_KEEPER_AGAIN if act.notes.get("again") else _SENTENCES[act.kind], values)
    # An earlier release has prepared it: since then administrators end keepers by themselves.
    return Sentence("From then on {name} unlocks the HSM no more.", values)


def subjects_of_decision(act: OfficerDecision) -> list[str]:
    """Whose names :func:`describe_decision` wants."""
    return [act.subject, act.prepared_by, *act.approved_by, *act.details.get("custodians", []), *_custodian(act)]


def _custodian(act: OfficerDecision) -> list[str]:
    return [str(act.details["custodian"])] if "custodian" in act.details else []
