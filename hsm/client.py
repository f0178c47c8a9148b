"""The authority as other processes see it: each operation is declared once.

A declaration is the client's method; it also says which roles may send the request and how it is decoded
(:mod:`hsm.codec`). The handler is the method of the same name in :mod:`hsm.operations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hsm.backup import BackupPartStatement
from hsm.codec import Operation, operation
from hsm.config import PeerRole
from hsm.intents import (
    Activation,
    Intent,
    OfficerIntent,
    PasskeyRegistration,
    SigningIntent,
    WebAuthnActivation,
)
from hsm.note import LogExtension
from hsm.operation_types import (
    Appointment,
    Approvals,
    AuthorityStatus,
    BegunRegistration,
    HeldCeremony,
    KnownCompanySeal,
    KnownCredential,
    KnownSubject,
    KnownVouching,
    PendingCredential,
    RemoteLimits,
    SignedStatement,
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
_KEYS = frozenset({PeerRole.WEB, PeerRole.SCHEDULER, PeerRole.ACTIVATION})
_BACKUP = frozenset({PeerRole.BACKUP})
_OVERSEERS = _CONSOLE_AND_SCHEDULER | _BACKUP
_ACTIVATION = frozenset({PeerRole.ACTIVATION})
_WEB_AND_ACTIVATION = _WEB | _ACTIVATION
_STOPPING = _PEOPLE | _ACTIVATION | {PeerRole.SCHEDULER}
"""Whoever ends what waits for people: the scheduler when a contract has ended, root with a PIN custodian."""


class AuthorityClient(Connections):
    """The operations through one of the sockets, with the roles that may request each. Thread-safe.

    The right to send a request is not an authorisation: the handlers check what makes each operation legitimate.
    Every method raises :class:`hsm.errors.AuthorityError` or a subclass: a refusal, :class:`ModuleUnavailable`
    (nothing was signed, trying again later is safe) or :class:`AuthorityUnreachable`.
    """

    @operation(_EVERYONE)
    def status(self) -> AuthorityStatus:
        """State, clock, keys, log: for health checks and the operator."""

    @operation(_WEB)
    def sign_document(self, intent: SigningIntent) -> bytes:
        """The detached CMS (DER, baseline B-B) over the intent's digest. An intent is signed once only. One over a
        record names its kind (:mod:`hsm.records`).

        It takes the approvals that ``approve`` has remembered: the person's own; for a seal those of as many
        custodians as it takes, and of the person who asks."""

    @operation(_ACTIVATION)
    def approve(self, intent: Intent, activation: Activation) -> Approvals:
        """One person's activation of an intent, verified now and stored until the intent expires.

        The operation itself then counts it. One approval for each person; an intent that was done, or another one
        under the same nonce, takes none."""

    @operation(_ACTIVATION)
    def approve_batch(self, intents: Sequence[SigningIntent], activation: Activation) -> None:
        """One person's activation of several intents for which their approval counts, in the order in which they
        were shown (:class:`hsm.batches.SigningBatch`). All are remembered as by :meth:`approve`, or none."""

    @operation(_WEB_AND_ACTIVATION)
    def batch_limit(self) -> int:
        """How many intents may be activated at once; 0 where each needs an activation of its own."""

    @operation(_CONSOLE)
    def approve_unlock(self, intent: Intent, activation: Activation) -> Approvals:
        """As :meth:`approve`, for ``unlock`` alone, which PIN custodians activate in the console."""

    @operation(_WEB_OPERATOR_CONSOLE | _ACTIVATION)
    def approvals(self, intent: Intent) -> Approvals:
        """Who has approved an intent so far, and how many approvals it needs."""

    @operation(_STOPPING)
    def withdraw(self, intent: Intent) -> None:
        """Ends an intent: neither an approval nor the operation itself takes its nonce from now on. It needs no
        activation, and is idempotent. Raises :class:`hsm.errors.ActivationUsed` for one that was used, and
        :class:`hsm.errors.ActivationRefused` for one that would wait longer than any may."""

    @operation(_STOPPING)
    def take_back_approval(self, intent: Intent, subject: str) -> None:
        """Ends one person's approval of an intent, which they may give again; otherwise as :meth:`withdraw`."""

    @operation(frozenset({PeerRole.WEB, PeerRole.TSA, PeerRole.SCHEDULER}), "timestamp")
    def timestamp_fields(self, orders: list[Any]) -> list[Any]:
        """See :meth:`timestamp`."""

    @operation(frozenset({PeerRole.SCHEDULER, PeerRole.OPERATOR}), "checkpoint")
    def extend_log(self, start: int, frontier: Sequence[bytes], leaves: Sequence[bytes], root: bytes) -> bytes:
        """See :meth:`checkpoint`."""

    @operation(_PEOPLE)
    def sign_manifest(self, manifest: bytes) -> bytes:
        """The detached CMS (DER) over an evidence manifest whose checkpoint the authority has signed."""

    @operation(_WEB_OPERATOR_CONSOLE | {PeerRole.SCHEDULER})
    def issue_crl(self) -> bytes:
        """Fresh CRLs of all issuing CAs, each numbered one higher than its last; that of the current one (DER)."""

    @operation(_EVERYONE)
    def crls(self) -> list[bytes]:
        """The current CRLs (DER): the root's, that of the CA that issues now, then those of the CAs before it."""

    @operation(_EVERYONE)
    def crl(self, issuer: str) -> bytes:
        """The current CRL (DER) of one CA. Raises :class:`UnknownKey`."""

    @operation(_PEOPLE | {PeerRole.SCHEDULER})
    def ocsp(self, certificate: bytes) -> bytes:
        """The OCSP response (RFC 6960, DER) about a certificate, by our CA that issued it. Raises
        :class:`UnknownKey` for a certificate of any other CA."""

    @operation(_WEB)
    def ocsp_reply(self, request: bytes) -> bytes:
        """The answer (RFC 6960, DER) to somebody's OCSP request, whatever that is."""

    @operation(_EVERYONE)
    def authorities(self) -> list[bytes]:
        """The certificates (DER) of all issuing CAs, the one that issues now first, and of the root, last."""

    @operation(_EVERYONE)
    def chain(self) -> list[bytes]:
        """The certificate of the CA that issues now, then the root's (DER)."""

    @operation(_EVERYONE)
    def certificate(self, subject: str) -> bytes:
        """The current certificate (DER) of ``tsa``, ``log``, ``evidence``, ``person-…`` or ``seal-…``."""

    @operation(_WEB_OPERATOR_CONSOLE | _ACTIVATION | {PeerRole.SCHEDULER})
    def credentials(self, subject: str) -> list[KnownCredential]:
        """The subject's unrevoked credentials; empty for somebody who is not enrolled."""

    @operation(_ACTIVATION)
    def begin_registration(self, subject: str, form: str = "") -> BegunRegistration:
        """Begins a registration by *subject*, enrolled or not; it may take 15 minutes. The eight newest are kept
        that have begun on one page, which *form* names."""

    @operation(_ACTIVATION)
    def register_passkey(
        self, subject: str, registration: PasskeyRegistration, reference: str | None = None
    ) -> PendingCredential:
        """Keeps a passkey of *subject* until officers decide about it, for 30 days at most. *reference* is kept
        with it, and stays with it: which form led to it."""

    @operation(_ACTIVATION)
    def register_known_passkey(
        self, subject: str, challenge: bytes, public_key: bytes, assertion: WebAuthnActivation
    ) -> PendingCredential:
        """The same for a passkey that *subject* has already, with its public key (COSE): *assertion* over the
        challenge proves that they have it."""

    @operation(_ACTIVATION)
    def register_pin(self, subject: str, pin_hash: str, sealed: bytes, code: str) -> PendingCredential:
        """The same for a PIN (its argon2id hash) and a TOTP secret, wrapped for the context ``enrolment:SUBJECT``,
        which a *code* of now proves to be known."""

    @operation(_PEOPLE | _ACTIVATION | {PeerRole.SCHEDULER})
    def pending_credentials(self, subject: str) -> list[PendingCredential]:
        """What *subject* has registered and officers have not decided about, oldest first."""

    @operation(frozenset({PeerRole.SCHEDULER}))
    def pending_subjects(self) -> list[str]:
        """Who has registered something about which officers have not decided, by name."""

    @operation(_WEB_AND_ACTIVATION)
    def drop_pending(self, subject: str, fingerprint: str) -> None:
        """Forgets what *subject* has registered under this fingerprint, if it waits: to take it away needs no
        officer."""

    @operation(_ACTIVATION)
    def known_subject(self, subject: str) -> KnownSubject:
        """Under which name somebody, or a seal, is enrolled. Raises :class:`UnknownKey`."""

    @operation(_PEOPLE)
    def organisations(self) -> list[str]:
        """The organisations that certificates may name, sorted."""

    @operation(_PEOPLE | _ACTIVATION)
    def appointment(self) -> Appointment:
        """Whether a set-up code waits for a first officer."""

    @operation(_ACTIVATION)
    def appoint_officer(
        self,
        code: str,
        subject: str,
        name: str,
        organisation: str,
        registration: PasskeyRegistration,
        reference: str,
    ) -> None:
        """Makes a first officer (``officer-…``) by a one-time set-up code of the ceremony. Five wrong codes lock
        appointment for fifteen minutes. *reference* is kept with the passkey: which form led to it."""

    @operation(_ACTIVATION)
    def restore_officer(self, code: str, subject: str, registration: PasskeyRegistration, reference: str) -> None:
        """Gives an officer who lost every authenticator a new one, by the code of a recovery. Wrong codes count as
        for ``appoint_officer``."""

    @operation(_OVERSEERS)
    def ceremonies(self) -> list[HeldCeremony]:
        """Every ceremony, and every later change of a key from one, oldest first."""

    @operation(_CONSOLE_AND_SCHEDULER)
    def transcript(self, number: int) -> str:
        """The transcript of a ceremony, as its file now is; empty when the file is gone. Raises UnknownKey."""

    @operation(_PEOPLE)
    def enrol_person(self, intent: OfficerIntent) -> bytes:
        """Makes a person's key and certificate (DER). Details: subject, name, organisation, credentials
        (fingerprints)."""

    @operation(_PEOPLE)
    def enrol_officer(self, intent: OfficerIntent) -> None:
        """Makes one more officer. Details: subject, name, organisation, credentials (fingerprints of passkeys)."""

    @operation(_PEOPLE, "enrol_keeper")
    def enrol_pin_custodian(self, intent: OfficerIntent) -> None:
        """Makes somebody one of those of whom two unlock. Details: subject (``custodian-…``), name, organisation,
        credentials (webauthn alone, of the console), which take the place of those from before."""

    @operation(_CONSOLE, "keepers")
    def pin_custodians(self) -> list[str]:
        """The subjects (``keeper-…``) of the PIN custodians, sorted; any two of them unlock."""

    @operation(frozenset({PeerRole.OPERATOR}), "end_keeper")
    def end_pin_custodian(self, subject: str, credential: bytes | None = None) -> int:
        """Removes every authenticator of a PIN custodian, or the named one; returns how many were removed.

        It needs neither an activation nor the HSM. It is idempotent.
        """

    @operation(_PEOPLE)
    def enrol_seal(self, intent: OfficerIntent) -> bytes:
        """Makes a seal's key and certificate (DER). Details: subject, name, organisation, kind, custodians,
        needed."""

    @operation(_PEOPLE)
    def seal(self, subject: str) -> KnownCompanySeal:
        """What the authority knows of a seal. Raises :class:`hsm.errors.UnknownKey`."""

    @operation(_PEOPLE)
    def suspend_seal(self, subject: str) -> None:
        """Stops a seal at once; it needs no activation. It is idempotent."""

    @operation(_PEOPLE)
    def resume_seal(self, intent: OfficerIntent) -> None:
        """Lets a suspended seal be used again. Details: subject."""

    @operation(_PEOPLE)
    def add_custodian(self, intent: OfficerIntent) -> None:
        """Gives a seal one more custodian. Details: subject, custodian."""

    @operation(_PEOPLE)
    def remove_custodian(self, intent: OfficerIntent) -> None:
        """Takes a seal from a custodian at once, by one officer. Details: subject, custodian."""

    @operation(_PEOPLE)
    def set_custodians_needed(self, intent: OfficerIntent) -> None:
        """Sets how many custodians release a seal, 1 or 2. Details: subject, needed."""

    @operation(_PEOPLE)
    def change_picture(self, intent: OfficerIntent) -> None:
        """Takes a picture into use. Details: subject, picture (SHA-256 in hex; empty for the drawn one)."""

    @operation(_PEOPLE)
    def destroy_seal(self, intent: OfficerIntent) -> bytes:
        """Revokes a seal's certificates and destroys its keys in the HSM; the new CRL (DER). Details: subject."""

    @operation(_PEOPLE)
    def confirm_power(self, intent: OfficerIntent) -> SignedStatement:
        """Confirms a power of attorney, once; what the authority states of it. Details: subject (its number),
        agent, basis, grantor, principal, kinds, counterparties, seals, letter (SHA-256 in hex), since, until,
        replaces (0 or 1), registered_by; limit (in the smallest unit) and currency where it has a limit."""

    @operation(_PEOPLE)
    def power_statement(self, power: str) -> SignedStatement:
        """What the authority stated of a power of this number. Raises :class:`UnknownKey` when no officer has
        confirmed it."""

    @operation(_PEOPLE)
    def powers_stated_since(self) -> int:
        """The number of the log's first entry from which on evidence demands a statement for each power."""

    @operation(_WEB_AND_ACTIVATION)
    def vouching_limit(self) -> int:
        """For how many outside signers one person may vouch within 24 hours; 0 where nobody may."""

    @operation(_ACTIVATION)
    def vouch(self, intent: OfficerIntent) -> list[str]:
        """Keeps for whom a person of the house vouches, as ``approve`` has remembered; the codes for them, in the
        intent's order, which nobody is told again. Details: contract, title, signers (each with subject, name,
        organisation, party, channel)."""

    @operation(_ACTIVATION)
    def register_vouched(self, subject: str, code: str, registration: PasskeyRegistration, reference: str) -> None:
        """Certifies somebody for whom a person of the house has vouched, by their code and with this passkey, for
        one part of one contract. Five wrong codes end it. *reference* is kept with the passkey."""

    @operation(_PEOPLE | _ACTIVATION | {PeerRole.SCHEDULER})
    def vouching(self, subject: str) -> KnownVouching:
        """The newest vouching for *subject*. Raises :class:`UnknownKey` without one."""

    @operation(_PEOPLE | {PeerRole.SCHEDULER})
    def vouching_statement(self, subject: str) -> SignedStatement:
        """What the authority stated of who vouched for *subject*. Raises :class:`UnknownKey` before the code was
        used."""

    @operation(_STOPPING)
    def end_vouching(self, subject: str, unsigned: bool) -> None:
        """Ends the code of *subject*, and destroys their key in the HSM, because the contract has ended. The
        certificate stays valid if the key has signed, and the contract did not end *unsigned*; else it is
        revoked. It needs no activation, and is idempotent."""

    @operation(_PEOPLE)
    def add_remote_key(self, intent: OfficerIntent) -> bytes:
        """Gives a person of the house a key for remote signing; its certificate (DER). Details: subject, use
        (:class:`hsm.remote.RemoteUse`)."""

    @operation(_WEB)
    def remote_limits(self) -> RemoteLimits:
        """How many documents one activation signs for other software."""

    @operation(_WEB)
    def sign_remotely(self, intent: OfficerIntent) -> list[bytes]:
        """What a person has activated for other software, once: for each document the detached CMS (DER) over its
        digest, or the signature over the digest alone. Details: subject (whose key), use, client (the software),
        documents (each with digest, SHA-256 in hex, and label)."""

    @operation(_PEOPLE)
    def approve_anchor(self, intent: OfficerIntent) -> SignedStatement:
        """Approves an anchor for the outside signers of an organisation, once; what the authority states of it.
        Details: subject (its number), organisation, certificate (SHA-256 of its DER in hex)."""

    @operation(_PEOPLE)
    def anchor_statement(self, anchor: str) -> SignedStatement:
        """What the authority stated of an anchor of this number. Raises :class:`UnknownKey` when no officer has
        approved it."""

    @operation(_PEOPLE)
    def add_credential(self, intent: OfficerIntent) -> None:
        """Gives a person one more credential. Details: subject, credential (its fingerprint)."""

    @operation(_PEOPLE)
    def revoke_credential(self, intent: OfficerIntent) -> None:
        """Ends a credential for good. Details: subject, credential (id in hex, or ``pin-totp``)."""

    @operation(_WEB_OPERATOR_CONSOLE)
    def revoke_certificate(self, intent: OfficerIntent) -> bytes:
        """Revokes every unexpired certificate of a subject; the new CRL (DER). Details: subject, reason; with
        ``serial`` (hex) that one certificate alone, an older one too."""

    @operation(_PEOPLE)
    def retire(self, intent: OfficerIntent) -> bytes:
        """Ends every credential and certificate of a subject at once; the new CRL (DER). Details: subject, reason.

        Asked again, it changes nothing more and answers the same way."""

    @operation(_WEB_OPERATOR_CONSOLE)
    def rotate(self, intent: OfficerIntent) -> bytes:
        """Gives a subject a new key and its certificate (DER). Details: subject."""

    @operation(_KEYS)
    def wrap_key(self, context: str, key: bytes) -> bytes:
        """A document key (at most 64 bytes) wrapped in the HSM for this socket's role and the context alone."""

    @operation(_KEYS)
    def unwrap_key(self, context: str, wrapped: bytes) -> bytes:
        """The key of ``wrap_key``. Raises :class:`hsm.errors.NotPermitted` for another role's or context's."""

    @operation(_BACKUP)
    def begin_backup(self) -> str:
        """Starts making the authority's part of a backup; returns the name to ask for.

        Raises :class:`hsm.errors.BackupRefused` while another one is being made.
        """

    @operation(_BACKUP)
    def backup_made(self, name: str) -> BackupPartStatement | None:
        """The statement about the part, None while it is being made. Raises :class:`hsm.errors.BackupRefused`."""

    @operation(_BACKUP)
    def backup_piece(self, name: str, at: int) -> bytes:
        """The next piece of the encrypted part from the byte ``at``; empty at its end."""

    @operation(_BACKUP)
    def sign_backup(self, name: str, manifest: bytes) -> bytes:
        """The signed note over the manifest (canonical JSON) of a backup with this part."""

    @operation(_CONSOLE)
    def unlock(self, intent: OfficerIntent, activations: Sequence[Activation], pins: Sequence[str]) -> None:
        """Gives the authority its PIN, in the parts that different people hold. A wrong one locks it; never
        retried."""

    @operation(_CONSOLE)
    def lock(self) -> None:
        """Makes the authority forget its PIN and log out of the HSM, until ``unlock``; a restart does not undo it.

        Raises :class:`StoreUnavailable` when it is locked, but only until the next restart, and
        :class:`AuthorityError` when not all of its processes could be reached.
        """

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
        signed last ends. Idempotent: the same request returns the same note."""
        return self.extend_log(extension.start, list(extension.frontier), list(extension.leaves), extension.root)


OPERATIONS = {each.name: each for each in vars(AuthorityClient).values() if isinstance(each, Operation)}
"""By the name on the socket."""
