"""What each kind of act does: asked of the authority, found done already, and recorded here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from cryptography import x509

from appliance.model.office import SEAL_DECISIONS, OfficerDecision, OfficerDecisionKind
from hsm.answers import KnownCompanySeal
from hsm.client import AuthorityClient
from hsm.errors import UnknownKey
from hsm.intents import OfficerIntent


def perform_at_authority(authority: AuthorityClient, act: OfficerIntent) -> None:
    """Has the authority do *act*, which enough officers have approved."""
    operations: Mapping[str, Callable[..., object]] = {
        OfficerDecisionKind.ENROL_PERSON: authority.enrol_person,
        OfficerDecisionKind.ENROL_OFFICER: authority.enrol_officer,
        OfficerDecisionKind.ADD_CREDENTIAL: authority.add_credential,
        OfficerDecisionKind.ENROL_SEAL: authority.enrol_seal,
        OfficerDecisionKind.REVOKE_CREDENTIAL: authority.revoke_credential,
        OfficerDecisionKind.RETIRE: authority.retire,
        OfficerDecisionKind.RESUME_SEAL: authority.resume_seal,
        OfficerDecisionKind.ADD_CUSTODIAN: authority.add_custodian,
        OfficerDecisionKind.REMOVE_CUSTODIAN: authority.remove_custodian,
        OfficerDecisionKind.SET_CUSTODIANS_NEEDED: authority.set_custodians_needed,
        OfficerDecisionKind.CHANGE_PICTURE: authority.change_picture,
        OfficerDecisionKind.DESTROY_SEAL: authority.destroy_seal,
        OfficerDecisionKind.ROTATE: authority.rotate,
        OfficerDecisionKind.REVOKE_CERTIFICATE: authority.revoke_certificate,
        OfficerDecisionKind.ENROL_KEEPER: authority.enrol_pin_custodian,
    }
    operations[act.kind](act, [])


def is_done_at_authority(authority: AuthorityClient, pending: OfficerDecision, act: OfficerIntent) -> bool:
    """Whether the authority has done it before: we died between its yes and our record of it."""
    if pending.kind in (OfficerDecisionKind.ENROL_PERSON, OfficerDecisionKind.ENROL_SEAL):
        return certificate_of(authority, pending.subject) is not None
    if pending.kind in SEAL_DECISIONS:
        return _is_so(authority.seal(pending.subject), pending)
    if pending.kind is OfficerDecisionKind.ROTATE:
        return serial_of(authority, pending.subject) != str(pending.notes["serial"])
    if pending.kind is OfficerDecisionKind.REVOKE_CERTIFICATE:
        return is_on_a_list(authority, int(str(pending.details["serial"]), 16))
    return _is_so_of(authority, pending, act)


def serial_of(authority: AuthorityClient, subject: str) -> str:
    """The serial number (hex) of the certificate that *subject* has now."""
    return f"{x509.load_der_x509_certificate(authority.certificate(subject)).serial_number:x}"


def is_on_a_list(authority: AuthorityClient, serial: int) -> bool:
    """Whether a current revocation list has the certificate."""
    lists = (x509.load_der_x509_crl(each) for each in authority.crls())
    return any(each.get_revoked_certificate_by_serial_number(serial) is not None for each in lists)


def _is_so_of(authority: AuthorityClient, pending: OfficerDecision, act: OfficerIntent) -> bool:
    """The same for acts about the credentials of somebody."""
    known = authority.credentials(pending.subject)
    if pending.kind is OfficerDecisionKind.ENROL_OFFICER:
        return bool(known)
    if pending.kind is OfficerDecisionKind.ENROL_KEEPER:  # who was one before has others afterwards
        wanted = {each["credential_id"] for each in pending.details["credentials"]}
        return wanted == {each.credential_id.hex() for each in known if each.credential_id is not None}
    if pending.kind is OfficerDecisionKind.ADD_CREDENTIAL:
        wanted = act.details["credential"].get("credential_id")
        if wanted is not None:
            return wanted in [each.credential_id.hex() for each in known if each.credential_id is not None]
        return any(each.credential_id is None and each.added >= pending.prepared for each in known)
    if pending.kind is OfficerDecisionKind.REVOKE_CREDENTIAL:
        left = ["pin-totp" if each.credential_id is None else each.credential_id.hex() for each in known]
        return pending.details["credential"] not in left
    return not known and _is_revoked(authority, pending.subject)


def _is_so(seal: KnownCompanySeal, pending: OfficerDecision) -> bool:
    """Whether *seal* is already what the act would make of it."""
    details = pending.details
    holds = {
        OfficerDecisionKind.RESUME_SEAL: seal.suspended is None,
        OfficerDecisionKind.ADD_CUSTODIAN: details.get("custodian") in seal.custodians,
        OfficerDecisionKind.REMOVE_CUSTODIAN: details.get("custodian") not in seal.custodians,
        OfficerDecisionKind.SET_CUSTODIANS_NEEDED: details.get("needed") == seal.needed,
        OfficerDecisionKind.CHANGE_PICTURE: details.get("picture") == (seal.picture or ""),
        OfficerDecisionKind.DESTROY_SEAL: seal.destroyed is not None and not seal.keys_left,
    }
    return holds[pending.kind]


def certificate_of(authority: AuthorityClient, subject: str) -> bytes | None:
    """The certificate (DER) of *subject* at the authority, or None."""
    try:
        return authority.certificate(subject)
    except UnknownKey:
        return None


def _is_revoked(authority: AuthorityClient, subject: str) -> bool:
    """Whether *subject* has no certificate that still counts."""
    der = certificate_of(authority, subject)
    if der is None:
        return True
    serial = x509.load_der_x509_certificate(der).serial_number
    return is_on_a_list(authority, serial)


def lasts_beyond(act: OfficerDecision, now: datetime) -> bool:
    """Whether *act* can still be activated."""
    return act.expires > now
