"""What the appliance refuses, as one small tree; sentences are templates that the catalogue can translate."""

from __future__ import annotations

from typing import ClassVar


class ApplianceError(Exception):
    """Base of the appliance's refusals. ``str()`` is the English sentence; ``code`` is stable across releases."""

    code: ClassVar[str] = "appliance-error"

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template.format(**values) if values else template)
        self.template = template
        self.values = values


class ConfigurationError(ApplianceError):
    """A setting is missing, unknown or out of its domain; nothing was started."""

    code = "configuration"


class DocumentRefused(ApplianceError):
    """A document cannot be taken in; ``reason`` is a stable word such as ``encrypted`` or ``scripted``."""

    code = "document-refused"

    def __init__(self, reason: str, template: str, **values: object) -> None:
        super().__init__(template, **values)
        self.reason = reason


class ConfinementFailed(ApplianceError):
    """The confined process died, ran out of time or memory, or answered with something else than a result."""

    code = "confinement-failed"


class StateRefused(ApplianceError):
    """The contract, party or intent is not in a state that allows this."""

    code = "state-refused"


class PreconditionRefused(ApplianceError):
    """A precondition of signing does not hold (turn, deadline, agreement, authority, seal approval)."""

    code = "precondition-refused"


class ResultRefused(ApplianceError):
    """What was made (a signed or an archived document) does not pass the own verifier, so it is not released."""

    code = "result-refused"


class EvidenceIncomplete(ApplianceError):
    """A package cannot be made: what it must contain is missing or does not fit together. Nothing was written."""

    code = "evidence-incomplete"


class StorageError(ApplianceError):
    """Database or blob store: wrong version, damaged, or out of space."""

    code = "storage"


class LedgerDamaged(ApplianceError):
    """The log does not agree with itself or with what the authority remembers."""

    code = "ledger-damaged"


class NotFound(ApplianceError):
    """No such contract, party, entry or file."""

    code = "not-found"


class BackupFailed(ApplianceError):
    """A backup cannot be made, found or trusted; the archives that were there are as they were."""

    code = "backup-failed"


class RestoreRefused(ApplianceError):
    """A backup cannot be restored here; nothing was changed."""

    code = "restore-refused"


class UpgradeRefused(ApplianceError):
    """An upgrade or a rollback cannot be done, or was taken back; the sentence says which release serves."""

    code = "upgrade-refused"


class SupervisionFailed(ApplianceError):
    """A process of the appliance does not come up; those that had started were ended again."""

    code = "supervision-failed"


class NotAllowed(ApplianceError):
    """Somebody is signed in, but may not do this."""

    code = "not-allowed"


class SignInRefused(ApplianceError):
    """Login, password, code or passkey do not let anybody in; never says which of them was wrong."""

    code = "sign-in-refused"


class TooManyAttempts(ApplianceError):
    """Too many failed attempts to sign in: for this account or from this address, for a while."""

    code = "too-many-attempts"
