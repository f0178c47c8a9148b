"""Who may activate an intent, and how many people it needs: answered from the authority's own store, never by the
caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from hsm.config import ActivationSettings
from hsm.errors import ActivationRefused, UnknownKey
from hsm.intents import (
    ASKED_BY_PARTNER_HOURS,
    ASKED_ELSEWHERE_HOURS,
    Activation,
    Intent,
    OfficerIntent,
    SigningIntent,
    WebAuthnActivation,
)
from hsm.names import is_outside_seal, same_name
from hsm.powers import CONFIRM_POWER
from hsm.records import AGREEMENT
from hsm.remote import SIGN_REMOTELY, remote_signing_in
from hsm.store import CompanySealStore, Subject, SubjectKind
from hsm.store.people import SubjectStore
from hsm.store.vouchings import VouchingStore
from hsm.vouching import VOUCH

_BY_ONE = frozenset({"remove_custodian", VOUCH, SIGN_REMOTELY})
"""What one officer does alone, whatever the settings: it only takes power away, and may not have to wait. And by
what one person of the house vouches, or signs for other software."""

_ASKED_ELSEWHERE = frozenset({"enrol_keeper", "retire", "rotate", "revoke_certificate"})
"""What administrators ask for in their console and officers activate in the portal: people who need not meet."""

UNLOCK, PIN_CUSTODIANS = "unlock", 2

_NOT_BY_SIGNER = "A signature of {subject} needs the activation of that very person, and nobody else's."
_NOT_BY_CUSTODIAN = (
    "The seal {subject} needs two persons of its organisation: one of its custodians and the one who asks for it."
)
_NOT_BY_CUSTODIANS = (
    "The seal {subject} needs three persons of its organisation: two of its custodians, and the one who asks."
)
_NOT_BY_OUTSIDE = (
    "The seal {subject} of another company is released by outside signers of that company alone: by as many"
    " of its custodians as {count}, and by whoever of them asks for it."
)


class ActivationRules:
    """The rules over one store. Each ``require_…`` raises :class:`ActivationRefused` or :class:`UnknownKey`."""

    def __init__(
        self,
        people: SubjectStore,
        seals: CompanySealStore,
        vouchings: VouchingStore,
        settings: ActivationSettings,
        officers_of_ceremony: Callable[[], int],
    ) -> None:
        """*officers_of_ceremony*: how many officers a decision takes at least, whatever the settings say."""
        self._people = people
        self._seals = seals
        self._vouchings = vouchings
        self._settings = settings
        self._officers_of_ceremony = officers_of_ceremony

    def required(self, intent: Intent, approved: Sequence[str] = ()) -> int:
        """How many different people *intent* needs, all of the kind of those who have *approved* it."""
        if isinstance(intent, OfficerIntent):
            if intent.kind == UNLOCK and any(self._is_pin_custodian(each) for each in approved):
                return PIN_CUSTODIANS
            if intent.kind in _BY_ONE:
                return 1
            return max(self._settings.officers_required, self._officers_of_ceremony())
        signer = self._signer(intent)
        if signer.kind is SubjectKind.OUTSIDE_SEAL:
            custodians = self._people.custodians(signer.subject)
            return self._custodians_needed(intent) + any(each not in custodians for each in approved)
        return 1 + self._custodians_needed(intent) if signer.kind is SubjectKind.SEAL else 1

    def require_short(self, intent: Intent, left: timedelta) -> None:
        """Requires that the time *left* for *intent* is within the allowed maximum.

        The maximum is hours for seals and for what administrators or other companies ask officers for, because
        those people need not meet.
        """
        if isinstance(intent, SigningIntent):
            if self._signer(intent).kind.is_seal:
                hours = self._settings.seal_hours
                _require_within(left, timedelta(hours=hours), _SEAL_TOO_LONG, hours=hours)
                return
        elif (asked := self._hours_of_officers(intent)) is not None:
            _require_within(left, timedelta(hours=asked), _SERVICE_TOO_LONG, hours=asked)
            return
        minutes = self._settings.longest_minutes
        _require_within(left, timedelta(minutes=minutes), _TOO_LONG, minutes=minutes)

    def _hours_of_officers(self, intent: OfficerIntent) -> int | None:
        """For which others ask than officers; None for what officers prepare themselves."""
        if intent.kind == "enrol_seal" and is_outside_seal(str(intent.details.get("subject", ""))):
            return ASKED_BY_PARTNER_HOURS
        return (
            ASKED_ELSEWHERE_HOURS if intent.kind in _ASKED_ELSEWHERE and not self._is_of_people(intent) else None
        )

    def require_fitting(self, intent: Intent, activations: Sequence[Activation], approved: Sequence[str]) -> None:
        """Requires that those who activate now may do so and, with those who have *approved*, are enough."""
        names = [*approved, *(activation.subject for activation in activations)]
        if not names or len(set(names)) != len(names):
            raise ActivationRefused("This needs an activation, and each person's once.")
        subjects = [self._people.subject(name) for name in names]
        if isinstance(intent, OfficerIntent):
            self._require_administering(intent, subjects, activations)
            if len(subjects) < (count := self.required(intent, names)):
                unlocking = (
                    intent.kind == UNLOCK
                    and count == PIN_CUSTODIANS
                    and subjects[0].kind is SubjectKind.PIN_CUSTODIAN
                )
                raise ActivationRefused(_TOO_FEW_PIN_CUSTODIANS if unlocking else _TOO_FEW_OFFICERS, count=count)
        elif (signer := self._signer(intent)).kind.is_seal:
            self._require_release(intent, signer, subjects, enough=True)
        else:
            _require(names == [signer.subject], _NOT_BY_SIGNER, signer.subject)

    def require_may_join(self, intent: Intent, activation: Activation, approved: Sequence[str]) -> None:
        """Requires that this person may approve *intent* together with those who have *approved* it."""
        if activation.subject in approved:
            raise ActivationRefused(
                "{subject} has approved this already; somebody else has to.", subject=activation.subject
            )
        subjects = [self._people.subject(name) for name in (*approved, activation.subject)]
        if isinstance(intent, OfficerIntent):
            self._require_administering(intent, subjects, [activation])
        elif (signer := self._signer(intent)).kind.is_seal:
            self._require_release(intent, signer, subjects, enough=False)
        else:
            _require([each.subject for each in subjects] == [signer.subject], _NOT_BY_SIGNER, signer.subject)

    def _signer(self, intent: SigningIntent) -> Subject:
        signer = self._people.subject(intent.signer)
        if signer.kind not in (SubjectKind.PERSON, SubjectKind.OUTSIDE) and not signer.kind.is_seal:
            raise ActivationRefused("{subject} signs no documents.", subject=signer.subject)
        self._require_in_scope(intent)
        return signer

    def _require_in_scope(self, intent: SigningIntent) -> None:
        """For whom somebody vouched: their part of that contract alone, and their acceptance of the agreement,
        which says for which contract it is."""
        vouched = self._vouchings.find(intent.signer)
        if vouched is None:
            return
        if vouched.ended is not None:
            raise ActivationRefused(
                "The certificate of {name} was for one contract, which has ended.", name=vouched.name
            )
        accepts = intent.field == AGREEMENT and intent.party == intent.signer
        if not accepts and (intent.contract, intent.party) != (vouched.contract, vouched.party):
            raise ActivationRefused(
                "The certificate of {name} is for one part of one contract, and this is another.",
                name=vouched.name,
            )

    def _custodians_needed(self, intent: SigningIntent) -> int:
        """As many as the seal demands, or more where the intent says so: an intent can never take less."""
        return max(self._seals.seal(intent.signer).needed, intent.custodians)

    def _require_release(
        self, intent: SigningIntent, seal: Subject, subjects: Sequence[Subject], *, enough: bool
    ) -> None:
        """The seal is in use, and *subjects* are persons of its organisation of whom at most one is no custodian:
        as many as it takes (*enough*), or more, when it took more as they approved; or some of them. Who was a
        custodian and is none any more counts as none. The seal of another company is released by outside signers
        of that company whom officers know, the house's by nobody from outside, whatever they are called.

        In the house whoever asks for a seal is never among the custodians who are counted. The director of a small
        company keeps its seal alone, so whoever asks for another company's seal and keeps it counts as a custodian
        (decision 58).
        """
        if self._seals.seal(seal.subject).suspended is not None:
            raise ActivationRefused("The seal {subject} is suspended or destroyed.", subject=seal.subject)
        needed, custodians = self._custodians_needed(intent), self._people.custodians(seal.subject)
        own = all(each.kind is seal.kind.kept_by and each.organisation == seal.organisation for each in subjects)
        own = own and not any(self._vouchings.find(each.subject) for each in subjects)
        others = sum(each.subject not in custodians for each in subjects)
        if seal.kind is SubjectKind.OUTSIDE_SEAL:
            counted, takes = len(subjects) - others, needed
        else:
            counted, takes = len(subjects), needed + 1
        fitting = own and others <= 1 and (counted >= takes if enough else counted <= takes)
        if seal.kind is SubjectKind.OUTSIDE_SEAL and not fitting:
            raise ActivationRefused(_NOT_BY_OUTSIDE, subject=seal.subject, count=needed)
        _require(fitting, _NOT_BY_CUSTODIAN if needed == 1 else _NOT_BY_CUSTODIANS, seal.subject)

    def _is_pin_custodian(self, subject: str) -> bool:
        return self._people.subject(subject).kind is SubjectKind.PIN_CUSTODIAN

    def _is_of_people(self, intent: OfficerIntent) -> bool:
        """Whether *intent* is about somebody who signs, or something that does, or an officer."""
        subject = str(intent.details.get("subject", ""))
        return subject.startswith(("person-", "seal-", "officer-"))

    def _require_administering(
        self, intent: OfficerIntent, subjects: Sequence[Subject], activations: Sequence[Activation]
    ) -> None:
        """Officers; for a vouching one person of the house; for a remote signature the person whose key signs."""
        if intent.kind == SIGN_REMOTELY:
            self._require_own_key(intent, subjects, activations)
        elif intent.kind != VOUCH:
            self._require_officers(intent, subjects, activations)
        elif [each.kind for each in subjects] != [SubjectKind.PERSON]:
            raise ActivationRefused(
                "One person of this house vouches for a signer from outside, and nobody else does."
            )
        elif not all(isinstance(activation, WebAuthnActivation) for activation in activations):
            raise ActivationRefused("Vouching takes a passkey; a PIN and a code are bound to no act.")

    def _require_own_key(
        self, intent: OfficerIntent, subjects: Sequence[Subject], activations: Sequence[Activation]
    ) -> None:
        """The person of the house whose key for remote signing it is, by passkey; no more than the settings allow.
        Raises :class:`hsm.errors.BadRequest` for arguments out of form."""
        asked = remote_signing_in(intent.details)
        limit = self._settings.remote_limit(asked.use)
        if len(asked.documents) > limit:
            raise ActivationRefused(_REMOTE_LIMIT if limit else _REMOTE_OFF, limit=limit)
        own = [(each.subject, each.kind) for each in subjects] == [(asked.person, SubjectKind.PERSON)]
        _require(own, _NOT_BY_SIGNER, asked.person)
        if not all(isinstance(activation, WebAuthnActivation) for activation in activations):
            raise ActivationRefused(
                "Signing for other software takes a passkey; a PIN and a code are bound to no digest."
            )

    def _require_officers(
        self, intent: OfficerIntent, subjects: Sequence[Subject], activations: Sequence[Activation]
    ) -> None:
        """Officers all of them; or, to unlock, PIN custodians all of them."""
        kinds = {each.kind for each in subjects}
        if kinds != {SubjectKind.OFFICER} and not (intent.kind == UNLOCK and kinds == {SubjectKind.PIN_CUSTODIAN}):
            raise ActivationRefused(_why_not(intent, kinds))
        if not all(isinstance(activation, WebAuthnActivation) for activation in activations):
            raise ActivationRefused(
                "Officers activate with an authenticator; a PIN and a code are bound to no act."
            )
        if intent.kind == CONFIRM_POWER:
            for officer in subjects:
                _require_other(not self._is_same(officer, intent.details.get("agent")), _FOR_OFFICER, officer)
                by = intent.details.get("registered_by")
                _require_other(not self._is_same(officer, by), _BY_OFFICER, officer)

    def _is_same(self, officer: Subject, other: object) -> bool:
        """Whether *other*, a subject, is the officer: under this subject, or under a name that is read as the same
        in the same organisation, for officers who also sign have two."""
        if not isinstance(other, str):
            return False  # no power has such an argument: the operation refuses it
        try:
            known = self._people.subject(other)
        except UnknownKey:
            return False
        return same_name(known.name, officer.name) and same_name(known.organisation, officer.organisation)


_REMOTE_LIMIT = "At most {limit} digests can be signed for other software at once."
_REMOTE_OFF = "Digests of this kind are not signed for other software here."
_FOR_OFFICER = "This power of attorney is for {name}; another officer has to confirm it."
_BY_OFFICER = "{name} has registered this power of attorney; another officer has to confirm it."
_ONLY_OFFICERS = "Only officers may do this."
_CUSTODIANS_UNLOCK = "Keepers of the PIN unlock the HSM and do nothing else; officers do this, in the portal."
_NO_PAIR = "Two keepers of the PIN unlock together, or officers do; a keeper and somebody else are no pair."
_NEITHER = "Two keepers of the PIN unlock the HSM, or officers do, and nobody else."


def _why_not(intent: OfficerIntent, kinds: set[SubjectKind]) -> str:
    """The sentence for whoever of *kinds* may not activate *intent*."""
    if intent.kind != UNLOCK:
        return _CUSTODIANS_UNLOCK if kinds == {SubjectKind.PIN_CUSTODIAN} else _ONLY_OFFICERS
    return _NO_PAIR if SubjectKind.PIN_CUSTODIAN in kinds else _NEITHER


_SEAL_TOO_LONG = "A permission for a seal may last {hours} hours at most."
_SERVICE_TOO_LONG = "A permission for a service may last {hours} hours at most."
_TOO_LONG = "A permission may last {minutes} minutes at most."
_TOO_FEW_OFFICERS = "This needs the activations of different officers, as many as {count}."
_TOO_FEW_PIN_CUSTODIANS = "This needs the activations of {count} different keepers of the PIN."


def _require_within(left: timedelta, longest: timedelta, template: str, **values: int) -> None:
    if left > longest:
        raise ActivationRefused(template, **values)


def _require(fitting: bool, template: str, subject: str) -> None:
    if not fitting:
        raise ActivationRefused(template, subject=subject)


def _require_other(holds: bool, template: str, officer: Subject) -> None:
    if not holds:
        raise ActivationRefused(template, name=officer.name)
