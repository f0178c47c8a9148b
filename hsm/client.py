"""The authority as the other processes see it: typed operations, each refused or done, nothing in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hsm.answers import Appointment, Approvals, HeldCeremony, KnownCompanySeal, KnownCredential
from hsm.backup import BackupPartStatement
from hsm.checkpoint import LogExtension
from hsm.connection import Connections
from hsm.intents import Activation, OfficerIntent, SigningIntent
from hsm.status import AuthorityStatus
from hsm.timestamp import ImprintOrder, IssuedToken
from hsm.timestamp_stream import TimestampStream
from hsm.wire import activations_to_wire


class AuthorityClient:
    """Operations through one of the sockets; which are permitted depends on the socket. Thread-safe.

    Every method raises :class:`hsm.errors.AuthorityError` or a subclass: a refusal, :class:`ModuleUnavailable`
    (nothing was signed, trying again later is safe) or :class:`AuthorityUnreachable` (*timeout* is in seconds).
    """

    def __init__(self, socket: Path, *, timeout: float = 10.0) -> None:
        self._socket, self._timeout = socket, timeout
        self._connections = Connections(socket, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the calling thread's connection; the next call opens one again."""
        self._connections.close()

    def status(self) -> AuthorityStatus:
        """State, clock, keys, log: for health checks and the operator."""
        return AuthorityStatus.from_wire(self._ask("status"))

    def sign_document(self, intent: SigningIntent, activations: Sequence[Activation]) -> bytes:
        """The detached CMS (DER, baseline B-B) over the intent's digest. An intent is signed once only.

        A person needs their own activation; a seal those of as many custodians as it takes, and of the person who
        asks.
        What was given to :meth:`approve` counts too: *activations* may then be fewer, or none.
        """
        return self._bytes("sign_document", intent=intent.fields(), activations=activations_to_wire(activations))

    def approve(self, intent: SigningIntent | OfficerIntent, activation: Activation) -> Approvals:
        """One person's activation of *intent*, verified now and remembered until the intent expires.

        The operation itself then counts it, with what is given on the spot. One approval for each person; an
        intent that was done, or another one under the same nonce, takes none.
        """
        [wire] = activations_to_wire([activation])
        return Approvals.from_wire(self._ask("approve", intent=intent.fields(), activation=wire))

    def approvals(self, intent: SigningIntent | OfficerIntent) -> Approvals:
        """Who has approved *intent* so far, and how many must."""
        return Approvals.from_wire(self._ask("approvals", intent=intent.fields()))

    def timestamp(self, orders: Sequence[ImprintOrder]) -> list[IssuedToken]:
        """One token for each order, in order, all at the authority's own time."""
        reply = self._ask("timestamp", orders=[order.fields() for order in orders])
        return IssuedToken.for_orders(reply, len(orders))

    def timestamp_stream(self) -> TimestampStream:
        """For the running event loop: a connection of its own for timestamps alone."""
        return TimestampStream(self._socket, timeout=self._timeout)

    def checkpoint(self, extension: LogExtension) -> bytes:
        """The signed note (C2SP tlog-checkpoint) of the log after *extension*, which begins where the checkpoint
        signed last ends. Repeated, it gives the same again."""
        return self._bytes(
            "checkpoint",
            start=extension.start,
            frontier=list(extension.frontier),
            leaves=list(extension.leaves),
            root=extension.root,
        )

    def sign_manifest(self, manifest: bytes) -> bytes:
        """The detached CMS (DER) over an evidence manifest whose checkpoint the authority has signed."""
        return self._bytes("sign_manifest", manifest=manifest)

    def issue_crl(self) -> bytes:
        """Fresh CRLs of all issuing CAs, each numbered one higher than its last; that of the current one (DER)."""
        return self._bytes("issue_crl")

    def crls(self) -> list[bytes]:
        """The current CRLs (DER): the root's, that of the CA that issues now, then those of the CAs before it."""
        return self._bytes_list("crls")

    def crl(self, issuer: str) -> bytes:
        """The current CRL (DER) of ``root``, ``issuing``, ``issuing-2``, … Raises :class:`UnknownKey`."""
        return self._bytes("crl", issuer=issuer)

    def ocsp(self, certificate: bytes) -> bytes:
        """The OCSP response (RFC 6960, DER) about a *certificate* (DER) of ours, by the CA that issued it."""
        return self._bytes("ocsp", certificate=certificate)

    def ocsp_reply(self, request: bytes) -> bytes:
        """The answer (RFC 6960, DER) to somebody's OCSP *request*, whatever that is."""
        return self._bytes("ocsp_reply", request=request)

    def authorities(self) -> list[bytes]:
        """The certificates (DER) of all issuing CAs, the one that issues now first, and of the root, last."""
        return self._bytes_list("authorities")

    def chain(self) -> list[bytes]:
        """The certificate of the CA that issues now, then the root's (DER)."""
        return self._bytes_list("chain")

    def certificate(self, subject: str) -> bytes:
        """The current certificate (DER) of ``tsa``, ``log``, ``evidence``, ``person-…`` or ``seal-…``."""
        return self._bytes("certificate", subject=subject)

    def credentials(self, subject: str) -> list[KnownCredential]:
        """What *subject* activates with, revoked ones left out; empty for somebody who is not enrolled."""
        return [KnownCredential.from_wire(each) for each in self._ask("credentials", subject=subject)]

    def organisations(self) -> list[str]:
        """The organisations that certificates may name, sorted."""
        return [str(each) for each in self._ask("organisations")]

    def appointment(self) -> Appointment:
        """Whether a set-up code waits for a first officer."""
        return Appointment.from_wire(self._ask("appointment"))

    def appoint_officer(self, code: str, details: Mapping[str, Any]) -> None:
        """Makes a first officer by a one-time set-up *code* of the ceremony.

        Details: subject (``officer-…``), name, organisation, credential (a map, webauthn alone). Five wrong codes
        lock appointment for fifteen minutes.
        """
        self._ask("appoint_officer", code=code, details=dict(details))

    def restore_officer(self, code: str, details: Mapping[str, Any]) -> None:
        """Gives an officer who lost every authenticator a new one, by the *code* of a recovery.

        Details: subject, credential (a map, webauthn alone). Wrong codes count as for :meth:`appoint_officer`.
        """
        self._ask("restore_officer", code=code, details=dict(details))

    def ceremonies(self) -> list[HeldCeremony]:
        """Every ceremony that was held, and every later change of a key from one; the first first."""
        return [HeldCeremony.from_wire(each) for each in self._ask("ceremonies")]

    def transcript(self, number: int) -> str:
        """The transcript of a ceremony, as it is found; empty when it is gone. Raises UnknownKey."""
        return str(self._ask("transcript", number=number))

    def enrol_person(self, intent: OfficerIntent, activations: Sequence[Activation]) -> bytes:
        """Makes a person's key and certificate (DER). Details: subject, name, organisation, credentials."""
        return self._officer("enrol_person", intent, activations)

    def enrol_officer(self, intent: OfficerIntent, activations: Sequence[Activation]) -> None:
        """Makes one more officer. Details: subject, name, organisation, credentials (webauthn alone)."""
        self._officer_act("enrol_officer", intent, activations)

    def enrol_pin_custodian(self, intent: OfficerIntent, activations: Sequence[Activation]) -> None:
        """Makes somebody one of those of whom two unlock. Details: subject (``keeper-…``), name, organisation,
        credentials (webauthn alone, of the console), which take the place of those from before."""
        self._officer_act("enrol_keeper", intent, activations)

    def pin_custodians(self) -> list[str]:
        """The subjects (``keeper-…``) of whom any two unlock, sorted."""
        return [str(each) for each in self._ask("keepers")]

    def end_pin_custodian(self, subject: str, credential: bytes | None = None) -> int:
        """Takes every authenticator from a PIN custodian, or the one with the id *credential*; how many that were.
        It needs nobody's activation, and no HSM. Asked again, it changes nothing."""
        named = {} if credential is None else {"credential": credential.hex()}
        return int(self._ask("end_keeper", subject=subject, **named))

    def enrol_seal(self, intent: OfficerIntent, activations: Sequence[Activation]) -> bytes:
        """Makes a seal's key and certificate (DER). Details: subject, name, organisation, kind,
        custodians, needed."""
        return self._officer("enrol_seal", intent, activations)

    def seal(self, subject: str) -> KnownCompanySeal:
        """What the authority knows of a seal. Raises :class:`hsm.errors.UnknownKey`."""
        return KnownCompanySeal.from_wire(self._ask("seal", subject=subject))

    def suspend_seal(self, subject: str) -> None:
        """Stops a seal at once; it needs nobody's activation. Asked again, it changes nothing."""
        self._ask("suspend_seal", subject=subject)

    def resume_seal(self, intent: OfficerIntent, activations: Sequence[Activation]) -> None:
        """Lets a suspended seal be used again. Details: subject."""
        self._officer_act("resume_seal", intent, activations)

    def add_custodian(self, intent: OfficerIntent, activations: Sequence[Activation]) -> None:
        """Gives a seal one more custodian. Details: subject, custodian."""
        self._officer_act("add_custodian", intent, activations)

    def remove_custodian(self, intent: OfficerIntent, activations: Sequence[Activation]) -> None:
        """Takes a seal from a custodian at once, by one officer. Details: subject, custodian."""
        self._officer_act("remove_custodian", intent, activations)

    def set_custodians_needed(self, intent: OfficerIntent, activations: Sequence[Activation]) -> None:
        """Sets how many custodians release a seal, 1 or 2. Details: subject, needed."""
        self._officer_act("set_custodians_needed", intent, activations)

    def change_picture(self, intent: OfficerIntent, activations: Sequence[Activation]) -> None:
        """Takes a picture into use. Details: subject, picture (SHA-256 in hex; empty for the drawn one)."""
        self._officer_act("change_picture", intent, activations)

    def destroy_seal(self, intent: OfficerIntent, activations: Sequence[Activation]) -> bytes:
        """Revokes a seal's certificates and destroys its keys in the HSM; the new CRL (DER). Details: subject."""
        return self._officer("destroy_seal", intent, activations)

    def add_credential(self, intent: OfficerIntent, activations: Sequence[Activation]) -> None:
        """Gives a person one more credential. Details: subject, credential."""
        self._officer_act("add_credential", intent, activations)

    def revoke_credential(self, intent: OfficerIntent, activations: Sequence[Activation]) -> None:
        """Ends a credential for good. Details: subject, credential (id in hex, or ``pin-totp``)."""
        self._officer_act("revoke_credential", intent, activations)

    def revoke_certificate(self, intent: OfficerIntent, activations: Sequence[Activation]) -> bytes:
        """Revokes every unexpired certificate of a subject; the new CRL (DER). Details: subject, reason; with
        ``serial`` (hex) that one certificate alone, an older one too."""
        return self._officer("revoke_certificate", intent, activations)

    def retire(self, intent: OfficerIntent, activations: Sequence[Activation]) -> bytes:
        """Ends every credential and certificate of a subject at once; the new CRL (DER). Details: subject, reason.

        Asked again, it changes nothing more and answers the same way.
        """
        return self._officer("retire", intent, activations)

    def rotate(self, intent: OfficerIntent, activations: Sequence[Activation]) -> bytes:
        """Gives a subject a new key and its certificate (DER). Details: subject."""
        return self._officer("rotate", intent, activations)

    def wrap_key(self, context: str, key: bytes) -> bytes:
        """A document *key* (at most 64 bytes) wrapped in the HSM for this socket's role and *context* alone."""
        return self._bytes("wrap_key", context=context, key=key)

    def unwrap_key(self, context: str, wrapped: bytes) -> bytes:
        """The key of :meth:`wrap_key`. Raises :class:`hsm.errors.NotPermitted` for another role's or context's."""
        return self._bytes("unwrap_key", context=context, wrapped=wrapped)

    def begin_backup(self) -> str:
        """Lets the authority make its part of a backup; the name to ask after."""
        return str(self._ask("begin_backup"))

    def backup_made(self, name: str) -> BackupPartStatement | None:
        """The statement about the part, None while it is being made. Raises :class:`hsm.errors.BackupRefused`."""
        made = self._ask("backup_made", name=name)
        return None if made is None else BackupPartStatement.from_fields(made)

    def backup_piece(self, name: str, at: int) -> bytes:
        """The next piece of the sealed part from the byte *at*; empty at its end."""
        return self._bytes("backup_piece", name=name, at=at)

    def sign_backup(self, name: str, manifest: bytes) -> bytes:
        """The signed note over the manifest (canonical JSON) of a backup with this part."""
        return self._bytes("sign_backup", name=name, manifest=manifest)

    def unlock(self, intent: OfficerIntent, activations: Sequence[Activation], *, pins: Sequence[str]) -> None:
        """Gives the authority its PIN, in parts that different hands hold. A wrong one locks it; never retried."""
        self._ask("unlock", intent=intent.fields(), activations=activations_to_wire(activations), pins=list(pins))

    def lock(self) -> None:
        """Makes the authority forget its PIN and log out of the HSM, until :meth:`unlock`; no restart undoes it.

        Raises :class:`StoreUnavailable` when it is locked, but a restart would undo that, and
        :class:`AuthorityError` when not all of its processes could be told.
        """
        self._ask("lock")

    def _officer(self, operation: str, intent: OfficerIntent, activations: Sequence[Activation]) -> bytes:
        return bytes(self._officer_act(operation, intent, activations))

    def _officer_act(self, operation: str, intent: OfficerIntent, activations: Sequence[Activation]) -> Any:
        return self._ask(operation, intent=intent.fields(), activations=activations_to_wire(activations))

    def _bytes(self, operation: str, **arguments: Any) -> bytes:
        return bytes(self._ask(operation, **arguments))

    def _bytes_list(self, operation: str, **arguments: Any) -> list[bytes]:
        return [bytes(item) for item in self._ask(operation, **arguments)]

    def _ask(self, operation: str, **arguments: Any) -> Any:
        return self._connections.ask(operation, arguments)
