"""Every operation in one table: its name, what does it, and which sockets may ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pysqlite3 import dbapi2 as sqlite

from hsm import protocol
from hsm.config import Role
from hsm.control import PinChange
from hsm.errors import AuthorityError, BadRequest, NotPermitted, StoreUnavailable
from hsm.operations.answering import Answering
from hsm.operations.appointment import Appointing
from hsm.operations.approving import Approving
from hsm.operations.backups import Backups
from hsm.operations.bench import Bench
from hsm.operations.certification import Certification
from hsm.operations.documents import Documents
from hsm.operations.log import Log
from hsm.operations.people import Enrolment
from hsm.operations.records import Records
from hsm.operations.seals import SealKeeping
from hsm.operations.state import State
from hsm.operations.timestamps import Timestamps
from hsm.operations.wrapping import DocumentKeys

Handler = Callable[[Mapping[str, Any]], Any]

_EVERYONE = frozenset(Role)
_PEOPLE = frozenset({Role.WEB, Role.OPERATOR})
_KEEPERS = frozenset({Role.OPERATOR, Role.CONSOLE})
_WITH_OFFICERS = _PEOPLE | _KEEPERS
_WHO_PREPARE = _WITH_OFFICERS | {Role.SCHEDULER}
_RECORDED = _KEEPERS | {Role.SCHEDULER}

PERMITTED: Mapping[str, frozenset[Role]] = {
    "status": _EVERYONE,
    "chain": _EVERYONE,
    "certificate": _EVERYONE,
    "crls": _EVERYONE,
    "crl": _EVERYONE,
    "authorities": _EVERYONE,
    "sign_document": frozenset({Role.WEB}),
    "approve": _WITH_OFFICERS,
    "approvals": _WITH_OFFICERS,
    "credentials": _WHO_PREPARE,
    "ceremonies": _RECORDED,
    "transcript": _RECORDED,
    "organisations": _PEOPLE,
    "appointment": _PEOPLE,
    "appoint_officer": frozenset({Role.WEB}),
    "restore_officer": frozenset({Role.WEB}),
    "sign_manifest": frozenset({Role.WEB, Role.OPERATOR}),
    "timestamp": frozenset({Role.WEB, Role.TSA, Role.SCHEDULER}),
    "checkpoint": frozenset({Role.SCHEDULER, Role.OPERATOR}),
    "ocsp": frozenset({Role.WEB, Role.SCHEDULER, Role.OPERATOR}),
    "ocsp_reply": frozenset({Role.WEB}),
    "issue_crl": frozenset({Role.WEB, Role.SCHEDULER, *_KEEPERS}),
    "wrap_key": frozenset({Role.WEB, Role.SCHEDULER}),
    "unwrap_key": frozenset({Role.WEB, Role.SCHEDULER}),
    "enrol_person": _PEOPLE,
    "enrol_officer": _PEOPLE,
    "enrol_keeper": _PEOPLE,
    "keepers": _KEEPERS,
    "end_keeper": frozenset({Role.OPERATOR}),
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
    "unlock": _KEEPERS,
    "lock": _KEEPERS,
    "begin_backup": frozenset({Role.BACKUP}),
    "backup_made": frozenset({Role.BACKUP}),
    "backup_piece": frozenset({Role.BACKUP}),
    "sign_backup": frozenset({Role.BACKUP}),
}
"""Which roles may ask for which operation. To be permitted to ask is not to be permitted: see each handler."""


class Operations:
    """The handlers of one worker, and the one way to them. Not thread-safe."""

    def __init__(self, bench: Bench, announce: Callable[[PinChange], None]) -> None:
        """*announce* hands an unlocking PIN, or a lock, to the other workers."""
        certification, enrolment = _certification(bench)
        documents, self.state = Documents(bench), State(bench, announce)
        appointing, approving, answering = Appointing(bench), Approving(bench), Answering(bench)
        seals, backups, records = SealKeeping(bench, certification), Backups(bench), Records(bench)
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
            "enrol_keeper": enrolment.enrol_keeper,
            "keepers": enrolment.keepers,
            "end_keeper": enrolment.end_keeper,
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
            "timestamp": Timestamps(bench).timestamp,
            "checkpoint": Log(bench).checkpoint,
            "begin_backup": backups.begin_backup,
            "backup_made": backups.backup_made,
            "backup_piece": backups.backup_piece,
            "sign_backup": backups.sign_backup,
        }
        self._tables = {role: _permitted(role, shared, DocumentKeys(bench, role)) for role in Role}

    def answer(self, role: Role, request: bytes) -> dict[str, Any]:
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

    def _handler(self, role: Role, operation: str) -> Handler:
        handler = self._tables[role].get(operation)
        if handler is not None:
            return handler
        if operation in PERMITTED:
            raise NotPermitted(
                "The {role} socket may not ask for {operation}.", role=role.value, operation=operation
            )
        raise BadRequest("The authority has no operation of this name.")


def _certification(bench: Bench) -> tuple[Certification, Enrolment]:
    certification = Certification(bench)
    return certification, Enrolment(bench, certification)


def _permitted(role: Role, shared: Mapping[str, Handler], keys: DocumentKeys) -> dict[str, Handler]:
    handlers = {**shared, "wrap_key": keys.wrap_key, "unwrap_key": keys.unwrap_key}
    return {name: handler for name, handler in handlers.items() if role in PERMITTED[name]}
