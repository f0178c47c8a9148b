"""What the appliance refuses, as one small tree; sentences are templates that the catalogue can translate."""

from __future__ import annotations

from hsm.errors import RefusalError


class ApplianceError(RefusalError, code="appliance-error"):
    """Base of the appliance's refusals."""


class ConfigurationError(ApplianceError, code="configuration"):
    """A setting is missing, unknown or out of its domain; nothing was started."""


class DocumentRefused(ApplianceError, code="document-refused"):
    """A document cannot be taken in; ``reason`` is a stable word such as ``encrypted`` or ``scripted``."""

    def __init__(self, reason: str, template: str, **values: object) -> None:
        super().__init__(template, **values)
        self.reason = reason


class ConfinementFailed(ApplianceError, code="confinement-failed"):
    """The confined process died, ran out of time or memory, or answered with something else than a result."""


class StateRefused(ApplianceError, code="state-refused"):
    """The contract, party or intent is not in a state that allows this."""


class PreconditionRefused(ApplianceError, code="precondition-refused"):
    """A precondition of signing does not hold (turn, deadline, agreement, authority, seal approval)."""


class ResultRefused(ApplianceError, code="result-refused"):
    """What was made (a signed or an archived document) does not pass the own verifier, so it is not released."""


class EvidenceIncomplete(ApplianceError, code="evidence-incomplete"):
    """A package cannot be made: what it must contain is missing or does not fit together. Nothing was written."""


class StorageError(ApplianceError, code="storage"):
    """Database or blob store: wrong version, damaged, or out of space."""


class SpoolDamaged(StorageError, code="spool-damaged"):
    """A file of the timestamp service's spool is not in its form; what it has from there on is not in the log."""


class LedgerDamaged(ApplianceError, code="ledger-damaged"):
    """The log does not agree with itself or with what the authority remembers."""


class NotFound(ApplianceError, code="not-found"):
    """No such contract, party, entry or file."""


class BackupFailed(ApplianceError, code="backup-failed"):
    """A backup cannot be made, found or trusted; the archives that were there are as they were."""


class RestoreRefused(ApplianceError, code="restore-refused"):
    """A backup cannot be restored here; nothing was changed."""


class UpgradeRefused(ApplianceError, code="upgrade-refused"):
    """An upgrade or a rollback cannot be done, or was taken back; the sentence says which release serves."""


class SupervisionFailed(ApplianceError, code="supervision-failed"):
    """A process of the appliance does not come up; those that had started were ended again."""


class NotAllowed(ApplianceError, code="not-allowed"):
    """Somebody is signed in, but may not do this."""


class SignInRefused(ApplianceError, code="sign-in-refused"):
    """Login, password, code or passkey do not let anybody in; never says which of them was wrong."""


class ClientRefused(ApplianceError, code="client-refused"):
    """Id, secret, certificate or assertion let no API client in, or it is suspended; never says which it was."""


class TokenRefused(ApplianceError, code="token-refused"):
    """An access token of the API is unknown or expired, or its client is suspended; never says which it was."""


class TooManyAttempts(ApplianceError, code="too-many-attempts"):
    """Too many failed attempts to sign in: for this account or from this address, for a while."""


class KeyReused(ApplianceError, code="idempotency-key-reused"):
    """A client sent the key of an earlier request with another one."""


class RequestUnderWay(ApplianceError, code="request-under-way"):
    """The same request is being worked on, and has taken too long for whoever repeats it."""
