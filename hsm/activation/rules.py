"""Who may activate what, and how many it takes: asked of the authority's own store, never of the caller."""

from __future__ import annotations

from collections.abc import Sequence

from hsm.acts import Activation, OfficerAct, SigningIntent, WebAuthnActivation
from hsm.config import ActivationSettings
from hsm.errors import ActivationRefused
from hsm.store import Seals, Subject, SubjectKind
from hsm.store.people import People

_BY_ONE_OFFICER = frozenset({"remove_custodian"})
"""What one officer does alone, whatever the settings: it only takes power away, and may not have to wait."""

_NOT_BY_SIGNER = "A signature of {subject} needs the activation of that very person, and nobody else's."
_NOT_BY_CUSTODIAN = (
    "The seal {subject} needs two persons of its organisation: one of its custodians and the one who asks for it."
)
_NOT_BY_CUSTODIANS = (
    "The seal {subject} needs three persons of its organisation: two of its custodians, and the one who asks."
)


class Rules:
    """The rules over one store. Each ``require_…`` raises :class:`ActivationRefused` or :class:`UnknownKey`."""

    def __init__(self, people: People, seals: Seals, settings: ActivationSettings) -> None:
        self._people = people
        self._seals = seals
        self._settings = settings

    def required(self, act: SigningIntent | OfficerAct) -> int:
        """How many different people *act* takes."""
        if isinstance(act, OfficerAct):
            return 1 if act.kind in _BY_ONE_OFFICER else self._settings.officers_required
        signer = self._signer(act)
        return 1 + self._custodians_needed(act) if signer.kind is SubjectKind.SEAL else 1

    def may_wait(self, act: SigningIntent | OfficerAct) -> bool:
        """Whether *act* may wait for hours: what a seal signs, as its two people need not meet."""
        return isinstance(act, SigningIntent) and self._signer(act).kind is SubjectKind.SEAL

    def require_fitting(
        self, act: SigningIntent | OfficerAct, activations: Sequence[Activation], approved: Sequence[str]
    ) -> None:
        """That those who activate now, with those who have *approved*, are who may, and enough."""
        names = [*approved, *(activation.subject for activation in activations)]
        if not names or len(set(names)) != len(names):
            raise ActivationRefused("This needs an activation, and each person's once.")
        subjects = [self._people.subject(name) for name in names]
        if isinstance(act, OfficerAct):
            self._require_officers(subjects, activations)
            if len(subjects) < self.required(act):
                raise ActivationRefused(
                    "This needs the activations of {count} different officers.", count=self.required(act)
                )
        elif (signer := self._signer(act)).kind is SubjectKind.SEAL:
            self._require_release(act, signer, subjects, enough=True)
        else:
            _require(names == [signer.subject], _NOT_BY_SIGNER, signer.subject)

    def require_may_join(
        self, act: SigningIntent | OfficerAct, activation: Activation, approved: Sequence[str]
    ) -> None:
        """That this person may be one of those who approve *act*, beside those who have *approved*."""
        if activation.subject in approved:
            raise ActivationRefused(
                "{subject} has approved this already; somebody else has to.", subject=activation.subject
            )
        subjects = [self._people.subject(name) for name in (*approved, activation.subject)]
        if isinstance(act, OfficerAct):
            self._require_officers(subjects, [activation])
        elif (signer := self._signer(act)).kind is SubjectKind.SEAL:
            self._require_release(act, signer, subjects, enough=False)
        else:
            _require([each.subject for each in subjects] == [signer.subject], _NOT_BY_SIGNER, signer.subject)

    def _signer(self, intent: SigningIntent) -> Subject:
        signer = self._people.subject(intent.signer)
        if signer.kind not in (SubjectKind.PERSON, SubjectKind.SEAL):
            raise ActivationRefused("{subject} signs no documents.", subject=signer.subject)
        return signer

    def _custodians_needed(self, intent: SigningIntent) -> int:
        """As many as the seal demands, or more where the act says so: an act can never take less."""
        return max(self._seals.seal(intent.signer).needed, intent.custodians)

    def _require_release(
        self, intent: SigningIntent, seal: Subject, subjects: Sequence[Subject], *, enough: bool
    ) -> None:
        """The seal is in use, and *subjects* are persons of its organisation of whom at most one is no custodian:
        as many as it takes (*enough*), or some of them. Who was a custodian and is none any more counts as none.
        """
        if self._seals.seal(seal.subject).suspended is not None:
            raise ActivationRefused("The seal {subject} is suspended or destroyed.", subject=seal.subject)
        needed, custodians = self._custodians_needed(intent), self._people.custodians(seal.subject)
        own = all(each.kind is SubjectKind.PERSON and each.organisation == seal.organisation for each in subjects)
        others = sum(each.subject not in custodians for each in subjects)
        right_number = len(subjects) == needed + 1 if enough else len(subjects) <= needed + 1
        fitting = own and others <= 1 and right_number
        _require(fitting, _NOT_BY_CUSTODIAN if needed == 1 else _NOT_BY_CUSTODIANS, seal.subject)

    def _require_officers(self, subjects: Sequence[Subject], activations: Sequence[Activation]) -> None:
        if any(each.kind is not SubjectKind.OFFICER for each in subjects):
            raise ActivationRefused("Only officers may do this.")
        if not all(isinstance(activation, WebAuthnActivation) for activation in activations):
            raise ActivationRefused(
                "Officers activate with an authenticator; a PIN and a code are bound to no act."
            )


def _require(fitting: bool, template: str, subject: str) -> None:
    if not fitting:
        raise ActivationRefused(template, subject=subject)
