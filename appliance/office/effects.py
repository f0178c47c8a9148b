"""What each kind of act does: asked of the authority, found done already, and recorded here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from cryptography import x509

from appliance.model.office import ActKind, PendingAct
from hsm.acts import OfficerAct
from hsm.client import AuthorityClient
from hsm.errors import UnknownKey


def ask(authority: AuthorityClient, act: OfficerAct) -> None:
    """Has the authority do *act*, which enough officers have approved."""
    operations: Mapping[str, Callable[..., object]] = {
        ActKind.ENROL_PERSON: authority.enrol_person,
        ActKind.ENROL_OFFICER: authority.enrol_officer,
        ActKind.ADD_CREDENTIAL: authority.add_credential,
        ActKind.ENROL_SEAL: authority.enrol_seal,
        ActKind.REVOKE_CREDENTIAL: authority.revoke_credential,
        ActKind.RETIRE: authority.retire,
    }
    operations[act.kind](act, [])


def is_done(authority: AuthorityClient, pending: PendingAct, act: OfficerAct) -> bool:
    """Whether the authority has done it before: we died between its yes and our record of it."""
    if pending.kind in (ActKind.ENROL_PERSON, ActKind.ENROL_SEAL):
        return certificate_of(authority, pending.subject) is not None
    known = authority.credentials(pending.subject)
    if pending.kind is ActKind.ENROL_OFFICER:
        return bool(known)
    if pending.kind is ActKind.ADD_CREDENTIAL:
        wanted = act.details["credential"].get("credential_id")
        if wanted is not None:
            return wanted in [each.credential_id.hex() for each in known if each.credential_id is not None]
        return any(each.credential_id is None and each.added >= pending.prepared for each in known)
    if pending.kind is ActKind.REVOKE_CREDENTIAL:
        left = ["pin-totp" if each.credential_id is None else each.credential_id.hex() for each in known]
        return pending.details["credential"] not in left
    return not known and _is_revoked(authority, pending.subject)


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
    lists = (x509.load_der_x509_crl(each) for each in authority.crls())
    return any(each.get_revoked_certificate_by_serial_number(serial) is not None for each in lists)


def lasts_beyond(act: PendingAct, now: datetime) -> bool:
    """Whether *act* can still be activated."""
    return act.expires > now
