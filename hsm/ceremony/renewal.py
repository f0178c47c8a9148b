"""Renewal of the root's CRL, the issuing CA and service keys; what was issued before stays valid.

A renewal is a ceremony too: the authority is stopped, the PIN of the root's token is given, as many officers as
the settings require have activated exactly this file, and the participants sign a transcript whose hash is stored.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509

from hsm import canonical
from hsm.authenticator import SoftwareAuthenticator
from hsm.ceremony.context import CeremonyContext, CeremonyPins, CeremonyResult, ceremony_context, opened_token
from hsm.ceremony.issuance import CeremonyIssuance
from hsm.ceremony.plan import LOG_CERTIFICATE, REVOCATION, ROOT_LIST, Renewal, RenewalPlan
from hsm.certificates import Issuer, Profile
from hsm.config import AuthoritySettings
from hsm.errors import ActivationRefused, CertificateRefused, ConfigurationRefused, Malformed
from hsm.intents import Activation, OfficerIntent, WebAuthnActivation, officer_intent_from_wire
from hsm.names import SubjectName, name_in
from hsm.operations.context import AuthorityContext, clock_of
from hsm.revocation import reason_of
from hsm.signer import SignatureAlgorithm
from hsm.store import KeyRecord
from hsm.store.registry import ISSUING
from hsm.vouching import EVENTS

_PROFILES = {"tsa": Profile.TSA, "evidence": Profile.EVIDENCE}
_CAS = {ISSUING: Profile.ISSUING, EVENTS: Profile.EVENTS}
ACT = "renew"
"""The officers' intent; its detail ``plan`` is the file's SHA-256 in hex."""


@dataclass(frozen=True, slots=True)
class RenewalPermission:
    """What officers activated, and how."""

    intent: OfficerIntent
    activations: Sequence[Activation]


def hold_renewal(
    settings: AuthoritySettings,
    plan: RenewalPlan,
    permission: RenewalPermission,
    *,
    pins: CeremonyPins,
    show: Callable[[str], None],
) -> CeremonyResult:
    """Does what *plan* says, all of it or nothing, showing each line of its transcript.

    1. nobody else serves this home; the clock is proven;
    2. the intent is about exactly this file, and as many officers as the settings demand activated it;
    3. the root's token opens with its PIN, even where the root signs nothing today;
    4. the steps, the transcript's hash and the officers' intent are one durable transaction.

    Raises :class:`ActivationRefused`, :class:`CertificateRefused`, :class:`ConfigurationRefused` while the daemon
    runs, :class:`hsm.errors.TimeNotAvailable`, and what the token connection raises.
    """
    with (
        ceremony_context(settings, pins.user, show) as ceremony,
        opened_token(ceremony.context, plan.root, pins.root.pin) as root_token,
        ceremony.context.store.transaction(),
    ):
        officers = _authorised(ceremony.context, plan, permission)
        heading = (
            f"Renewal: {plan.name}",
            f"Purpose: {plan.purpose}",
            ceremony.held_at(),
            f"SHA-256 of the file: {plan.sha256.hex()}",
            f"Activated by: {', '.join(officers)}",
        )
        ceremony.transcript.begin(heading, plan.participants)
        issuance = CeremonyIssuance(ceremony, root_token)
        renewing = Renewing(ceremony, issuance)
        for step in plan.renewals:
            renewing.do(step)
        issuance.publish_chain()
        return ceremony.end(plan.name, plan.participants)


def _authorised(context: AuthorityContext, plan: RenewalPlan, permission: RenewalPermission) -> tuple[str, ...]:
    intent = permission.intent
    if intent.kind != ACT or dict(intent.details) != {"plan": plan.sha256.hex()}:
        raise ActivationRefused("What the officers activated is not the renewal in this file.")
    return context.authoriser.authorise(intent, permission.activations).by


class Renewing:
    """Does the steps of one renewal, at one time."""

    def __init__(self, ceremony: CeremonyContext, issuance: CeremonyIssuance) -> None:
        self._context = ceremony.context
        self._transcript = ceremony.transcript
        self._moment = int(ceremony.now.timestamp())
        self._issuance = issuance

    def do(self, step: Renewal) -> None:
        """One step, in the caller's transaction."""
        steps = {
            ROOT_LIST: self._root_list,
            ISSUING: self._issuing,
            EVENTS: self._issuing,
            LOG_CERTIFICATE: self._log,
            REVOCATION: self._revoke,
        }
        steps.get(step.what, self._service)(step)

    def _root_list(self, step: Renewal) -> None:
        crl = x509.load_der_x509_crl(self._issuance.publish_root_crl())
        results = [("revoked", str(len(crl))), ("to be replaced by", f"{crl.next_update_utc:%Y-%m-%d}")]
        self._transcript.step("A fresh revocation list of the root", step.hands, results)

    def _issuing(self, step: Renewal) -> None:
        registry = self._context.store.registry
        known = [name_in(each.certificate) for each in registry.authorities()]
        name = replace(known[0], common_name=step.common_name)
        if name.to_x509() in {each.to_x509() for each in known}:
            raise CertificateRefused(
                "A new issuing CA needs a new name; {name} is an earlier one's.", name=step.common_name
            )
        before = registry.line(step.what)
        subject = f"{step.what}-{len(before) + 1}" if before else step.what
        self._issuance.add_service(subject, name)
        key = self._new_key(subject, step, like=self._context.certificate(registry.issuing()))
        self._certify(_CAS[step.what], name, key, self._issuance.root, step)
        self._issuance.publish_issuing_crl(subject)

    def _service(self, step: Renewal) -> None:
        before = self._context.certificate(step.what)
        key = self._new_key(step.what, step, like=before)
        self._certify(_PROFILES[step.what], name_in(before), key, self._context.issuer(), step)

    def _log(self, step: Renewal) -> None:
        """The log's key is its identity (C2SP): it stays, and is certified anew."""
        before = self._context.store.registry.certificate("log")
        key = self._context.store.registry.key(before.label)
        self._certify(Profile.LOG, name_in(before.certificate), key, self._context.issuer(), step)

    def _revoke(self, step: Renewal) -> None:
        reason_of(step.reason)
        registry = self._context.store.registry
        succeeded = [each for first in (ISSUING, EVENTS) for each in registry.line(first)[1:]]
        found = next((each for each in succeeded if each.subject == step.subject), None)
        if found is None:
            raise CertificateRefused(
                "{subject} is no issuing CA that has a successor; make the successor first.", subject=step.subject
            )
        registry.revoke(found.certificate.serial_number, revoked=self._moment, reason=step.reason)
        results = [("serial number", found.serial), ("reason", step.reason)]
        self._transcript.step(f"{step.subject} is revoked", step.hands, results)
        self._issuance.publish_root_crl()

    def _new_key(self, subject: str, step: Renewal, *, like: x509.Certificate) -> KeyRecord:
        algorithm = step.algorithm or SignatureAlgorithm.from_public_key(like.public_key())
        return self._issuance.make_key(subject, algorithm)

    def _certify(self, profile: Profile, name: SubjectName, key: KeyRecord, issuer: Issuer, step: Renewal) -> None:
        what = "The same key" if step.what == LOG_CERTIFICATE else "A new key"
        self._issuance.certify(profile, name, key, issuer, hands=step.hands, what=what)


_PARTS = ("credential_id", "client_data", "authenticator_data", "signature")


def intent_for(plan: RenewalPlan, settings: AuthoritySettings) -> OfficerIntent:
    """The intent that officers activate for *plan*, good for as long as the settings allow from now."""
    wall = datetime.fromtimestamp(clock_of(settings.time).read_clock().wall // 1_000_000, UTC)
    expires = wall + timedelta(minutes=settings.activation.longest_minutes)
    return OfficerIntent(ACT, {"plan": plan.sha256.hex()}, expires, secrets.token_bytes(16))


def encode_intent(intent: OfficerIntent) -> bytes:
    """The intent as canonical JSON; the SHA-256 of these bytes is the WebAuthn challenge."""
    return canonical.encode(intent.fields())


def read_permission(intent: Path, activations: Sequence[Path]) -> RenewalPermission:
    """The intent and the assertions in files. Raises :class:`ConfigurationRefused` for invalid files."""
    try:
        permitted = officer_intent_from_wire(canonical.decode(intent.read_bytes()), ACT)
    except (OSError, Malformed) as error:
        raise ConfigurationRefused("{path} holds no act of a renewal.", path=intent) from error
    return RenewalPermission(permitted, [_activation(each) for each in activations])


def in_software(plan: RenewalPlan, settings: AuthoritySettings, subjects: Sequence[str]) -> RenewalPermission:
    """Activations by authenticators in software, in the home's ``people/``; for development only."""
    intent, people, given = intent_for(plan, settings), settings.home.root / "people", []
    for subject in subjects:
        path = people / f"{Path(subject).name}.json"
        if not path.exists():
            raise ConfigurationRefused("{subject} has no authenticator in software here.", subject=subject)
        authenticator = SoftwareAuthenticator.load(path)
        given.append(authenticator.activate(subject, intent))
        authenticator.save(path)  # its counter has moved
    return RenewalPermission(intent, given)


def _activation(path: Path) -> WebAuthnActivation:
    """An assertion: JSON with ``subject``, and the rest in base64url (WebAuthn Level 3, section 5.2.2)."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        parts = {name: _decoded(value[name]) for name in _PARTS}
        return WebAuthnActivation(subject=str(value["subject"]), **parts)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise ConfigurationRefused("{path} holds no assertion of an officer.", path=path) from error


def _decoded(text: Any) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
