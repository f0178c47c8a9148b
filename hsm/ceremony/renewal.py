"""Renewing on the way: the root's CRL, a new issuing CA, new service keys; what was issued before goes on to hold.

A renewal is a ceremony too: the authority stands still, the PIN of the root's token is given, as many officers as
the settings demand have activated exactly this file, and the participants sign a transcript whose hash is kept.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from hsm import canonical
from hsm.authenticator import SoftwareAuthenticator
from hsm.ceremony.issuance import ROOT_CRL_LIFETIME, publish_chain
from hsm.ceremony.plan import ISSUING_CA, LOG_CERTIFICATE, REVOCATION, ROOT_LIST, Renewal, RenewalPlan
from hsm.ceremony.proceedings import CeremonyResult, alone, record
from hsm.ceremony.tokens import CeremonyPins, open_token
from hsm.ceremony.transcript import Transcript
from hsm.certificates import Issuer, Profile
from hsm.config import AuthoritySettings
from hsm.errors import ActivationRefused, CertificateRefused, ConfigurationRefused, Malformed
from hsm.intents import Activation, OfficerIntent, WebAuthnActivation, officer_intent_from_wire
from hsm.keys import private_key
from hsm.names import SubjectName, name_in
from hsm.operations.context import AuthorityContext, clock_of, open_context
from hsm.revocation import issue_crl, reason_of
from hsm.signer import SignatureAlgorithm
from hsm.store import CertificateRecord, CrlRecord, KeyRecord, Subject, SubjectKind
from hsm.store.registry import ISSUING, ROOT
from hsm.time_source import SharedTimes
from hsm.token import TokenConnection
from hsm.worker_messages import PinChange

_PROFILES = {"tsa": Profile.TSA, "evidence": Profile.EVIDENCE}
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
    transcript = Transcript(show)
    with alone(settings.home.single):
        SharedTimes.create(settings.home.clock)
        context = open_context(settings, PinChange(pins.user))
        root_token = open_token(settings, context.store, plan.root, pins.root)
        try:
            now = context.now()
            with context.store.transaction():
                officers = _authorised(context, plan, permission)
                renewing = Renewing(context, root_token, transcript, now=now)
                transcript.begin_renewal(plan, officers, now=now)
                for step in plan.renewals:
                    renewing.do(step)
                publish_chain(settings.home.trust, renewing.chain())
                transcript.end(plan.participants)
                return record(context, plan.name, transcript, now=now)
        finally:
            root_token.drop()
            context.close()


def _authorised(context: AuthorityContext, plan: RenewalPlan, permission: RenewalPermission) -> tuple[str, ...]:
    intent = permission.intent
    if intent.kind != ACT or dict(intent.details) != {"plan": plan.sha256.hex()}:
        raise ActivationRefused("What the officers activated is not the renewal in this file.")
    return context.authoriser.authorise_officers(intent, permission.activations).by


class Renewing:
    """Does the steps of one renewal, at one time. The root's token is opened at once."""

    def __init__(
        self, context: AuthorityContext, root_token: TokenConnection, transcript: Transcript, *, now: datetime
    ) -> None:
        self._context = context
        self._transcript = transcript
        self._now = now
        self._moment = int(now.timestamp())
        kept = context.store.registry.key(context.store.registry.certificate(ROOT).label)
        self._root = Issuer(context.certificate(ROOT), private_key(root_token, kept.label, kept.public_key), ROOT)

    def do(self, step: Renewal) -> None:
        """One step, in the caller's transaction."""
        if step.what == ROOT_LIST:
            self._root_list(step)
        elif step.what == ISSUING_CA:
            self._issuing(step)
        elif step.what == LOG_CERTIFICATE:
            self._log(step)
        elif step.what == REVOCATION:
            self._revoke(step)
        else:
            self._service(step)

    def chain(self) -> list[x509.Certificate]:
        """Every issuing CA, the one that issues now first, and the root."""
        found = [each.certificate for each in self._context.store.registry.authorities()]
        return [*found, self._root.certificate]

    def _root_list(self, step: Renewal) -> None:
        der = self._publish_crl(self._root, ROOT_CRL_LIFETIME)
        crl = x509.load_der_x509_crl(der)
        results = [("revoked", str(len(crl))), ("to be replaced by", f"{crl.next_update_utc:%Y-%m-%d}")]
        self._transcript.step("A fresh revocation list of the root", step.hands, results)

    def _issuing(self, step: Renewal) -> None:
        before = [name_in(each.certificate) for each in self._context.store.registry.authorities()]
        name = replace(before[0], common_name=step.common_name)
        if name.to_x509() in {each.to_x509() for each in before}:
            raise CertificateRefused(
                "A new issuing CA needs a new name; {name} is an earlier one's.", name=step.common_name
            )
        subject = f"{ISSUING}-{len(before) + 1}"
        people = Subject(subject, SubjectKind.SERVICE, name.common_name, name.organisation)
        self._context.store.people.add_subject(people, enrolled=self._moment)
        key = self._new_key(subject, step, like=self._context.certificate(self._context.store.registry.issuing()))
        self._keep(step, subject, self._certified(Profile.ISSUING, name, key, self._root), key)
        days = self._context.settings.certificates.crl_days
        self._publish_crl(self._context.issuer_named(subject), timedelta(days=days))

    def _service(self, step: Renewal) -> None:
        before = self._context.certificate(step.what)
        key = self._new_key(step.what, step, like=before)
        issuer = self._context.issuer()
        self._keep(step, step.what, self._certified(_PROFILES[step.what], name_in(before), key, issuer), key)

    def _log(self, step: Renewal) -> None:
        """The log's key is its identity (C2SP): it stays, and is certified anew."""
        before = self._context.store.registry.certificate("log")
        key = self._context.store.registry.key(before.label)
        certified = self._certified(Profile.LOG, name_in(before.certificate), key, self._context.issuer())
        self._keep(step, "log", certified, key)

    def _revoke(self, step: Renewal) -> None:
        reason_of(step.reason)
        registry = self._context.store.registry
        found = next((each for each in registry.authorities()[1:] if each.subject == step.subject), None)
        if found is None:
            raise CertificateRefused(
                "{subject} is no issuing CA that has a successor; make the successor first.", subject=step.subject
            )
        registry.revoke(found.certificate.serial_number, revoked=self._moment, reason=step.reason)
        results = [("serial number", found.serial), ("reason", step.reason)]
        self._transcript.step(f"{step.subject} is revoked", step.hands, results)
        self._publish_crl(self._root, ROOT_CRL_LIFETIME)

    def _new_key(self, subject: str, step: Renewal, *, like: x509.Certificate) -> KeyRecord:
        algorithm = step.algorithm or SignatureAlgorithm.from_public_key(like.public_key())
        return self._context.signers.make_key(subject, algorithm, made=self._moment)

    def _certified(self, profile: Profile, name: SubjectName, key: KeyRecord, issuer: Issuer) -> CertificateRecord:
        public_key: Any = load_der_public_key(key.public_key)
        certificate = self._context.rules().issue(profile, name, public_key, issuer=issuer, now=self._now)
        return CertificateRecord(key.subject, issuer.label, key.label, certificate)

    def _keep(self, step: Renewal, subject: str, made: CertificateRecord, key: KeyRecord) -> None:
        self._context.store.registry.add_certificate(made)
        certificate = made.certificate
        results = [
            ("algorithm", key.algorithm),
            ("label", key.label),
            ("attributes read back", key.attributes),
            ("public key, SHA-256", sha256(key.public_key).hexdigest()),
            ("subject", certificate.subject.rfc4514_string()),
            ("serial number", made.serial),
            ("valid until", certificate.not_valid_after_utc.isoformat()),
            ("certificate, SHA-256", certificate.fingerprint(hashes.SHA256()).hex()),
        ]
        what = "The same key" if step.what == LOG_CERTIFICATE else "A new key"
        self._transcript.step(f"{what} of {subject}, certified by {made.issuer}", step.hands, results)

    def _publish_crl(self, issuer: Issuer, lifetime: timedelta) -> bytes:
        registry = self._context.store.registry
        number = registry.last_crl_number(issuer.label) + 1
        revocations = registry.revocations(issuer.label)
        der = issue_crl(issuer, number=number, revocations=revocations, now=self._now, lifetime=lifetime)
        registry.add_crl(CrlRecord(issuer.label, number, der))
        return der


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
    """The intent and the assertions in files. Raises :class:`ConfigurationRefused` for what is none."""
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
