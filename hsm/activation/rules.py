"""Who may activate what, and how many it takes: asked of the authority's own store, never of the caller."""

from __future__ import annotations

from collections.abc import Sequence

from hsm.acts import Activation, OfficerAct, SigningIntent, WebAuthnActivation
from hsm.config import ActivationSettings
from hsm.errors import ActivationRefused
from hsm.store import People, Subject, SubjectKind

_HANDS_OF_A_SEAL = 2
_NOT_BY_SIGNER = "A signature of {subject} needs the activation of that very person, and nobody else's."
_NOT_BY_CUSTODIAN = (
    "The seal {subject} needs two persons of its organisation: one of its custodians and the one who asks for it."
)


class Rules:
    """The rules over one store. Each ``require_…`` raises :class:`ActivationRefused` or :class:`UnknownKey`."""

    def __init__(self, people: People, settings: ActivationSettings) -> None:
        self._people = people
        self._settings = settings

    def required(self, act: SigningIntent | OfficerAct) -> int:
        """How many different people *act* takes."""
        if isinstance(act, OfficerAct):
            return self._settings.officers_required
        return _HANDS_OF_A_SEAL if self.may_wait(act) else 1

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
            if len(subjects) < self._settings.officers_required:
                raise ActivationRefused(
                    "This needs the activations of {count} different officers.",
                    count=self._settings.officers_required,
                )
        elif (signer := self._signer(act)).kind is SubjectKind.SEAL:
            fitting = len(subjects) == _HANDS_OF_A_SEAL and self._may_release(signer, subjects)
            _require(fitting, _NOT_BY_CUSTODIAN, signer.subject)
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
            fitting = len(subjects) <= _HANDS_OF_A_SEAL and self._may_release(signer, subjects)
            _require(fitting, _NOT_BY_CUSTODIAN, signer.subject)
        else:
            _require([each.subject for each in subjects] == [signer.subject], _NOT_BY_SIGNER, signer.subject)

    def _signer(self, intent: SigningIntent) -> Subject:
        signer = self._people.subject(intent.signer)
        if signer.kind not in (SubjectKind.PERSON, SubjectKind.SEAL):
            raise ActivationRefused("{subject} signs no documents.", subject=signer.subject)
        return signer

    def _may_release(self, seal: Subject, subjects: Sequence[Subject]) -> bool:
        """Persons of the seal's organisation; when they are all that it takes, one of them its custodian."""
        custodians = self._people.custodians(seal.subject)
        return all(
            each.kind is SubjectKind.PERSON and each.organisation == seal.organisation for each in subjects
        ) and (len(subjects) < _HANDS_OF_A_SEAL or any(each.subject in custodians for each in subjects))

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
