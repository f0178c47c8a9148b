"""What the authority does for other processes: each operation declared once.

A declaration makes the client's method (:class:`hsm.client.AuthorityClient`), says which roles may ask, and how a
request is decoded (:mod:`hsm.codec`). The handler is the method of the same name in :mod:`hsm.operations`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast, overload

from hsm.answers import Appointment, Approvals, AuthorityStatus, HeldCeremony, KnownCompanySeal, KnownCredential
from hsm.backup.statement import BackupPartStatement
from hsm.checkpoint import LogExtension
from hsm.codec import decode_answer, decode_request, encode
from hsm.config import PeerRole
from hsm.errors import BadRequest
from hsm.requests import (
    ApprovalRequest,
    BackupPiece,
    BackupSigning,
    CodeUse,
    DocumentSigning,
    IntentQuery,
    KeyToUnwrap,
    KeyToWrap,
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

P = ParamSpec("P")
R = TypeVar("R")
Roles = frozenset[PeerRole]


class Operation(Generic[P, R]):
    """One operation. On a client it is the method that asks for it."""

    @overload
    def __init__(self, request: Callable[P, object], answer: type[R], roles: Roles, name: str = "") -> None: ...

    @overload
    def __init__(
        self: Operation[P, None],
        request: Callable[P, object],
        answer: None,
        roles: frozenset[PeerRole],
        name: str = "",
    ) -> None: ...

    def __init__(self, request: Callable[P, object], answer: type[R] | None, roles: Roles, name: str = "") -> None:
        """*request* is a dataclass; *answer* the type of what comes back, None for nothing. *name* is how it is
        called on the socket and in intents, where that is another name than the method's."""
        self.request: Any = request
        self.answer = answer
        self.roles = roles
        self.name = name
        self.method = ""
        self.has_plain_answer = answer in (bytes, str, int, list[bytes], list[str], list[Any])
        """Whether the answer crosses as it is."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self.method = name
        self.name = self.name or name

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...

    @overload
    def __get__(self, client: AuthorityInterface, owner: type) -> Callable[P, R]: ...

    def __get__(self, client: AuthorityInterface | None, owner: type) -> Self | Callable[P, R]:
        if client is None:
            return self

        def ask(*args: P.args, **kwargs: P.kwargs) -> R:
            answer = client.ask(self.name, encode(self.request(*args, **kwargs)))
            return cast(R, decode_answer(self.answer, answer))

        return ask

    def decode(self, arguments: dict[str, Any]) -> Any:
        """The request in a caller's *arguments*. Raises :class:`BadRequest`."""
        request = decode_request(self.request, arguments)
        if isinstance(request, OfficerRequest) and request.intent.kind != self.name:
            raise BadRequest("This act is of another kind than the operation {kind}.", kind=self.name)
        return request


_EVERYONE = frozenset(PeerRole)
_WEB = frozenset({PeerRole.WEB})
_PEOPLE = frozenset({PeerRole.WEB, PeerRole.OPERATOR})
_CONSOLE = frozenset({PeerRole.OPERATOR, PeerRole.CONSOLE})
_WEB_OPERATOR_CONSOLE = _PEOPLE | _CONSOLE
_CONSOLE_AND_SCHEDULER = _CONSOLE | {PeerRole.SCHEDULER}
_KEYS = frozenset({PeerRole.WEB, PeerRole.SCHEDULER})
_BACKUP = frozenset({PeerRole.BACKUP})


class AuthorityInterface:
    """Every operation, with the roles that may ask for it. To be permitted to ask is not to be permitted: the
    handlers check what makes each one legitimate.

    Every method raises :class:`hsm.errors.AuthorityError` or a subclass: a refusal, :class:`ModuleUnavailable`
    (nothing was signed, trying again later is safe) or :class:`AuthorityUnreachable`.
    """

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        """The plain answer of the authority to one request."""
        raise NotImplementedError

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
    """See :meth:`hsm.client.AuthorityClient.timestamp`."""

    extend_log = Operation(LogExtension, bytes, frozenset({PeerRole.SCHEDULER, PeerRole.OPERATOR}), "checkpoint")
    """See :meth:`hsm.client.AuthorityClient.checkpoint`."""

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

    appoint_officer = Operation(CodeUse, None, _WEB)
    """Makes a first officer by a one-time set-up code of the ceremony.

    Details: subject (``officer-…``), name, organisation, credential (a map, webauthn alone). Five wrong codes lock
    appointment for fifteen minutes."""

    restore_officer = Operation(CodeUse, None, _WEB)
    """Gives an officer who lost every authenticator a new one, by the code of a recovery.

    Details: subject, credential (a map, webauthn alone). Wrong codes count as for ``appoint_officer``."""

    ceremonies = Operation(NoArguments, list[HeldCeremony], _CONSOLE_AND_SCHEDULER)
    """Every ceremony that was held, and every later change of a key from one; the first first."""

    transcript = Operation(OfCeremony, str, _CONSOLE_AND_SCHEDULER)
    """The transcript of a ceremony, as it is found; empty when it is gone. Raises UnknownKey."""

    enrol_person = Operation(OfficerRequest, bytes, _PEOPLE)
    """Makes a person's key and certificate (DER). Details: subject, name, organisation, credentials."""

    enrol_officer = Operation(OfficerRequest, None, _PEOPLE)
    """Makes one more officer. Details: subject, name, organisation, credentials (webauthn alone)."""

    enrol_pin_custodian = Operation(OfficerRequest, None, _PEOPLE, "enrol_keeper")
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

    suspend_seal = Operation(SubjectQuery, None, _PEOPLE)
    """Stops a seal at once; it needs nobody's activation. Asked again, it changes nothing."""

    resume_seal = Operation(OfficerRequest, None, _PEOPLE)
    """Lets a suspended seal be used again. Details: subject."""

    add_custodian = Operation(OfficerRequest, None, _PEOPLE)
    """Gives a seal one more custodian. Details: subject, custodian."""

    remove_custodian = Operation(OfficerRequest, None, _PEOPLE)
    """Takes a seal from a custodian at once, by one officer. Details: subject, custodian."""

    set_custodians_needed = Operation(OfficerRequest, None, _PEOPLE)
    """Sets how many custodians release a seal, 1 or 2. Details: subject, needed."""

    change_picture = Operation(OfficerRequest, None, _PEOPLE)
    """Takes a picture into use. Details: subject, picture (SHA-256 in hex; empty for the drawn one)."""

    destroy_seal = Operation(OfficerRequest, bytes, _PEOPLE)
    """Revokes a seal's certificates and destroys its keys in the HSM; the new CRL (DER). Details: subject."""

    add_credential = Operation(OfficerRequest, None, _PEOPLE)
    """Gives a person one more credential. Details: subject, credential."""

    revoke_credential = Operation(OfficerRequest, None, _PEOPLE)
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

    unlock = Operation(Unlocking, None, _CONSOLE)
    """Gives the authority its PIN, in parts that different hands hold. A wrong one locks it; never retried."""

    lock = Operation(NoArguments, None, _CONSOLE)
    """Makes the authority forget its PIN and log out of the HSM, until ``unlock``; no restart undoes it.

    Raises :class:`StoreUnavailable` when it is locked, but a restart would undo that, and :class:`AuthorityError`
    when not all of its processes could be told."""


OPERATIONS = {each.name: each for each in vars(AuthorityInterface).values() if isinstance(each, Operation)}
"""By the name on the socket."""
PERMITTED = {name: each.roles for name, each in OPERATIONS.items()}
"""Which roles may ask for which operation."""
