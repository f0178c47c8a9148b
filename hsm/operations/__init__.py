"""The typed operations; each checks itself what makes it legitimate. One worker's handlers, and their dispatch:
decode, call, encode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pysqlite3 import dbapi2 as sqlite

from hsm import protocol
from hsm.client import OPERATIONS
from hsm.codec import encode
from hsm.config import PeerRole
from hsm.errors import AuthorityError, BadRequest, NotPermitted, StoreUnavailable
from hsm.operations.anchors import AnchorOperations
from hsm.operations.backups import BackupOperations
from hsm.operations.certification import CertificateOperations, OcspOperations
from hsm.operations.context import AuthorityContext, open_context
from hsm.operations.documents import DocumentOperations, KeyWrapOperations
from hsm.operations.people import AppointmentOperations, EnrolmentOperations
from hsm.operations.powers import PowerOperations
from hsm.operations.records import CeremonyOperations
from hsm.operations.registration import RegistrationOperations
from hsm.operations.remote import RemoteSigningOperations
from hsm.operations.seals import CompanySealOperations
from hsm.operations.services import CheckpointOperations, TimestampOperations
from hsm.operations.state import StateOperations
from hsm.operations.vouching import VouchingOperations
from hsm.worker_messages import PinChange

__all__ = ["AuthorityContext", "Operations", "open_context"]

Handler = Callable[..., Any]


class Operations:
    """The handlers of one worker. Not thread-safe."""

    def __init__(self, context: AuthorityContext, announce: Callable[[PinChange], None]) -> None:
        """*announce* hands an unlocking PIN, or a lock, to the other workers."""
        self.state = StateOperations(context, announce)
        shared = (
            self.state,
            CertificateOperations(context),
            EnrolmentOperations(context),
            CompanySealOperations(context),
            AppointmentOperations(context),
            RegistrationOperations(context),
            context.authoriser,
            OcspOperations(context),
            CeremonyOperations(context),
            DocumentOperations(context),
            PowerOperations(context),
            VouchingOperations(context),
            RemoteSigningOperations(context),
            AnchorOperations(context),
            TimestampOperations(context),
            CheckpointOperations(context),
            BackupOperations(context),
        )
        self._tables = {role: _permitted(role, (*shared, KeyWrapOperations(context, role))) for role in PeerRole}

    def answer(self, role: PeerRole, request: bytes) -> dict[str, Any]:
        """The reply to a frame's body: a result or a refusal. Raises :class:`BadRequest` for an invalid
        request."""
        message = protocol.message(request)
        operation, arguments = message.get("op"), message.get("args")
        if not isinstance(operation, str) or not isinstance(arguments, dict):
            raise BadRequest("A request has an operation and its arguments.")
        try:
            handler, declared = self._handler(role, operation), OPERATIONS[operation]
            answer = handler(**declared.decode(arguments))
            return {"ok": answer if declared.has_plain_answer else encode(answer)}
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
        if operation in OPERATIONS:
            raise NotPermitted(
                "The {role} socket may not ask for {operation}.", role=role.value, operation=operation
            )
        raise BadRequest("The authority has no operation of this name.")


def _permitted(role: PeerRole, groups: Iterable[object]) -> Mapping[str, Handler]:
    """For each operation that *role* may ask for: the method of its name in the one of *groups* that has it."""
    handlers: dict[str, Handler] = {}
    for name, operation in OPERATIONS.items():
        [handler] = [getattr(group, operation.method) for group in groups if hasattr(group, operation.method)]
        if role in operation.roles:
            handlers[name] = handler
    return handlers
