"""Every operation in one table: its name, what does it, and which sockets may ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pysqlite3 import dbapi2 as sqlite

from hsm import protocol
from hsm.config import PeerRole
from hsm.control import PinChange
from hsm.errors import AuthorityError, BadRequest, NotPermitted, StoreUnavailable
from hsm.operations.appointment import AppointmentOperations
from hsm.operations.approvals import ApprovalOperations
from hsm.operations.backups import BackupOperations
from hsm.operations.certification import CertificateOperations
from hsm.operations.context import AuthorityContext
from hsm.operations.documents import DocumentOperations
from hsm.operations.log import CheckpointOperations
from hsm.operations.ocsp import OcspOperations
from hsm.operations.people import EnrolmentOperations
from hsm.operations.records import CeremonyOperations
from hsm.operations.seals import CompanySealOperations
from hsm.operations.state import StateOperations
from hsm.operations.timestamps import TimestampOperations
from hsm.operations.wrapping import KeyWrapOperations

Handler = Callable[[Mapping[str, Any]], Any]

_EVERYONE = frozenset(PeerRole)
_PEOPLE = frozenset({PeerRole.WEB, PeerRole.OPERATOR})
_CONSOLE = frozenset({PeerRole.OPERATOR, PeerRole.CONSOLE})
_WITH_OFFICERS = _PEOPLE | _CONSOLE
_WHO_PREPARE = _WITH_OFFICERS | {PeerRole.SCHEDULER}
_RECORDED = _CONSOLE | {PeerRole.SCHEDULER}

PERMITTED: Mapping[str, frozenset[PeerRole]] = {
    "status": _EVERYONE,
    "chain": _EVERYONE,
    "certificate": _EVERYONE,
    "crls": _EVERYONE,
    "crl": _EVERYONE,
    "authorities": _EVERYONE,
    "sign_document": frozenset({PeerRole.WEB}),
    "approve": _WITH_OFFICERS,
    "approvals": _WITH_OFFICERS,
    "credentials": _WHO_PREPARE,
    "ceremonies": _RECORDED,
    "transcript": _RECORDED,
    "organisations": _PEOPLE,
    "appointment": _PEOPLE,
    "appoint_officer": frozenset({PeerRole.WEB}),
    "restore_officer": frozenset({PeerRole.WEB}),
    "sign_manifest": frozenset({PeerRole.WEB, PeerRole.OPERATOR}),
    "timestamp": frozenset({PeerRole.WEB, PeerRole.TSA, PeerRole.SCHEDULER}),
    "checkpoint": frozenset({PeerRole.SCHEDULER, PeerRole.OPERATOR}),
    "ocsp": frozenset({PeerRole.WEB, PeerRole.SCHEDULER, PeerRole.OPERATOR}),
    "ocsp_reply": frozenset({PeerRole.WEB}),
    "issue_crl": frozenset({PeerRole.WEB, PeerRole.SCHEDULER, *_CONSOLE}),
    "wrap_key": frozenset({PeerRole.WEB, PeerRole.SCHEDULER}),
    "unwrap_key": frozenset({PeerRole.WEB, PeerRole.SCHEDULER}),
    "enrol_person": _PEOPLE,
    "enrol_officer": _PEOPLE,
    "enrol_keeper": _PEOPLE,
    "keepers": _CONSOLE,
    "end_keeper": frozenset({PeerRole.OPERATOR}),
    "enrol_seal": _PEOPLE,
    "add_credential": _PEOPLE,
    "revoke_credential": _PEOPLE,
    "seal": _PEOPLE,
    "suspend_seal": _PEOPLE,
    "resume_seal": _PEOPLE,
    "add_custodian": _PEOPLE,
    "remove_custodian": _PEOPLE,
    "set_custodians_needed": _PEOPLE,
    "change_picture": _PEOPLE,
    "destroy_seal": _PEOPLE,
    "revoke_certificate": _WITH_OFFICERS,
    "retire": _PEOPLE,
    "rotate": _WITH_OFFICERS,
    "unlock": _CONSOLE,
    "lock": _CONSOLE,
    "begin_backup": frozenset({PeerRole.BACKUP}),
    "backup_made": frozenset({PeerRole.BACKUP}),
    "backup_piece": frozenset({PeerRole.BACKUP}),
    "sign_backup": frozenset({PeerRole.BACKUP}),
}
"""Which roles may ask for which operation. To be permitted to ask is not to be permitted: see each handler."""


class Operations:
    """The handlers of one worker, and the one way to them. Not thread-safe."""

    def __init__(self, context: AuthorityContext, announce: Callable[[PinChange], None]) -> None:
        """*announce* hands an unlocking PIN, or a lock, to the other workers."""
        certification, enrolment = _certification(context)
        documents, self.state = DocumentOperations(context), StateOperations(context, announce)
        appointing, approving, answering = (
            AppointmentOperations(context),
            ApprovalOperations(context),
            OcspOperations(context),
        )
        seals, backups, records = (
            CompanySealOperations(context, certification),
            BackupOperations(context),
            CeremonyOperations(context),
        )
        shared: dict[str, Handler] = {
            "status": self.state.status,
            "unlock": self.state.unlock,
            "lock": self.state.lock,
            "chain": certification.chain,
            "certificate": certification.certificate,
            "crls": certification.crls,
            "crl": certification.crl,
            "ocsp": answering.ocsp,
            "ocsp_reply": answering.ocsp_reply,
            "authorities": certification.authorities,
            "issue_crl": certification.issue_crl,
            "ceremonies": records.ceremonies,
            "transcript": records.transcript,
            "revoke_certificate": certification.revoke_certificate,
            "retire": certification.retire,
            "rotate": certification.rotate,
            "enrol_person": enrolment.enrol_person,
            "enrol_officer": enrolment.enrol_officer,
            "enrol_keeper": enrolment.enrol_pin_custodian,
            "keepers": enrolment.pin_custodians,
            "end_keeper": enrolment.end_pin_custodian,
            "enrol_seal": enrolment.enrol_seal,
            "add_credential": enrolment.add_credential,
            "revoke_credential": enrolment.revoke_credential,
            "seal": seals.seal,
            "suspend_seal": seals.suspend_seal,
            "resume_seal": seals.resume_seal,
            "add_custodian": seals.add_custodian,
            "remove_custodian": seals.remove_custodian,
            "set_custodians_needed": seals.set_custodians_needed,
            "change_picture": seals.change_picture,
            "destroy_seal": seals.destroy_seal,
            "credentials": enrolment.credentials,
            "organisations": enrolment.organisations,
            "appointment": appointing.appointment,
            "appoint_officer": appointing.appoint_officer,
            "restore_officer": appointing.restore_officer,
            "approve": approving.approve,
            "approvals": approving.approvals,
            "sign_document": documents.sign_document,
            "sign_manifest": documents.sign_manifest,
            "timestamp": TimestampOperations(context).timestamp,
            "checkpoint": CheckpointOperations(context).checkpoint,
            "begin_backup": backups.begin_backup,
            "backup_made": backups.backup_made,
            "backup_piece": backups.backup_piece,
            "sign_backup": backups.sign_backup,
        }
        self._tables = {role: _permitted(role, shared, KeyWrapOperations(context, role)) for role in PeerRole}

    def answer(self, role: PeerRole, request: bytes) -> dict[str, Any]:
        """The reply to a frame's body: a result or a refusal. Raises :class:`BadRequest` when it is no request."""
        message = protocol.message(request)
        operation, arguments = message.get("op"), message.get("args")
        if not isinstance(operation, str) or not isinstance(arguments, dict):
            raise BadRequest("A request has an operation and its arguments.")
        try:
            return {"ok": self._handler(role, operation)(arguments)}
        except AuthorityError as error:
            return protocol.refusal(error)
        except sqlite.Error as error:
            return protocol.refusal(
                StoreUnavailable(
                    "The authority's store cannot be used now ({reason}); nothing was signed.", reason=error
                )
            )

    def _handler(self, role: PeerRole, operation: str) -> Handler:
        handler = self._tables[role].get(operation)
        if handler is not None:
            return handler
        if operation in PERMITTED:
            raise NotPermitted(
                "The {role} socket may not ask for {operation}.", role=role.value, operation=operation
            )
        raise BadRequest("The authority has no operation of this name.")


def _certification(context: AuthorityContext) -> tuple[CertificateOperations, EnrolmentOperations]:
    certification = CertificateOperations(context)
    return certification, EnrolmentOperations(context, certification)


def _permitted(role: PeerRole, shared: Mapping[str, Handler], keys: KeyWrapOperations) -> dict[str, Handler]:
    handlers = {**shared, "wrap_key": keys.wrap_key, "unwrap_key": keys.unwrap_key}
    return {name: handler for name, handler in handlers.items() if role in PERMITTED[name]}
