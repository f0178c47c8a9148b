"""Whether an act is authorised: by whom, by how many, in time, and for the first time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hsm import canonical
from hsm.activation.assertion import verify_assertion
from hsm.activation.pin import PinVerifier
from hsm.acts import Activation, OfficerAct, SigningIntent, WebAuthnActivation, instant
from hsm.config import ActivationSettings
from hsm.errors import ActivationRefused
from hsm.store import Credential, Store, Subject, SubjectKind


@dataclass(frozen=True, slots=True)
class Authorised:
    """An act whose nonce is used up, on disk: who activated it, and the weakest kind that they used."""

    by: tuple[str, ...]
    strength: str
    at: datetime


class Judge:
    """Reads and writes the authority's own store only; believes nothing that the caller says about people."""

    def __init__(
        self, store: Store, settings: ActivationSettings, pins: PinVerifier, now: Callable[[], datetime]
    ) -> None:
        """*now* is the authority's own time."""
        self._store = store
        self._settings = settings
        self._pins = pins
        self._now = now

    def authorise_signature(self, intent: SigningIntent, activations: Sequence[Activation]) -> Authorised:
        """Uses up *intent* for its signer. Raises :class:`ActivationRefused` or :class:`UnknownKey`.

        1. the intent is within its time;
        2. a person is activated by themselves alone; a seal by two persons of its organisation, of whom one is its
           custodian;
        3. each activation verifies against a credential of that person in the store, for this very intent;
        4. counters and codes move on and the nonce is used up, in one durable transaction.
        """
        signer = self._store.people.subject(intent.signer)
        subjects = self._subjects(activations)
        if signer.kind is SubjectKind.PERSON:
            _require([each.subject for each in subjects] == [signer.subject], _NOT_BY_SIGNER, signer.subject)
        elif signer.kind is SubjectKind.SEAL:
            self._require_seal(signer, subjects)
        else:
            raise ActivationRefused("{subject} signs no documents.", subject=signer.subject)
        return self._authorise(intent, activations)

    def authorise_officers(self, act: OfficerAct, activations: Sequence[Activation]) -> Authorised:
        """Uses up *act*, by as many officers as the settings require. Raises :class:`ActivationRefused`.

        The strong kind alone: whoever carries a PIN and a code could put another act in the place of the one that
        the officer wanted, and with it enrol themselves.
        """
        subjects = self._subjects(activations)
        if any(each.kind is not SubjectKind.OFFICER for each in subjects):
            raise ActivationRefused("Only officers may do this.")
        if len(subjects) < self._settings.officers_required:
            raise ActivationRefused(
                "This needs the activations of {count} different officers.",
                count=self._settings.officers_required,
            )
        if not all(isinstance(activation, WebAuthnActivation) for activation in activations):
            raise ActivationRefused(
                "Officers activate with an authenticator; a PIN and a code are bound to no act."
            )
        return self._authorise(act, activations)

    def _subjects(self, activations: Sequence[Activation]) -> list[Subject]:
        names = [activation.subject for activation in activations]
        if not names or len(set(names)) != len(names):
            raise ActivationRefused("This needs an activation, and each person's once.")
        return [self._store.people.subject(name) for name in names]

    def _require_seal(self, seal: Subject, subjects: Sequence[Subject]) -> None:
        custodians = self._store.people.custodians(seal.subject)
        fitting = (
            len(subjects) == 2
            and all(each.kind is SubjectKind.PERSON for each in subjects)
            and all(each.organisation == seal.organisation for each in subjects)
            and any(each.subject in custodians for each in subjects)
        )
        _require(fitting, _NOT_BY_CUSTODIAN, seal.subject)

    def _authorise(self, act: SigningIntent | OfficerAct, activations: Sequence[Activation]) -> Authorised:
        now = self._now()
        self._require_in_time(act.expires, now)
        challenge = act.challenge()
        advances = [self._verify(activation, challenge, now) for activation in activations]
        strong = all(isinstance(activation, WebAuthnActivation) for activation in activations)
        authorised = Authorised(
            by=tuple(activation.subject for activation in activations),
            strength="webauthn" if strong else "pin-totp",
            at=now,
        )
        with self._store.transaction():
            if not all(advance() for advance in advances):
                raise ActivationRefused("This credential was used for something else at the same moment.")
            self._store.acts.authorise(
                act.nonce,
                _record_of(act),
                activated_by=authorised.by,
                strength=authorised.strength,
                at=int(now.timestamp()),
            )
        return authorised

    def _require_in_time(self, expires: datetime, now: datetime) -> None:
        if expires <= now:
            raise ActivationRefused("The permission has expired. Begin again.")
        if expires > now + timedelta(minutes=self._settings.longest_minutes):
            raise ActivationRefused(
                "A permission may last {minutes} minutes at most.", minutes=self._settings.longest_minutes
            )

    def _verify(self, activation: Activation, challenge: bytes, now: datetime) -> Callable[[], bool]:
        """What must be written when the act is authorised, once *activation* has been found good."""
        people = self._store.people
        if isinstance(activation, WebAuthnActivation):
            credential = _known(people.webauthn(activation.subject, activation.credential_id), activation)
            counter = verify_assertion(
                activation,
                credential,
                challenge=challenge,
                rp_id=self._settings.rp_id,
                origins=self._settings.origins,
            )
            return lambda: people.advance_counter(credential, counter)
        pin = _known(people.pin_totp(activation.subject), activation)
        step = self._pins.verify(activation, pin, now=now)
        return lambda: people.accept_totp(pin, step)


def _record_of(act: SigningIntent | OfficerAct) -> str:
    """What is kept of an act for good: a signature whole; an officer's act by its hash, as it may hold secrets."""
    if isinstance(act, SigningIntent):
        return canonical.encode(act.fields()).decode()
    subject = act.details.get("subject")
    kept = {"act": act.kind, "challenge": act.challenge().hex(), "expires": instant(act.expires)}
    return canonical.encode({**kept, "subject": subject} if isinstance(subject, str) else kept).decode()


_NOT_BY_SIGNER = "A signature of {subject} needs the activation of that very person, and nobody else's."
_NOT_BY_CUSTODIAN = (
    "The seal {subject} needs two persons of its organisation: one of its custodians and the one who asks for it."
)


def _require(fitting: bool, template: str, subject: str) -> None:
    if not fitting:
        raise ActivationRefused(template, subject=subject)


def _known(credential: Credential | None, activation: Activation) -> Credential:
    if credential is None:
        raise ActivationRefused("{subject} has no such credential, or it was revoked.", subject=activation.subject)
    return credential
