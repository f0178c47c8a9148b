"""The authority as other processes see it: each operation declared once.

A declaration is the client's method, and says which roles may ask and how a request is decoded (:mod:`hsm.codec`).
The handler is the method of the same name in :mod:`hsm.operations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, cast

from hsm.backup import BackupPartStatement
from hsm.codec import Operation
from hsm.config import PeerRole
from hsm.note import LogExtension
from hsm.operation_types import (
    Appointment,
    ApprovalRequest,
    Approvals,
    AuthorityStatus,
    BackupPiece,
    BackupSigning,
    CodeUse,
    DocumentSigning,
    HeldCeremony,
    IntentQuery,
    KeyToUnwrap,
    KeyToWrap,
    KnownCompanySeal,
    KnownCredential,
    ManifestSigningRequest,
    NoArguments,
    OcspQuestion,
    OfBackup,
    OfCeremony,
    OfCertificate,
    OfficerRequest,
    OfIssuer,
    PinCustodianEndRequest,
    SubjectQuery,
    TimestampOrders,
    Unlocking,
)
from hsm.protocol import Connections
from hsm.timestamp import IssuedToken, TimestampRequest

if TYPE_CHECKING:
    from hsm.timestamp_stream import TimestampStream

_EVERYONE = frozenset(PeerRole)
_WEB = frozenset({PeerRole.WEB})
_PEOPLE = frozenset({PeerRole.WEB, PeerRole.OPERATOR})
_CONSOLE = frozenset({PeerRole.OPERATOR, PeerRole.CONSOLE})
_WEB_OPERATOR_CONSOLE = _PEOPLE | _CONSOLE
_CONSOLE_AND_SCHEDULER = _CONSOLE | {PeerRole.SCHEDULER}
_KEYS = frozenset({PeerRole.WEB, PeerRole.SCHEDULER})
_BACKUP = frozenset({PeerRole.BACKUP})


class AuthorityClient(Connections):
    """The operations through one of the sockets, with the roles that may ask for each. Thread-safe.

    To be permitted to ask is not to be permitted: the handlers check what makes each operation legitimate. Every
    method raises :class:`hsm.errors.AuthorityError` or a subclass: a refusal, :class:`ModuleUnavailable` (nothing
    was signed, trying again later is safe) or :class:`AuthorityUnreachable`.
    """

    status = Operation(NoArguments, AuthorityStatus, _EVERYONE)
    """State, clock, keys, log: for health checks and the operator."""

    sign_document = Operation(DocumentSigning, bytes, _WEB)
    """The detached CMS (DER, baseline B-B) over the intent's digest. An intent is signed once only.

    A person needs their own activation; a seal those of as many custodians as it takes, and of the person who
    asks. What was given to ``approve`` counts too: the activations may then be fewer, or none."""

    approve = Operation(ApprovalRequest, Approvals, _WEB_OPERATOR_CONSOLE)
    """One person's activation of an intent, verified now and remembered until the intent expires.

    The operation itself then counts it, with what is given on the spot. One approval for each person; an intent
    that was done, or another one under the same nonce, takes none."""

    approvals = Operation(IntentQuery, Approvals, _WEB_OPERATOR_CONSOLE)
    """Who has approved an intent so far, and how many must."""

    timestamp_fields = Operation(
        TimestampOrders, list[Any], frozenset({PeerRole.WEB, PeerRole.TSA, PeerRole.SCHEDULER}), "timestamp"
    )
    """See :meth:`timestamp`."""

    extend_log = Operation(LogExtension, bytes, frozenset({PeerRole.SCHEDULER, PeerRole.OPERATOR}), "checkpoint")
    """See :meth:`checkpoint`."""

    sign_manifest = Operation(ManifestSigningRequest, bytes, _PEOPLE)
    """The detached CMS (DER) over an evidence manifest whose checkpoint the authority has signed."""

    issue_crl = Operation(NoArguments, bytes, _WEB_OPERATOR_CONSOLE | {PeerRole.SCHEDULER})
    """Fresh CRLs of all issuing CAs, each numbered one higher than its last; that of the current one (DER)."""

    crls = Operation(NoArguments, list[bytes], _EVERYONE)
    """The current CRLs (DER): the root's, that of the CA that issues now, then those of the CAs before it."""

    crl = Operation(OfIssuer, bytes, _EVERYONE)
    """The current CRL (DER) of one CA. Raises :class:`UnknownKey`."""

    ocsp = Operation(OfCertificate, bytes, _PEOPLE | {PeerRole.SCHEDULER})
    """The OCSP response (RFC 6960, DER) about a certificate of ours, by the CA that issued it."""

    ocsp_reply = Operation(OcspQuestion, bytes, _WEB)
    """The answer (RFC 6960, DER) to somebody's OCSP request, whatever that is."""

    authorities = Operation(NoArguments, list[bytes], _EVERYONE)
    """The certificates (DER) of all issuing CAs, the one that issues now first, and of the root, last."""

    chain = Operation(NoArguments, list[bytes], _EVERYONE)
    """The certificate of the CA that issues now, then the root's (DER)."""

    certificate = Operation(SubjectQuery, bytes, _EVERYONE)
    """The current certificate (DER) of ``tsa``, ``log``, ``evidence``, ``person-…`` or ``seal-…``."""

    credentials = Operation(SubjectQuery, list[KnownCredential], _WEB_OPERATOR_CONSOLE | {PeerRole.SCHEDULER})
    """What the subject activates with, revoked ones left out; empty for somebody who is not enrolled."""

    organisations = Operation(NoArguments, list[str], _PEOPLE)
    """The organisations that certificates may name, sorted."""

    appointment = Operation(NoArguments, Appointment, _PEOPLE)
    """Whether a set-up code waits for a first officer."""

    appoint_officer = Operation(CodeUse, NoneType, _WEB)
    """Makes a first officer by a one-time set-up code of the ceremony.

    Details: subject (``officer-…``), name, organisation, credential (a map, webauthn alone). Five wrong codes lock
    appointment for fifteen minutes."""

    restore_officer = Operation(CodeUse, NoneType, _WEB)
    """Gives an officer who lost every authenticator a new one, by the code of a recovery.

    Details: subject, credential (a map, webauthn alone). Wrong codes count as for ``appoint_officer``."""

    ceremonies = Operation(NoArguments, list[HeldCeremony], _CONSOLE_AND_SCHEDULER)
    """Every ceremony that was held, and every later change of a key from one; the first first."""

    transcript = Operation(OfCeremony, str, _CONSOLE_AND_SCHEDULER)
    """The transcript of a ceremony, as it is found; empty when it is gone. Raises UnknownKey."""

    enrol_person = Operation(OfficerRequest, bytes, _PEOPLE)
    """Makes a person's key and certificate (DER). Details: subject, name, organisation, credentials."""

    enrol_officer = Operation(OfficerRequest, NoneType, _PEOPLE)
    """Makes one more officer. Details: subject, name, organisation, credentials (webauthn alone)."""

    enrol_pin_custodian = Operation(OfficerRequest, NoneType, _PEOPLE, "enrol_keeper")
    """Makes somebody one of those of whom two unlock. Details: subject (``keeper-…``), name, organisation,
    credentials (webauthn alone, of the console), which take the place of those from before."""

    pin_custodians = Operation(NoArguments, list[str], _CONSOLE, "keepers")
    """The subjects (``keeper-…``) of whom any two unlock, sorted."""

    end_pin_custodian = Operation(PinCustodianEndRequest, int, frozenset({PeerRole.OPERATOR}), "end_keeper")
    """Takes every authenticator from a PIN custodian, or the named one; how many that were. It needs nobody's
    activation, and no HSM. Asked again, it changes nothing."""

    enrol_seal = Operation(OfficerRequest, bytes, _PEOPLE)
    """Makes a seal's key and certificate (DER). Details: subject, name, organisation, kind, custodians, needed."""

    seal = Operation(SubjectQuery, KnownCompanySeal, _PEOPLE)
    """What the authority knows of a seal. Raises :class:`hsm.errors.UnknownKey`."""

    suspend_seal = Operation(SubjectQuery, NoneType, _PEOPLE)
    """Stops a seal at once; it needs nobody's activation. Asked again, it changes nothing."""

    resume_seal = Operation(OfficerRequest, NoneType, _PEOPLE)
    """Lets a suspended seal be used again. Details: subject."""

    add_custodian = Operation(OfficerRequest, NoneType, _PEOPLE)
    """Gives a seal one more custodian. Details: subject, custodian."""

    remove_custodian = Operation(OfficerRequest, NoneType, _PEOPLE)
    """Takes a seal from a custodian at once, by one officer. Details: subject, custodian."""

    set_custodians_needed = Operation(OfficerRequest, NoneType, _PEOPLE)
    """Sets how many custodians release a seal, 1 or 2. Details: subject, needed."""

    change_picture = Operation(OfficerRequest, NoneType, _PEOPLE)
    """Takes a picture into use. Details: subject, picture (SHA-256 in hex; empty for the drawn one)."""

    destroy_seal = Operation(OfficerRequest, bytes, _PEOPLE)
    """Revokes a seal's certificates and destroys its keys in the HSM; the new CRL (DER). Details: subject."""

    add_credential = Operation(OfficerRequest, NoneType, _PEOPLE)
    """Gives a person one more credential. Details: subject, credential."""

    revoke_credential = Operation(OfficerRequest, NoneType, _PEOPLE)
    """Ends a credential for good. Details: subject, credential (id in hex, or ``pin-totp``)."""

    revoke_certificate = Operation(OfficerRequest, bytes, _WEB_OPERATOR_CONSOLE)
    """Revokes every unexpired certificate of a subject; the new CRL (DER). Details: subject, reason; with
    ``serial`` (hex) that one certificate alone, an older one too."""

    retire = Operation(OfficerRequest, bytes, _PEOPLE)
    """Ends every credential and certificate of a subject at once; the new CRL (DER). Details: subject, reason.

    Asked again, it changes nothing more and answers the same way."""

    rotate = Operation(OfficerRequest, bytes, _WEB_OPERATOR_CONSOLE)
    """Gives a subject a new key and its certificate (DER). Details: subject."""

    wrap_key = Operation(KeyToWrap, bytes, _KEYS)
    """A document key (at most 64 bytes) wrapped in the HSM for this socket's role and the context alone."""

    unwrap_key = Operation(KeyToUnwrap, bytes, _KEYS)
    """The key of ``wrap_key``. Raises :class:`hsm.errors.NotPermitted` for another role's or context's."""

    begin_backup = Operation(NoArguments, str, _BACKUP)
    """Lets the authority make its part of a backup; the name to ask after."""

    backup_made = Operation(
        OfBackup, cast("type[BackupPartStatement | None]", BackupPartStatement | None), _BACKUP
    )
    """The statement about the part, None while it is being made. Raises :class:`hsm.errors.BackupRefused`."""

    backup_piece = Operation(BackupPiece, bytes, _BACKUP)
    """The next piece of the encrypted part from the byte ``at``; empty at its end."""

    sign_backup = Operation(BackupSigning, bytes, _BACKUP)
    """The signed note over the manifest (canonical JSON) of a backup with this part."""

    unlock = Operation(Unlocking, NoneType, _CONSOLE)
    """Gives the authority its PIN, in parts that different hands hold. A wrong one locks it; never retried."""

    lock = Operation(NoArguments, NoneType, _CONSOLE)
    """Makes the authority forget its PIN and log out of the HSM, until ``unlock``; no restart undoes it.

    Raises :class:`StoreUnavailable` when it is locked, but a restart would undo that, and :class:`AuthorityError`
    when not all of its processes could be told."""

    def timestamp(self, orders: Sequence[TimestampRequest]) -> list[IssuedToken]:
        """One token for each order, in order, all at the authority's own time."""
        return IssuedToken.for_orders(self.timestamp_fields([each.fields() for each in orders]), len(orders))

    def timestamp_stream(self) -> TimestampStream:
        """For the running event loop: a connection of its own for timestamps alone."""
        # Imported here: only this needs asyncio, and the authority's workers have no use for it.
        from hsm.timestamp_stream import TimestampStream  # noqa: PLC0415

        return TimestampStream(self._path, timeout=self._timeout)

    def checkpoint(self, extension: LogExtension) -> bytes:
        """The signed note (C2SP tlog-checkpoint) of the log after *extension*, which begins where the checkpoint
        signed last ends. Repeated, it gives the same again."""
        return self.extend_log(extension.start, list(extension.frontier), list(extension.leaves), extension.root)


OPERATIONS = {each.name: each for each in vars(AuthorityClient).values() if isinstance(each, Operation)}
"""By the name on the socket."""
PERMITTED = {name: each.roles for name, each in OPERATIONS.items()}
"""Which roles may ask for which operation."""
