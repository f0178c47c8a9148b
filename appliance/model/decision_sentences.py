"""What an officers' intent will do, in one sentence made of its arguments alone: as the portal announces it and
the activation service shows it to be activated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.model.office import OfficerDecisionKind as Kind
from appliance.model.people import SealKind
from hsm.errors import Sentence
from hsm.names import is_outside, is_outside_seal, is_pin_custodian
from hsm.remote import RemoteUse

_SENTENCES = {
    Kind.ENROL_PERSON: ("This will give {name} of {organisation} a key and a certificate to sign with."),
    Kind.ENROL_OFFICER: ("This will make {name} of {organisation} an officer, who registers people and seals."),
    Kind.ADD_CREDENTIAL: ("This will let {name} sign with one more credential."),
    Kind.REVOKE_CREDENTIAL: ("This will end a credential of {name} for good."),
    Kind.RETIRE: ("This will end the account, every credential and every certificate of {name} for good."),
    Kind.ROTATE: (
        "This gives the service {service} a new key and certificate; the certificate before it stays valid until"
        " it ends."
    ),
    Kind.REVOKE_CERTIFICATE: (
        "This revokes the certificate {serial} of the service {service} for good; the new revocation list says so"
        " at once."
    ),
    Kind.ENROL_PIN_CUSTODIAN: (
        "This makes {name}, an administrator, a keeper of the token's PIN: two keepers unlock the HSM together."
    ),
    Kind.RESUME_SEAL: ("This lets the seal {seal} be used again."),
    Kind.ADD_CUSTODIAN: ("This makes {custodian} a custodian of the seal {seal}."),
    Kind.REMOVE_CUSTODIAN: (
        "This takes the seal {seal} from {custodian} at once; what {custodian} has approved counts no more."
    ),
    Kind.SET_CUSTODIANS_NEEDED: ("Custodians who approve each use of the seal {seal} from then on: {needed}."),
    Kind.CHANGE_PICTURE: ("From then on the seal {seal} looks like the picture shown here."),
    Kind.DESTROY_SEAL: (
        "This destroys the seal {seal} for good: its certificate is revoked, its key is deleted from the HSM."
        " What it has signed stays valid."
    ),
    Kind.CONFIRM_POWER: (
        "This confirms that {name} may sign for {grantor}, as the letter of attorney shown here says."
    ),
    Kind.APPROVE_ANCHOR: (
        "From then on outside signers of {organisation} may sign with certificates of the authority whose"
        " certificate"
        " has this SHA-256: {certificate}. Compare it with what {organisation} told you."
    ),
    Kind.ADD_REMOTE_KEY: (
        "This will give {name} a key with which other software can have documents signed, each confirmed by"
        " {name}."
    ),
}

_CALLED = (SealKind.PERSONNEL, SealKind.INVOICE, SealKind.DEPARTMENT, SealKind.BRANCH)
"""Kinds of which sentences say the name itself."""

_SEALS = {
    SealKind.COMPANY: "This makes the company seal of {organisation}, kept by {custodians}.",
    SealKind.CONTRACT: "This makes the contract seal of {organisation}, kept by {custodians}.",
    SealKind.LEGAL_REPRESENTATIVE: (
        "This makes the legal representative's seal of {organisation}, kept by {custodians}."
    ),
    SealKind.FINANCE: "This makes the finance seal of {organisation}, kept by {custodians}.",
    **dict.fromkeys(_CALLED, "This makes the seal “{called}” of {organisation}, kept by {custodians}."),
}

_DONE = {
    Kind.ENROL_PERSON: "{name} of {organisation} was given a key and a certificate to sign with.",
    Kind.ENROL_OFFICER: "{name} of {organisation} was made an officer, who registers people and seals.",
    Kind.ADD_CREDENTIAL: "{name} was given one more credential to sign with.",
    Kind.REVOKE_CREDENTIAL: "A credential of {name} was ended for good.",
    Kind.RETIRE: "The account, every credential and every certificate of {name} were ended for good.",
    Kind.ROTATE: "The service {service} was given a new key and certificate.",
    Kind.REVOKE_CERTIFICATE: "The certificate {serial} of the service {service} was revoked for good.",
    Kind.ENROL_PIN_CUSTODIAN: "{name} was made a keeper of the token's PIN.",
    Kind.RESUME_SEAL: "The seal {seal} was released for use again.",
    Kind.ADD_CUSTODIAN: "{custodian} was made a custodian of the seal {seal}.",
    Kind.REMOVE_CUSTODIAN: "The seal {seal} was taken from {custodian}.",
    Kind.SET_CUSTODIANS_NEEDED: "Custodians who approve each use of the seal {seal} were set to {needed}.",
    Kind.CHANGE_PICTURE: "The seal {seal} was given the picture shown here.",
    Kind.DESTROY_SEAL: "The seal {seal} was destroyed for good. What it has signed stays valid.",
    Kind.CONFIRM_POWER: "It was confirmed that {name} may sign for {grantor}.",
    Kind.APPROVE_ANCHOR: "The authority {certificate} was approved for outside signers of {organisation}.",
    Kind.ADD_REMOTE_KEY: "{name} was given a key for documents of other software.",
}
_SEALS_DONE = {
    SealKind.COMPANY: "The company seal of {organisation} was made, kept by {custodians}.",
    SealKind.CONTRACT: "The contract seal of {organisation} was made, kept by {custodians}.",
    SealKind.LEGAL_REPRESENTATIVE: (
        "The legal representative's seal of {organisation} was made, kept by {custodians}."
    ),
    SealKind.FINANCE: "The finance seal of {organisation} was made, kept by {custodians}.",
    **dict.fromkeys(_CALLED, "The seal “{called}” of {organisation} was made, kept by {custodians}."),
}
"""The same once it is done, as short: what it meant was read when it was activated."""

_NAMING = (Kind.ENROL_PERSON, Kind.ENROL_OFFICER, Kind.ENROL_PIN_CUSTODIAN)
"""Intents that say under which name somebody is enrolled; others are about somebody who has a name."""

_OUTSIDE = (
    "This will give {name} of {organisation}, an outside signer, a key and a certificate to sign with. Outside"
    " signers have no powers here."
)

_OUTSIDE_SEAL = (
    "This makes a seal ({called}) of {organisation}, another company, kept and released by {custodians} of that"
    " company alone. Officers vouch with this that the seal is that company's."
)
_OUTSIDE_SEAL_DONE = "A seal ({called}) of {organisation}, another company, was made, kept by {custodians}."

_ALL_CERTIFICATES = (
    "This revokes every certificate of {name} that is valid still, for good; the new revocation list says so at"
    " once."
)

_KEY_FOR_HASHES = (
    "This will give {name} a key that signs digests of documents which this appliance has not seen, for other"
    " software; {name} confirms each."
)

_DRAWN_PICTURE = "From then on the seal {seal} looks as the appliance draws it, without a picture of its own."

_PIN_CUSTODIAN_AGAIN = (
    "From then on {name}, a keeper of the token's PIN, unlocks the HSM with the passkeys that root has confirmed"
    " now, and with none from before."
)

_NO_PIN_CUSTODIAN = "From then on {name} unlocks the HSM no more."
"""Prepared by an earlier release: since then administrators end PIN custodians themselves."""


def describe_intent(
    kind: Kind,
    subject: str,
    details: Mapping[str, Any],
    names: Mapping[str, str],
    *,
    again: bool = False,
    done: bool = False,
) -> Sentence:
    """What an intent of *kind* about *subject* will do, or with *done* has done; *names* are those of the subjects
    in it. *again*: somebody is made a PIN custodian who was one before."""
    custodian, agent = str(details.get("custodian", "")), str(details.get("agent", subject))
    custodians = details.get("custodians", [])
    values = {
        "name": str(details["name"]) if kind in _NAMING else names.get(agent, agent),
        "grantor": details.get("grantor", ""),
        "organisation": details.get("organisation", ""),
        "custodians": "、".join(names.get(each, each) for each in custodians if isinstance(each, str)),
        "kind": details.get("kind", ""),
        "called": str(details.get("name", "")).removeprefix(str(details.get("organisation", ""))),
        "seal": names.get(subject, subject),
        "custodian": names.get(custodian, custodian),
        "needed": details.get("needed", ""),
        "service": subject,
        "serial": details.get("serial", ""),
        "certificate": _in_groups(str(details.get("certificate", ""))),
    }
    return Sentence(_template(kind, subject, details, again=again, done=done), values)


def _in_groups(digest: str) -> str:
    """Hexadecimal digits in groups of four, as people compare them."""
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def _template(kind: Kind, subject: str, details: Mapping[str, Any], *, again: bool, done: bool) -> str:
    if kind is Kind.ENROL_SEAL and is_outside_seal(subject):
        return _OUTSIDE_SEAL_DONE if done else _OUTSIDE_SEAL
    if kind is Kind.ENROL_SEAL:
        return (_SEALS_DONE if done else _SEALS)[SealKind(details["kind"])]
    if done:
        return _DONE[kind]
    special = {
        Kind.ENROL_PERSON: _OUTSIDE if is_outside(subject) else None,
        Kind.REVOKE_CERTIFICATE: None if "serial" in details else _ALL_CERTIFICATES,
        Kind.CHANGE_PICTURE: None if details.get("picture") else _DRAWN_PICTURE,
        Kind.ADD_REMOTE_KEY: _KEY_FOR_HASHES if details.get("use") == RemoteUse.HASH else None,
        Kind.ENROL_PIN_CUSTODIAN: _PIN_CUSTODIAN_AGAIN if again else None,
    }
    return special.get(kind, _NO_PIN_CUSTODIAN if is_pin_custodian(subject) else None) or _SENTENCES[kind]
