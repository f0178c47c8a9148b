"""Whether an act is authorised: by whom, by how many, in time, and for the first time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hsm import canonical
from hsm.activation.assertion import verify_assertion
from hsm.activation.pin import PinVerifier
from hsm.activation.rules import Rules
from hsm.acts import Activation, OfficerAct, SigningIntent, WebAuthnActivation, instant
from hsm.answers import Approvals
from hsm.config import ActivationSettings
from hsm.errors import ActivationRefused
from hsm.store import Approval, Credential, Store, SubjectKind

STRONG, WEAK = "webauthn", "pin-totp"


@dataclass(frozen=True, slots=True)
class Authorised:
    """An act whose nonce is used up, on disk: who activated it, and the weakest kind that they used."""

    by: tuple[str, ...]
    strength: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Verified:
    """An activation found good: ``advance`` writes its counter or code, False when another one was faster."""

    approval: Approval
    credential: int
    advance: Callable[[], bool]


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
        self._rules = Rules(store.people, store.seals, settings)

    def authorise_signature(self, intent: SigningIntent, activations: Sequence[Activation]) -> Authorised:
        """Uses up *intent* for its signer. Raises :class:`ActivationRefused` or :class:`UnknownKey`.

        1. the intent is within its time;
        2. who has activated it (now, or by an approval of this very intent that is remembered) is who may: the
           person alone; for a seal as many of its custodians as it takes, and one more person of its organisation;
        3. each activation verifies against a credential of that person in the store, for this very intent;
        4. all of that still holds at the moment that counts (a custodian may have been removed, a seal suspended):
           counters and codes move on and the nonce is used up, in one durable transaction.
        """
        return self._authorise(intent, activations)

    def authorise_officers(self, act: OfficerAct, activations: Sequence[Activation]) -> Authorised:
        """Uses up *act*, by as many officers as the settings require. Raises :class:`ActivationRefused`.

        The strong kind alone: whoever carries a PIN and a code could put another act in the place of the one that
        the officer wanted, and with it enrol themselves.
        """
        return self._authorise(act, activations)

    def approve(self, act: SigningIntent | OfficerAct, activation: Activation) -> Approvals:
        """Verifies one *activation* of *act* now and remembers it for the operation itself, durably.

        Raises :class:`ActivationRefused` for an act that was done or has expired, for who may not take part in it,
        for a second approval by the same person, and when another act was approved under this nonce.
        """
        now = self._now()
        self._require_in_time(act, now)
        self._store.acts.require_unused(act.nonce)
        self._rules.require_may_join(act, activation, [each.subject for each in self._remembered(act)])
        verified = self._verify(act, activation, now)
        with self._store.transaction():
            self._store.acts.require_unused(act.nonce)
            before = [each.subject for each in self._remembered(act)]
            self._rules.require_may_join(act, activation, before)
            self._advance([verified])
            self._store.approvals.add(
                act.nonce,
                verified.approval,
                credential=verified.credential,
                at=int(now.timestamp()),
                expires=int(act.expires.timestamp()),
            )
        given = (*before, activation.subject)
        return Approvals(given, self._rules.required(act, given))

    def approvals(self, act: SigningIntent | OfficerAct) -> Approvals:
        """Who has approved *act* and could still be counted, and how many must."""
        given = tuple(each.subject for each in self._remembered(act))
        return Approvals(given, self._rules.required(act, given))

    def _remembered(self, act: SigningIntent | OfficerAct) -> list[Approval]:
        """The approvals of exactly this *act*. Raises :class:`ActivationRefused` for another act's nonce."""
        found, challenge = self._store.approvals.of(act.nonce), act.challenge()
        if any(each.challenge != challenge for each in found):
            raise ActivationRefused("What was approved before is another act than this. Begin again.")
        return found

    def _authorise(self, act: SigningIntent | OfficerAct, activations: Sequence[Activation]) -> Authorised:
        now = self._now()
        self._store.acts.require_unused(act.nonce)  # before its counter or code is found to be old
        remembered = self._remembered(act)
        self._rules.require_fitting(act, activations, [each.subject for each in remembered])
        self._require_in_time(act, now)
        verified = [self._verify(act, activation, now) for activation in activations]
        everybody = [*remembered, *(each.approval for each in verified)]
        authorised = Authorised(
            by=tuple(each.subject for each in everybody),
            strength=STRONG if all(each.strength == STRONG for each in everybody) else WEAK,
            at=now,
        )
        with self._store.transaction():
            if self._remembered(act) != remembered:
                raise ActivationRefused("Somebody else approved this, or withdrew, at the same moment. Try again.")
            self._rules.require_fitting(act, activations, [each.subject for each in remembered])
            self._advance(verified)
            self._store.acts.authorise(
                act.nonce,
                _record_of(act),
                activated_by=authorised.by,
                strength=authorised.strength,
                at=int(now.timestamp()),
            )
        return authorised

    def _require_in_time(self, act: SigningIntent | OfficerAct, now: datetime) -> None:
        if act.expires <= now:
            raise ActivationRefused("The permission has expired. Begin again.")
        self._rules.require_short(act, act.expires - now)

    def _verify(self, act: SigningIntent | OfficerAct, activation: Activation, now: datetime) -> _Verified:
        """*activation*, and what must be written when it counts."""
        people, challenge = self._store.people, act.challenge()
        if isinstance(activation, WebAuthnActivation):
            credential = _known(people.webauthn(activation.subject, activation.credential_id), activation)
            rp_id, origins = self._party_of(activation.subject)
            counter = verify_assertion(activation, credential, challenge=challenge, rp_id=rp_id, origins=origins)
            approval = Approval(activation.subject, challenge, STRONG)
            return _Verified(approval, credential.number, lambda: people.advance_counter(credential, counter))
        pin = _known(people.pin_totp(activation.subject), activation)
        step = self._pins.verify(activation, pin, now=now)
        approval = Approval(activation.subject, challenge, WEAK)
        return _Verified(approval, pin.number, lambda: people.accept_totp(pin, step))

    def _party_of(self, subject: str) -> tuple[str, Sequence[str]]:
        """Relying party and origins: a page of the portal has no keeper's answer, one of the console no other."""
        if self._store.people.subject(subject).kind is SubjectKind.KEEPER:
            return self._settings.console_party, self._settings.console_origins
        return self._settings.rp_id, self._settings.origins

    def _advance(self, verified: Sequence[_Verified]) -> None:
        if not all(each.advance() for each in verified):
            raise ActivationRefused("This credential was used for something else at the same moment.")


def _record_of(act: SigningIntent | OfficerAct) -> str:
    """What is kept of an act for good: a signature whole; an officer's act by its hash, as it may hold secrets."""
    if isinstance(act, SigningIntent):
        return canonical.encode(act.fields()).decode()
    subject = act.details.get("subject")
    kept = {"act": act.kind, "challenge": act.challenge().hex(), "expires": instant(act.expires)}
    return canonical.encode({**kept, "subject": subject} if isinstance(subject, str) else kept).decode()


def _known(credential: Credential | None, activation: Activation) -> Credential:
    if credential is None:
        raise ActivationRefused("{subject} has no such credential, or it was revoked.", subject=activation.subject)
    return credential
