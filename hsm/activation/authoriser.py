"""Decides whether an intent is authorised: by the right people, by enough of them, in time, and only once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hsm import canonical
from hsm.activation.credentials import PinVerifier, verify_assertion
from hsm.activation.rules import UNLOCK, ActivationRules
from hsm.batches import FEWEST_MEMBERS, MEMBER, BatchMembership, SigningBatch
from hsm.config import MOST_SEAL_HOURS, ActivationSettings
from hsm.errors import ActivationRefused, ActivationUsed, AuthorityError, ConsistencyRefused, NotPermitted
from hsm.intents import (
    Activation,
    Challenging,
    Intent,
    OfficerIntent,
    SigningIntent,
    WebAuthnActivation,
    instant,
    require_own_arguments,
)
from hsm.operation_types import Approvals
from hsm.remote import SIGN_REMOTELY
from hsm.store import Approval, AuthorityStore, Credential, SubjectKind

STRONG, WEAK = "webauthn", "pin-totp"


@dataclass(frozen=True, slots=True)
class AuthorisedIntent:
    """An intent whose nonce is used up, on disk; who activated it, and the weakest kind of activation among
    them."""

    by: tuple[str, ...]
    strength: str
    at: datetime

    @property
    def moment(self) -> int:
        """When, in Unix seconds."""
        return int(self.at.timestamp())


@dataclass(frozen=True, slots=True)
class _Verified:
    """An activation found good: ``advance`` writes its counter or code, False when another one was faster."""

    approval: Approval
    credential: int
    advance: Callable[[], bool]


class IntentAuthoriser:
    """Reads and writes the authority's own store only; trusts nothing that the caller says about people."""

    def __init__(
        self, store: AuthorityStore, settings: ActivationSettings, pins: PinVerifier, now: Callable[[], datetime]
    ) -> None:
        """*now* is the authority's own time."""
        self._store = store
        self._settings = settings
        self._pins = pins
        self._now = now
        self._rules = ActivationRules(
            store.people, store.seals, store.vouchings, settings, store.ceremonies.officers_required
        )

    def authorise(self, intent: Intent, activations: Sequence[Activation] = ()) -> AuthorisedIntent:
        """Uses up *intent* for its signer, or by officers. Raises :class:`ActivationRefused`,
        :class:`UnknownKey`, or :class:`BadRequest` for an officers' intent with other arguments than its own.

        1. the intent is within its time;
        2. who has activated it (now, or by an approval of this very intent that is remembered) is who may: the
           person alone; for a seal as many of its custodians as it takes, and one more person of its organisation;
           for an officers' intent as many officers as the settings require, by the strong kind alone: whoever
           carries a PIN and a code could put another intent in the place of the one that the officer wanted, and
           with it enrol themselves;
        3. each activation verifies against a credential of that person in the store, for this very intent, and is
           of the strong kind where the intent says so; what was approved in a batch was a member of it, by its
           audit path;
        4. all of that still holds at the moment that counts (a custodian may have been removed, a seal suspended):
           counters and codes move on and the nonce is used up, in one durable transaction.
        """
        now = self._now()
        self._store.intents.require_open(intent.nonce)  # before its counter or code is found to be old
        remembered = self._remembered(intent)
        self._rules.require_fitting(intent, activations, [each.subject for each in remembered])
        self._require_in_time(intent, now)
        require_own_arguments(intent)
        verified = [self._verify(intent, activation, now) for activation in activations]
        authorised = _authorised([*remembered, *(each.approval for each in verified)], at=now)
        with self._store.transaction():
            self._store.intents.require_open(intent.nonce)
            if self._remembered(intent) != remembered:
                raise ActivationRefused("Somebody else approved this, or withdrew, at the same moment. Try again.")
            # of these very approvals: the same person may have given another alone
            together = self._together(intent, [each.subject for each in remembered])
            self._rules.require_fitting(intent, activations, [each.subject for each in remembered])
            self._advance(verified)
            self._store.intents.authorise(
                intent.nonce,
                _record_of(intent, together),
                activated_by=authorised.by,
                strength=authorised.strength,
                at=int(now.timestamp()),
            )
        return authorised

    def approve(self, intent: Intent, activation: Activation) -> Approvals:
        """Verifies one *activation* of *intent* now and stores it durably; the operation counts it later.

        Raises :class:`ActivationRefused` when the intent was used, was withdrawn or has expired, when this person
        may not take part in it or has already approved it, and when another intent was approved under its nonce;
        :class:`BadRequest` for an officers' intent of no kind that there is, or with other arguments than its own.
        """
        now = self._now()
        self._require_in_time(intent, now)
        self._require_open(intent, activation)
        verified = self._verify(intent, activation, now)
        require_own_arguments(intent)
        with self._store.transaction():
            before = self._require_open(intent, activation)
            self._advance([verified])
            self._add_approval(intent, verified, now)
        given = (*before, activation.subject)
        return Approvals(given, self._rules.required(intent, given))

    def batch_limit(self) -> int:
        """How many intents may be activated at once; 0 where each needs an activation of its own."""
        limit = self._settings.batch_limit
        return limit if limit >= FEWEST_MEMBERS else 0

    def approve_batch(self, intents: Sequence[SigningIntent], activation: Activation) -> None:
        """Verifies one *activation* of all *intents*, and stores an approval of each, as if it came alone, or
        of none.

        1. there are no more than the settings allow, none twice, and the activation is a passkey's: a PIN and a
           code are bound to no document, so they would stand for any number;
        2. each is within its time and unused, and this person may join those who have approved it: the rules of
           :meth:`approve`, for each. Of a person's own signature nobody else may; the use of a company seal takes
           as many people as it takes alone, each of whom approves it for themselves;
        3. the assertion verifies once, for the hash of the batch, whose root is computed here;
        4. all of that still holds in the durable transaction that stores the approvals with their audit paths.

        Raises what :meth:`approve` raises; a refusal about one member names its place among the values, as
        :data:`MEMBER`. Raises :class:`BadRequest` for what is no batch.
        """
        self._require_allowed(intents, activation)
        batch, now = SigningBatch(tuple(intents)), self._now()
        for number, intent in enumerate(batch.members, 1):
            with _about(number):
                self._require_in_time(intent, now)
                self._require_open(intent, activation)
        verified = self._verify(batch, activation, now)
        with self._store.transaction():
            for number, intent in enumerate(batch.members, 1):
                with _about(number):
                    self._require_open(intent, activation)
            self._advance([verified])
            for intent, membership in zip(batch.members, batch.memberships(), strict=True):
                self._add_approval(intent, verified, now)
                self._store.approvals.add_membership(intent.nonce, activation.subject, membership)

    def _add_approval(self, intent: Intent, verified: _Verified, now: datetime) -> None:
        """Remembers that *intent* was approved, in the caller's transaction. What the same person gave before
        and what counts no more (by a credential that was revoked since) would stand in the way."""
        approvals, at = self._store.approvals, int(now.timestamp())
        approvals.take_back(intent.nonce, verified.approval.subject, at=at)
        approval = replace(verified.approval, challenge=intent.challenge())
        expires = int(intent.expires.timestamp())
        approvals.add_approval(intent.nonce, approval, credential=verified.credential, at=at, expires=expires)

    def approve_unlock(self, intent: Intent, activation: Activation) -> Approvals:
        """As :meth:`approve`, for what the console may be given an activation of."""
        if not isinstance(intent, OfficerIntent) or intent.kind != UNLOCK:
            raise NotPermitted("The console takes activations of an unlock alone.")
        return self.approve(intent, activation)

    def withdraw(self, intent: Intent) -> None:
        """Ends *intent*: nobody approves or uses its nonce any more. Once more, it changes nothing.

        Whoever asks may do it, as stopping must always be possible. Raises :class:`ActivationUsed` for one that
        was used, :class:`ActivationRefused` for one that nothing may last as long as: its row would stay as long.
        """
        now = self._now()
        if intent.expires - now > timedelta(hours=MOST_SEAL_HOURS):
            raise ActivationRefused(
                "No permission lasts longer than {hours} hours, so there is nothing to withdraw.",
                hours=MOST_SEAL_HOURS,
            )
        expires, moment = int(intent.expires.timestamp()), int(now.timestamp())
        with self._store.transaction():
            self._require_not_done(intent)
            self._store.intents.withdraw(intent.nonce, expires=expires, now=moment)

    def take_back_approval(self, intent: Intent, subject: str) -> None:
        """Ends the approval that *subject* gave to *intent*, if there is one. Raises as :meth:`withdraw`."""
        now = int(self._now().timestamp())
        with self._store.transaction():
            self._require_not_done(intent)
            self._store.approvals.take_back(intent.nonce, subject, at=now)

    def _require_not_done(self, intent: Intent) -> None:
        if self._store.intents.is_used(intent.nonce):
            raise ActivationUsed("This was done already, so it cannot be taken back.")

    def approvals(self, intent: Intent) -> Approvals:
        """Whose approvals of *intent* still count, and how many it needs."""
        given = tuple(each.subject for each in self._remembered(intent))
        return Approvals(given, self._rules.required(intent, given), self._together(intent, given))

    def _remembered(self, intent: Intent) -> list[Approval]:
        """The approvals of exactly this *intent*. Raises :class:`ActivationRefused` for another intent's nonce."""
        signer = intent.signer if isinstance(intent, SigningIntent) else ""
        found, challenge = self._store.approvals.for_nonce(intent.nonce, signer), intent.challenge()
        if any(each.challenge != challenge for each in found):
            raise ActivationRefused("What was approved before is another act than this. Begin again.")
        return found

    def _together(self, intent: Intent, given: Sequence[str]) -> dict[str, BatchMembership]:
        """In which batch each of those who have *given* an approval of *intent* gave it; who approved it alone is
        not there. Raises :class:`ActivationRefused` when what is stored does not prove that it was in it."""
        found = {
            subject: each
            for subject, each in self._store.approvals.memberships(intent.nonce).items()
            if subject in given
        }
        try:
            for membership in found.values():
                membership.require(intent.challenge())
        except ConsistencyRefused as error:
            raise ActivationRefused(
                "This was not among the documents that were confirmed together. Begin again."
            ) from error
        return found

    def _require_open(self, intent: Intent, activation: Activation) -> list[str]:
        """Requires that *intent* was neither used nor withdrawn, and that this person may join those who have
        approved it, who are returned."""
        self._store.intents.require_open(intent.nonce)
        before = [each.subject for each in self._remembered(intent)]
        self._rules.require_may_join(intent, activation, before)
        return before

    def _require_in_time(self, intent: Intent, now: datetime) -> None:
        if intent.expires <= now:
            raise ActivationRefused("The permission has expired. Begin again.")
        self._rules.require_short(intent, intent.expires - now)

    def _verify(self, act: Challenging, activation: Activation, now: datetime) -> _Verified:
        """*activation* of *act*, and what must be written when it counts."""
        people, challenge = self._store.people, act.challenge()
        if isinstance(activation, WebAuthnActivation):
            credential = _known(people.webauthn(activation.subject, activation.credential_id), activation)
            rp_id, origins = self._party_of(activation.subject)
            counter = verify_assertion(
                activation,
                credential.public_key or b"",
                challenge=challenge,
                rp_id=rp_id,
                origins=origins,
                counter=credential.sign_count,
            )
            approval = Approval(activation.subject, challenge, STRONG)
            return _Verified(approval, credential.number, lambda: people.advance_counter(credential, counter))
        if not self._settings.pin_totp:
            raise ActivationRefused("PIN and code are not taken here; set up a passkey.")
        if isinstance(act, SigningIntent) and act.passkey_only:  # before a code is used up
            raise ActivationRefused(
                "This is confirmed with a passkey only; set one up in the portal, then confirm again."
            )
        pin = _known(people.pin_totp(activation.subject), activation)
        step = self._pins.verify(activation, pin, now=now)
        approval = Approval(activation.subject, challenge, WEAK)
        return _Verified(approval, pin.number, lambda: people.accept_totp(pin, step))

    def _party_of(self, subject: str) -> tuple[str, Sequence[str]]:
        """Relying party and origins: PIN custodians answer on the console, everybody else on the pages of the
        activation service."""
        if self._store.people.subject(subject).kind is SubjectKind.PIN_CUSTODIAN:
            return self._settings.console_party, self._settings.console_origins
        return self._settings.rp_id, self._settings.origins

    def _advance(self, verified: Sequence[_Verified]) -> None:
        if not all(each.advance() for each in verified):
            raise ActivationRefused("This credential was used for something else at the same moment.")

    def _require_allowed(self, intents: Sequence[SigningIntent], activation: Activation) -> None:
        limit = self.batch_limit()
        if not limit:
            raise ActivationRefused("Each document is confirmed on its own here.")
        if len(intents) > limit:
            raise ActivationRefused("At most {limit} documents can be confirmed at once.", limit=limit)
        if not isinstance(activation, WebAuthnActivation):
            raise ActivationRefused(
                "Several documents at once are confirmed with a passkey; PIN and code are bound to none of them."
            )


def _authorised(approvals: Sequence[Approval], *, at: datetime) -> AuthorisedIntent:
    """By the people of all *approvals*, and as strong as the weakest of these."""
    strength = STRONG if all(each.strength == STRONG for each in approvals) else WEAK
    return AuthorisedIntent(tuple(each.subject for each in approvals), strength, at)


def _record_of(intent: Intent, together: Mapping[str, BatchMembership]) -> str:
    """What is kept of an intent for good: a signature whole, and in which batch it was activated; of a seal's use,
    who approved it *together* with others; what was signed for other software whole as well; an officer's intent
    by its hash, as it may hold secrets."""
    if isinstance(intent, SigningIntent):
        of_seal = {subject: each.fields() for subject, each in together.items()}
        own = of_seal.pop(intent.signer, None)
        said = {"batch": own, "batches": of_seal}
        return canonical.encode(intent.fields() | {name: each for name, each in said.items() if each}).decode()
    if intent.kind == SIGN_REMOTELY:
        return canonical.encode(intent.fields()).decode()
    subject = intent.details.get("subject")
    kept = {"act": intent.kind, "challenge": intent.challenge().hex(), "expires": instant(intent.expires)}
    return canonical.encode({**kept, "subject": subject} if isinstance(subject, str) else kept).decode()


def _known(credential: Credential | None, activation: Activation) -> Credential:
    if credential is None:
        raise ActivationRefused("{subject} has no such credential, or it was revoked.", subject=activation.subject)
    return credential


@contextmanager
def _about(number: int) -> Iterator[None]:
    """A refusal says which member it is about."""
    try:
        yield
    except AuthorityError as refusal:
        raise type(refusal)(refusal.template, **{**refusal.values, MEMBER: number}) from refusal
